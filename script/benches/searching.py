"""Measure a search of faces beside one plain float32 product, at sizes, and following a database: see script/bench."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from faces.library.search.encoding_blocks import ROWS
from faces.library.search.encodings_file import EncodingsFile
from faces.library.search.exact_search import ExactSearch
from faces.library.search.followed_rows import FollowedRows
from faces.library.search.nearest_rows import nearest_rows
from faces.people.products import as_matrix
from faces.store.database import Store, Transaction
from faces.store.sidecar import known_encodings, library_row
from faces.store.sidecar.encoding_changes import EncodingRows
from faces.store.sidecar.known_encodings import KnownEncoding
from script.benches.grouping import made_encodings
from tests.servers.app_schema import ALL
from tests.servers.library_rows import tables_at
from tests.servers.mariadb import running_mariadb

#: Faces of an index alone, and of one out of a database.
SIZES = (10_000, 100_000, 1_000_000)
IN_DATABASE = 200_000

#: What may be reached at most.
LIMITS = {"top 10 / one product": 2.0, "refresh / load out of rows": 0.01}

#: Figures that are told but promised by nobody are without a limit.
Figures = dict[str, float]

#: Nearest faces, rounds of a search, changed rows, rounds of a refresh.
_TOP, _ROUNDS, _CHANGED, _REFRESHES = 10, 50, 100, 9

#: How far two photos of a person are apart on the mean.
_SPREAD = 0.3

#: A process and the libraries in it use one core, so that CPU seconds compare.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(slots=True)
class Searched:
    """The figures of each size, and of each database."""

    index: dict[int, Figures] = field(default_factory=dict)
    database: dict[str, Figures] = field(default_factory=dict)

    @property
    def missed(self) -> list[str]:
        """What is above its limit, and where."""
        found = {**{f"{size:,}": one for size, one in self.index.items()}, **self.database}
        return [
            f"{name} of {where}: {one[name]:.4g}"
            for where, one in found.items()
            for name, most in LIMITS.items()
            if one.get(name, 0.0) > most
        ]


def measure(tell: Callable[[str], None], sizes: tuple[int, ...] = SIZES, in_database: int = IN_DATABASE) -> Searched:
    """Measure all, each in a process of its own.

    Args:
        tell: called with what is done next.
        sizes: faces of an index alone.
        in_database: faces of one out of a database.
    """
    result = Searched()
    for size in sizes:
        tell(f"{size:,} faces")
        result.index[size] = _in_a_process("index", str(size))
    for name, url in _databases():
        tell(f"{in_database:,} faces in {name[0]}")
        result.database[name[0]] = _in_a_process("database", str(in_database), url, str(name[1]))
    return result


def _in_a_process(*words: str) -> Figures:
    ended = subprocess.run(  # noqa: S603  our own Python
        [sys.executable, "-m", __name__, *words],
        env={**os.environ, **_ONE_THREAD},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: Figures = json.loads(ended.stdout)
    return found


def _databases() -> Iterator[tuple[tuple[str, int], str]]:
    """The name of each, the process of its server or 0, and its URL."""
    with TemporaryDirectory(prefix="bench-search-") as folder, running_mariadb() as server:
        url = f"sqlite:///{folder}/faces.db"
        Store.open(url, create=True).close()
        yield ("SQLite", 0), url
        yield ("MariaDB", server.pid), server.new_database(*ALL)


# --- an index alone ---


def _index(size: int) -> Figures:
    dice = np.random.default_rng(11)
    with TemporaryDirectory(prefix="bench-search-") as folder:
        file = EncodingsFile(Path(folder), "bench")
        with file.writing():
            written = _cpu(partial(file.write, 0, _made_rows(size, dice)))
        return {"write, CPU s (with making them)": written, **_mapped(file, size, dice)}


def _mapped(file: EncodingsFile, size: int, dice: np.random.Generator) -> Figures:
    before = _memory()
    start = time.process_time()
    saved = file.load()
    loaded = time.process_time() - start
    assert saved is not None
    rows = FollowedRows(saved)
    asked = rows.parts[0].encodings[:: len(rows.parts[0]) // _ROUNDS]
    asked = as_matrix(asked + dice.normal(0, _SPREAD / 16, asked.shape))

    def search(face: npt.NDArray[np.float32]) -> None:
        nearest_rows(rows.parts, rows.hidden(()), face[None], _TOP, np.inf, rows.longest)

    search(asked[0])
    anonymous, shared = (after - one for after, one in zip(_memory(), before, strict=True))
    plain = np.concatenate([part.encodings for part in rows.parts])
    plain @ asked[0]
    searches, products = [], []
    # In turns, since other programs use the processor's cache, too.
    for face in asked:
        searches.append(_cpu(partial(search, face)))
        products.append(_cpu(partial(plain.__matmul__, face)))
    return {
        "map and check, CPU s": loaded,
        "own memory (RSS, anonymous), MB": anonymous,
        "mapped memory (RSS, of the file), MB": shared,
        "top 10, CPU ms": 1000 * median(searches),
        "one product, CPU ms": 1000 * median(products),
        "top 10 / one product": median(one / other for one, other in zip(searches, products, strict=True)),
    }


def _made_rows(size: int, dice: np.random.Generator) -> Iterator[EncodingRows]:
    """Neighbours of the cohort's averages."""
    for start in range(0, size, ROWS):
        count = min(ROWS, size - start)
        ids = np.arange(start + 1, start + count + 1, dtype=np.int64)
        yield EncodingRows(ids, np.zeros(count, np.uint32), as_matrix(made_encodings(count, dice)))


