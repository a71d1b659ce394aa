"""Measure how long a page of a list takes, of faces, people and groups: see script/bench-listing."""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.store.database import Store
from faces.store.face_names import spellings_of
from faces.store.face_pages import Choice, FaceOrder, page_of_faces
from faces.store.listing import read_faces
from script.benches import library_lists
from script.benches.library_lists import Took
from tests.servers.app_schema import V1
from tests.servers.library_rows import tables_at
from tests.servers.mariadb import running_mariadb

#: CPU seconds that a page by --name or --offset may take, and seconds for one of the lists that begin behind a row.
_LIMIT, _LIST_LIMIT = 0.3, 0.05

_PAGE = library_lists.PAGE
_LATE = "a frequent person's last page"
_PEOPLE = 500

#: The part of the faces that is the first person's, and the part that is anybody's.
_OF_THE_FIRST, _OF_ANYBODY = 0.3, 0.6

#: Indexes of the app's table: over changes, as `tables --create` makes it; over names and masters, which it may have.
_INDEXED = ("updated_at", "name", "parent_id")

_IMAGE = "INSERT INTO images (id, disk, path, filename, faces_checked) VALUES (?, ?, ?, ?, 1)"

_FACE = (
    "INSERT INTO faces (id, image_id, face_index, name, status, parent_id, encoding, quality_score, box)"
    """ VALUES (?, ?, ?, ?, ?, ?, ?, 70, '{"top":0.1,"right":0.2,"bottom":0.2,"left":0.1}')"""
)

#: The app's first version has no more columns.
_APPS_FACE = """
INSERT INTO faces (id, image_id, face_index, name, status, parent_id, encoding) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench-listing", description=__doc__)
    parser.add_argument("--faces", type=int, default=200_000, metavar="N", help="faces in the file")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="times each page is taken; the best counts")
    parser.add_argument("--no-mariadb", action="store_true", help="only the SQLite file")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "faces.db")
        _make(file, told.faces)
        url = f"sqlite:///{file}"
        _fill(url, told.faces)
        lists = {"SQLite": _lists(url, told.rounds)}
        pages = {"SQLite": _by_offset(url, told.faces, told.rounds)}
        with closing(Store.open(url)) as store:
            whole = _whole(store, min(told.faces, 20_000)) * max(1.0, told.faces / 20_000)
    if not told.no_mariadb:
        with running_mariadb() as server:
            url = server.new_database(*V1)
            _make_apps(url, told.faces)
            _fill(url, told.faces)
            lists["MariaDB"] = _lists(url, told.rounds)
            pages["MariaDB"] = _by_offset(url, told.faces, told.rounds)
    figures: dict[str, Any] = {"faces": told.faces, "reading all": whole}
    if told.json:
        figures["pages"] = {name: {page: asdict(took) for page, took in found.items()} for name, found in pages.items()}
        figures["lists"] = {name: {page: asdict(took) for page, took in found.items()} for name, found in lists.items()}
        print(json.dumps(figures))  # noqa: T201  the answer
    else:
        words = [
            *(_words(name, found, told.faces, whole) for name, found in pages.items()),
            *(_list_words(name, found) for name, found in lists.items()),
        ]
        print("\n\n".join(words))  # noqa: T201  the answer
    slow = max(took.wall for found in lists.values() for took in found.values()) > _LIST_LIMIT
    return 1 if slow or max(took.cpu for took in pages["SQLite"].values()) > _LIMIT else 0


def _fill(url: str, count: int) -> None:
    """Make people and groups in a database of faces."""
    engine = sa.create_engine(url)
    library_lists.fill(engine, tables_at(url), count)
    engine.dispose()


def _lists(url: str, rounds: int) -> dict[str, Took]:
    """Take the pages of the lists of people and groups."""
    with closing(Store.open(url)) as store:
        return library_lists.measure(store, rounds)


def _by_offset(url: str, count: int, rounds: int) -> dict[str, Took]:
    """Take pages by --offset and --name, the best of some rounds each."""
    with closing(Store.open(url)) as store:
        return {
            name: min((_page(store, name_of, offset) for _ in range(rounds)), key=lambda took: (took.wall, took.cpu))
            for name, name_of, offset in _pages(count)
            # All rows of a name are read for its last page: for a frequent one the server's whole table.
            if store.is_file or name != _LATE
        }


def _pages(count: int) -> list[tuple[str, str | None, int]]:
    return [
        ("the first page", None, 0),
        ("one in the middle", None, count // 2),
        ("the last page", None, count - _PAGE),
        ("a rare person's first page", "person 77", 0),
        ("a frequent person's first page", "PERSON 1", 0),
        (_LATE, "Person  1", int(count * _OF_THE_FIRST) - 10 * _PAGE),
        ("nobody", "Nobody", 0),
    ]


def _page(store: Store, name: str | None, offset: int) -> Took:
    """What `faces` does between its start and its output."""
    wall, cpu = time.perf_counter(), time.thread_time()
    with store.reading() as transaction:
        spellings = None if name is None else spellings_of(transaction, name)
        ids = page_of_faces(transaction, Choice(spellings, _PAGE, offset), FaceOrder.PLACES)
        shown = list(read_faces(transaction, ids))
    took = Took(time.perf_counter() - wall, time.thread_time() - cpu, 0)
    assert len(shown) == (0 if name == "Nobody" else _PAGE), (name, offset, len(shown))
    return took


def _whole(store: Store, count: int) -> float:
    """CPU seconds for the first so many faces with their distances."""
    start = time.thread_time()
    with store.reading() as transaction:
        for _ in read_faces(transaction, range(1, count + 1)):
            pass
    return time.thread_time() - start


def _make(file: Path, count: int) -> None:
    """Two faces a photo, 200 photos a folder, scanned in another order than that of their places."""
    dice = random.Random(7)  # noqa: S311  the same file each time
    Store.open(f"sqlite:///{file}", create=True).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(_IMAGE, _images(None, count, dice))
        connection.executemany(_FACE, _faces(count, dice))


def _make_apps(url: str, count: int) -> None:
    """The same in an app's database, on a disk of its own."""
    dice = random.Random(7)  # noqa: S311  the same tables each time
    engine = sa.create_engine(url)
    for statement, rows in (
        (_IMAGE.replace("?", "%s"), _images("photos", count, dice)),
        (_APPS_FACE, _faces(count, dice)),
    ):
        while some := list(islice(rows, 2_000)):
            with engine.begin() as connection:
                connection.exec_driver_sql(statement, some)
    with engine.begin() as connection:
        for column in _INDEXED:
            connection.exec_driver_sql(f"CREATE INDEX faces_{column} ON faces ({column})")
        # As after a look at what the app changed.
        connection.exec_driver_sql("UPDATE faces SET updated_at = '2020-01-01 00:00:00'")
    engine.dispose()


