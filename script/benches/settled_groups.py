"""Measure many groups in real tables: a face's arrival, the joins after 100 faces, and measuring all anew."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from faces.library.arrivals import Arrivals
from faces.library.library import Library
from faces.library.settling import Settling
from faces.library.shared_rows import SharedRows
from faces.people.cohort import read_cohort
from faces.store.database import Store
from faces.store.sidecar.tables import SidecarTables

#: Rows of one statement.
_BATCH = 5_000

#: Faces that arrive.
_ARRIVALS = 100


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of the clock, and of this process's CPU."""

    wall: float
    cpu: float


def measure(
    url: str, tables: SidecarTables, encodings: npt.NDArray[np.float64], arriving: npt.NDArray[np.float64]
) -> dict[str, Took]:
    """The figures of a database with our tables in it, empty.

    Args:
        url: the database.
        tables: ours.
        encodings: each a group of one, shape (n, 128).
        arriving: the faces that come, one a photo, shape (m, 128).
    """
    cohort = read_cohort()
    with ExitStack() as stack:
        engine = sa.create_engine(url)
        stack.callback(engine.dispose)
        _fill(engine, tables, encodings, cohort)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-groups-")))
        store = stack.enter_context(closing(Store.open(url)))
        library = Library(cohort, SharedRows(folder, store.name))
        arrivals, settling = Arrivals(store, library), Settling(store, library, links=True)
        start = _took(arrivals.follow)
        library.renew(len(encodings))
        each = [_took(lambda image=image: arrivals.update_images([image])) for image in _photos(engine, arriving)]  # type: ignore[misc]
        arrivals.follow()
        joining = _took(settling.settle_some)
        first = _took(arrivals.follow)
        slices = list(_slices(library))
        return {
            "start": start,
            "a face": Took(median(one.wall for one in each), median(one.cpu for one in each)),
            "joining": joining,
            "follow": first,
            "all anew": Took(sum(one.wall for one in slices), sum(one.cpu for one in slices)),
            "the longest slice": max(slices, key=lambda one: one.cpu, default=Took(0, 0)),
        }
