"""Measure how a process comes to many people and groups: out of a store's rows, or of the file that others map too."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from faces.library import index_file
from faces.people.cohort import read_cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.groups.group_index import GroupIndex, KeptGroup
from faces.people.neighbourhood import Neighbourhood

#: The name of the library.
_LIBRARY = "bench"

#: Figures of one start.
FIGURES = ("CPU s", "own memory (USS), MB", "with its share (PSS), MB")


def measure(encodings: npt.NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """The figures of a start out of rows, `rows`, and of the second of two processes that map the file, `file`.

    Each encoding, shape (n, 128), is a person of one confirmed face, and a group of one.
    """
    with TemporaryDirectory(prefix="bench-index-") as folder:
        _write_rows(Path(folder) / "rows.db", encodings)
        with _started("rows", folder) as of_rows:
            found = {"rows": of_rows}
        with _started("file", folder), _started("file", folder) as of_file:
            return {**found, "file": of_file}


def _write_rows(file: Path, encodings: npt.NDArray[np.float64]) -> None:
    """As the store's tables have them, their neighbourhoods measured."""
    around = Neighbourhood(read_cohort()).around(encodings).astype(float)
    sums = (EncodingSum.of(encoding[None]).to_bytes() for encoding in encodings)
    with closing(sqlite3.connect(file)) as database:
        for table in ("people", "groups"):
            database.execute(f"CREATE TABLE '{table}' (id INTEGER PRIMARY KEY, size, sum, around, cohort_number)")
        rows = ((place, 1, total, where, 0) for place, (total, where) in enumerate(zip(sums, around, strict=True), 1))
        database.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", rows)
        database.execute("INSERT INTO groups SELECT * FROM people")
        database.commit()


@contextmanager
def _started(how: str, folder: str) -> Iterator[dict[str, float]]:
    """A process that has started in this way, and lives on until the block ends."""
    words = [sys.executable, "-m", __name__, how, folder]
    with subprocess.Popen(  # noqa: S603  our own Python
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate("")


def main() -> None:
    """Start in one way, print the figures, and wait for the end of the input."""
    how, folder = sys.argv[1], Path(sys.argv[2])
    cohort = read_cohort()
    neighbourhood = Neighbourhood(cohort)
    before, begun = _memory(), time.process_time()
    found = index_file.load(folder, _LIBRARY, cohort.version) if how == "file" else None
    if found is None:
        groups, people = _of_rows(folder / "rows.db", neighbourhood)
    else:
        groups = GroupIndex.of_rows(neighbourhood, found.groups, 0)
        people = EnrolledPeople.of_rows(neighbourhood, found.people, 0)
    seconds = time.process_time() - begun
    if how == "rows":
        index_file.save(folder, _LIBRARY, index_file.Saved(0, 0, cohort.version, groups.rows, people.rows))
    # What a job does touches each row.
    groups.nearest(people.middles[:1], 0.5)
    people.rank(people.middles[:1], 2)
    figures = [seconds, *(after - one for after, one in zip(_memory(), before, strict=True))]
    print(json.dumps(dict(zip(FIGURES, figures, strict=True))), flush=True)  # noqa: T201  the answer
    sys.stdin.read()


def _of_rows(file: Path, neighbourhood: Neighbourhood) -> tuple[GroupIndex, EnrolledPeople]:
    with closing(sqlite3.connect(file)) as database:
        groups = GroupIndex(neighbourhood, [KeptGroup(*row) for row in _rows(database, "groups")])
        kept = {group.id: group for group in (KeptGroup(*row) for row in _rows(database, "people"))}
    measured = {person: (group.around or 0.0, group.cohort) for person, group in kept.items()}
    return groups, EnrolledPeople(neighbourhood, {p: group.total for p, group in kept.items()}, 0, measured)


def _rows(database: sqlite3.Connection, table: str) -> Iterator[tuple[int, EncodingSum, bool, float, int]]:
    for row, size, total, around, number in database.execute(f"SELECT * FROM '{table}' ORDER BY id"):  # noqa: S608
        yield row, EncodingSum.from_bytes(size, total), False, around, number


def _memory() -> tuple[float, float]:
    """What is this process's alone (USS), and with its share of what others have too (PSS), in MB."""
    text = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    sizes = {name: int(kb) / 1024 for name, kb in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}
    return sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Pss"]


if __name__ == "__main__":
    main()
