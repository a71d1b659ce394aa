"""Who links faces in an opened database, and what keeps our tables of people and groups up to date there.

Loads what that takes only where the database has these tables: a worker beside an app without them starts as before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faces.people.linking import Identities
from faces.store.database import Store, Transaction
from faces.store.who import identities_of

if TYPE_CHECKING:
    from faces.library.arrivals import Arrivals
    from faces.people.cohort import Cohort


@dataclass(frozen=True, slots=True)
class OpenLibrary:
    """Made once for a process and a database. Threads may share it."""

    identities: Identities[Transaction]
    arrivals: Arrivals | None
    """None where the database has no tables of ours."""
    is_calibrated: bool
    """Whether faces are linked by probability, else to the nearest below the threshold."""


def open_library(store: Store, *, calibrated: bool, cohort: Callable[[], Cohort]) -> OpenLibrary:
    """Put the rule in force upon the masters or persons of a database; reads nothing from it yet.

    Args:
        store: the opened database; `calibrated` needs our tables in it.
        calibrated: whether faces are linked by probability.
        cohort: reads the averages to tell people apart by; only asked where there are tables of ours.
    """
    beneath = identities_of(store.schema)
    if store.schema.sidecar is None:
        return OpenLibrary(beneath, None, is_calibrated=False)
    from faces.library.arrivals import Arrivals
    from faces.library.calibrated import Calibrated
    from faces.library.library import Library

    library = Library(cohort())
    identities = Calibrated(library, beneath) if calibrated else beneath
    return OpenLibrary(identities, Arrivals(store, library), is_calibrated=calibrated)