# --- out of a database ---


def _database(size: int, url: str, server: int) -> Figures:
    dice = np.random.default_rng(12)
    _fill(url, size, dice)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-search-")))
        store = stack.enter_context(closing(Store.open(url)))
        before = _memory()[0]
        with _cost(server) as of_rows:
            search = ExactSearch(store, folder)
            search.follow()
        anonymous = _memory()[0] - before
        with _cost(server) as of_file:
            ExactSearch(store, folder).follow()
        refreshes = []
        for number in range(_REFRESHES):
            _change(store, size, number, dice)
            with _cost(server) as refresh:
                search.follow()
            refreshes.append(refresh)
    load, again = of_rows[0] + of_rows[1], median(sum(one) for one in refreshes)
    return {
        "load out of rows, CPU s": of_rows[0],
        "of the server, CPU s": of_rows[1],
        "own memory then (RSS, anonymous), MB": anonymous,
        "map, and compare with the tables, CPU s": of_file[0],
        "of the server then, CPU s": of_file[1],
        f"refresh after {_CHANGED} changed rows, CPU ms": 1000 * median(one[0] for one in refreshes),
        "refresh with the server's, CPU ms": 1000 * again,
        "refresh / load out of rows": again / load,
        "refresh / map, and compare": again / sum(of_file),
    }


def _fill(url: str, size: int, dice: np.random.Generator) -> None:
    tables = tables_at(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for rows in _made_rows(size, dice):
            values = [
                {"face_id": face, "encoding_crc": face, "encoding": encoding.tobytes()}
                for face, encoding in zip(rows.ids.tolist(), rows.encodings, strict=True)
            ]
            connection.execute(sa.insert(tables.vectors), values)
    engine.dispose()


def _change(store: Store, size: int, number: int, dice: np.random.Generator) -> None:
    """A third of the rows is added, a third becomes another, a third is removed: as ten photos do it."""
    there = dice.choice(size, 2 * _CHANGED // 3 + 1, replace=False) + 1
    new = range(size + 1 + number * _CHANGED, size + 1 + number * _CHANGED + _CHANGED - len(there))
    for part in range(10):
        kept = [*there[part : _CHANGED // 3 : 10].tolist(), *new[part::10]]
        gone = there[_CHANGED // 3 + part :: 10].tolist()
        store.write(partial(_write, kept=kept, gone=gone, made=made_encodings(len(kept), dice)))


def _write(transaction: Transaction, kept: list[int], gone: list[int], made: npt.NDArray[np.float64]) -> None:
    known = {face: KnownEncoding(one, face + 1) for face, one in zip(kept, made, strict=True)}
    changed = known_encodings.replace(transaction, {*kept, *gone}, known)
    known_encodings.note(transaction, changed, library_row.next_change(transaction))


# --- ---


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@contextmanager
def _cost(server: int) -> Iterator[list[float]]:
    """CPU seconds of this process and of a server's, when the block has ended."""
    found: list[float] = []
    start, servers = time.process_time(), _cpu_of(server)
    yield found
    found += [time.process_time() - start, _cpu_of(server) - servers]


def _cpu_of(process: int) -> float:
    """To a nanosecond, of all its threads; 0 where there is none."""
    if not process:
        return 0.0
    files = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(file.read_text(encoding="ascii").split()[0]) for file in files) / 1e9


def _memory() -> tuple[float, float]:
    """What is this process's own, and what of files it has mapped, in MB; what is free was given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    text = Path("/proc/self/status").read_text(encoding="ascii")
    own, shared = (re.search(rf"^Rss{kind}:\s+(\d+) kB", text, re.MULTILINE) for kind in ("Anon", "File"))
    assert own is not None
    assert shared is not None
    return int(own[1]) / 1024, int(shared[1]) / 1024


def main() -> None:
    """Measure one, as the words say, and print the figures."""
    what, size, *rest = sys.argv[1:]
    figures = _index(int(size)) if what == "index" else _database(int(size), rest[0], int(rest[1]))
    print(json.dumps(figures))  # noqa: T201  to the parent


if __name__ == "__main__":
    main()
