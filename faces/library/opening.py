"""Who links faces in an opened database, and what keeps our tables of people and groups up to date there.

Loads what that takes only where the database has these tables: a worker beside an app without them starts as before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faces.people.linking import Identities
from faces.store.database import Store, Transaction
from faces.store.who import identities_of

if TYPE_CHECKING:
    from faces.library.arrivals import Arrivals
    from faces.library.groups.settling import Settling
    from faces.library.upkeep.outside_changes import OutsideChanges
    from faces.library.upkeep.pending_updates import PendingUpdates
    from faces.people.cohort import Cohort


@dataclass(frozen=True, slots=True)
class OpenLibrary:
    """Made once for a process and a database. Threads may share it."""

    identities: Identities[Transaction]
    arrivals: Arrivals | None
    """None where the database has no tables of ours."""
    settling: Settling | None
    """The same: joins groups and asks about them, between jobs."""
    is_calibrated: bool
    """Whether faces are linked by probability, else to the nearest below the threshold."""
    outside: OutsideChanges | None = None
    """Looks at what the app changes; None also in a file of our own, where every change is ours."""
    pending: PendingUpdates | None = None
    """Works off what a killed process left, in a file of our own; None beside an app, where `outside` does it."""

    @property
    def upkeep(self) -> OutsideChanges | PendingUpdates | None:
        """What has our tables follow, between two jobs and before a verb that settles."""
        return self.outside or self.pending


def open_library(
    store: Store, *, calibrated: bool, cohort: Callable[[], Cohort], folder: Path | None = None
) -> OpenLibrary:
    """Put the rule in force upon the masters or persons of a database; reads nothing from it yet.

    Args:
        store: the opened database; `calibrated` needs our tables in it.
        calibrated: whether faces are linked by probability.
        cohort: reads the averages to tell people apart by; only asked where there are tables of ours.
        folder: FACE_STATE_DIR, where the machine's processes share what is measured; None: nowhere.
    """
    beneath = identities_of(store.schema)
    if store.schema.sidecar is None:
        return OpenLibrary(beneath, None, None, is_calibrated=False)
    from faces.library.arrivals import Arrivals
    from faces.library.calibrated import Calibrated
    from faces.library.groups.settling import Settling
    from faces.library.library import Library
    from faces.library.shared_rows import SharedRows
    from faces.library.upkeep.outside_changes import OutsideChanges
    from faces.library.upkeep.pending_updates import PendingUpdates

    library = Library(cohort(), SharedRows(folder, store.name) if folder else None)
    identities = Calibrated(library, beneath) if calibrated else beneath
    settling = Settling(store, library, links=calibrated)
    arrivals = Arrivals(store, library)
    outside = None if store.schema.ours else OutsideChanges(arrivals)
    pending = PendingUpdates(arrivals) if store.schema.ours else None
    return OpenLibrary(identities, arrivals, settling, is_calibrated=calibrated, outside=outside, pending=pending)