def _images(disk: str | None, count: int, dice: random.Random) -> Iterator[tuple[object, ...]]:
    places = list(range((count + 1) // 2))
    dice.shuffle(places)
    for at, place in enumerate(places, 1):
        yield at, disk, f"/photos/{place // 200:05}", f"IMG_{place:07}.jpg"


def _faces(count: int, dice: random.Random) -> Iterator[tuple[object, ...]]:
    encodings = np.random.default_rng(7).normal(scale=0.12, size=(_PEOPLE, 128))
    texts = [json.dumps(encoding.tolist()) for encoding in encodings]
    for number in range(1, count + 1):
        image, index, text = (number + 1) // 2, (number + 1) % 2, texts[number % _PEOPLE]
        if number <= _PEOPLE:
            yield number, image, index, f"Person {number}", "ok", None, text
            continue
        lot = dice.random()
        parent = 1 if lot < _OF_THE_FIRST else dice.randint(2, _PEOPLE) if lot < _OF_ANYBODY else None
        yield number, image, index, None, "process", parent, text


def _words(name: str, found: dict[str, Took], count: int, whole: float) -> str:
    head = (
        f"{name}, {count:,} faces, {_PAGE} a page: milliseconds, of them our own CPU's, "
        f"and the part of what reading all takes of that ({whole:.1f} s)"
    )
    lines = [
        f"  {page:32} {took.wall * 1000:7.1f} {took.cpu * 1000:7.1f}   1/{whole / took.cpu:,.0f}"
        for page, took in found.items()
    ]
    return "\n".join([head, *lines])


def _list_words(name: str, found: dict[str, Took]) -> str:
    head = f"{name}, {_PAGE} a page: milliseconds, of them our own CPU's, and the part of what the whole list takes"
    lines = [
        f"  {page:32} {took.wall * 1000:7.1f} {took.cpu * 1000:7.1f}   1/{max(1, took.whole / took.wall):,.0f}"
        for page, took in found.items()
    ]
    return "\n".join([head, *lines])


if __name__ == "__main__":
    sys.exit(main())
