"""Measure what many groups cost where they are kept, in a file and on a server: see script/bench-settling."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from faces.library.arrivals import Arrivals
from faces.library.groups.settling import Settling
from faces.library.library import Library
from faces.library.shared_rows import SharedRows
from faces.people.cohort import read_cohort
from faces.people.groups.group_index import NearGroup
from faces.people.groups.growing import MOST, SLICE
from faces.people.matching import Encodings
from faces.store.database import Store
from script.benches.large_library import fill_library
from tests.servers.app_schema import ALL
from tests.servers.library_rows import tables_at
from tests.servers.mariadb import running_mariadb
from tests.servers.rows import Rows

#: What may be reached at most. In CPU seconds: the clock is the disk's.
LIMITS = {"a face, CPU ms": 20.0, "joining after 100 faces, CPU s": 1.0, "all neighbourhoods anew, CPU s": 5.0}

#: Faces that arrive; the first of them begin groups though others are near, as if two of a person had come at once.
_ARRIVALS, _AT_ONCE = 100, 30

#: How far two photos of a person are apart on the mean.
_SPREAD = 0.3


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench-settling", description=__doc__)
    parser.add_argument("--groups", type=int, default=100_000, metavar="N", help="groups that there are")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    told = parser.parse_args()
    figures = {name: _measure(url, told.groups) for name, url in _databases()}
    print(json.dumps(figures) if told.json else "\n".join(_lines(told.groups, figures)))  # noqa: T201  the answer
    return 1 if any(found[name] > most for found in figures.values() for name, most in LIMITS.items()) else 0


def _databases() -> Iterator[tuple[str, str]]:
    with TemporaryDirectory(prefix="bench-settling-") as folder, running_mariadb() as server:
        url = f"sqlite:///{folder}/faces.db"
        Store.open(url, create=True).close()
        yield "SQLite", url
        yield "MariaDB", server.new_database(*ALL)


def _measure(url: str, count: int) -> dict[str, float]:
    cohort = read_cohort()
    tables = tables_at(url)
    known = fill_library(url, tables, cohort, people=10, groups=count)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-settling-")))
        store = stack.enter_context(closing(Store.open(url)))
        rows = stack.enter_context(closing(Rows(url)))
        library = Library(cohort, SharedRows(folder, store.name))
        arrivals, settling = Arrivals(store, library), Settling(store, library, links=True)
        at_once = Arrivals(store, _Blind(cohort))
        images = _photos(rows, known)
        start = _cpu(arrivals.follow)
        each = [_cpu(lambda image=image: arrivals.update_images([image])) for image in images[_AT_ONCE:]]  # type: ignore[misc]
        at_once.update_images(images[:_AT_ONCE])
        rows.run(f"UPDATE {tables.library.name} SET joined_at_faces = alarm_faces - {MOST}")  # noqa: S608  our names
        arrivals.follow()
        joining = _cpu(settling.settle_some)
        merged = f"SELECT COUNT(*) AS n FROM {tables.ledger.name} WHERE kind = 'merged'"  # noqa: S608  our names
        slices = list(_slices(library))
        again = Library(cohort, SharedRows(folder, store.name))
        return {
            "a face, CPU ms": 1000 * median(each),
            "joining after 100 faces, CPU s": joining,
            "of these joins": rows.one(merged)["n"],
            "all neighbourhoods anew, CPU s": sum(slices),
            "the longest slice, CPU s": max(slices, default=0.0),
            "a start out of rows, CPU s": start,
            "a start out of the file, CPU s": _cpu(Arrivals(store, again).follow),
        }


def _photos(rows: Rows, known: np.ndarray) -> list[int]:
    """The images of faces that arrive: of people who are there already."""
    dice = np.random.default_rng(7)
    again = known[dice.integers(0, len(known), _ARRIVALS)]
    faces = again + dice.normal(0, _SPREAD / np.sqrt(again.shape[1]), again.shape)
    images = []
    for face in faces:
        images.append(rows.image(faces_checked=1))
        rows.face(images[-1], face)
    return images


def _slices(library: Library) -> Iterator[float]:
    """The CPU seconds of each."""
    while library.is_stale:
        yield _cpu(lambda: library.renew(SLICE))


def _lines(count: int, figures: dict[str, dict[str, float]]) -> Iterator[str]:
    yield f"{count:,} groups{'':28} {'':12}" + "".join(f"{name:>10}" for name in figures)
    for name in next(iter(figures.values())):
        most = f"at most {LIMITS[name]:g}" if name in LIMITS else ""
        yield f"  {name:34} {most:12}" + "".join(f"{found[name]:10.2f}" for found in figures.values())


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds of all threads of this process: a server's are its own."""
    start = time.process_time()
    work()
    return time.process_time() - start


class _Blind(Library):
    """Knows no group that a face could join."""

    def nearest_groups(self, encodings: Encodings) -> list[NearGroup | None]:
        return [None] * len(encodings)


if __name__ == "__main__":
    sys.exit(main())
