"""People and groups made for a database of faces, and how long each list of them takes: see script/bench-listing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from faces.people import names
from faces.people.kept_face import FaceState
from faces.store.database import Store, Transaction
from faces.store.face_pages import Choice, FaceOrder, page_of_faces
from faces.store.listing import read_faces
from faces.store.sidecar.lists.group_pages import GroupChoice, faces_of_group, list_groups
from faces.store.sidecar.lists.people_pages import PeopleChoice, faces_of_person, list_people
from faces.store.sidecar.tables import SidecarTables

PAGE = 50

#: Of 200,000 faces: people, groups, and faces of the first group. A tenth of the people are hidden, and a twentieth of
#: the groups have a name.
PEOPLE, GROUPS, _LARGEST = 20_000, 100_000, 6_000

#: The parts of the faces that are the first person's, and that are known at all.
_OF_THE_FIRST, _KNOWN = 0.25, 0.4

_BATCH = 5_000

_TIME = datetime(2010, 1, 1)

#: When a process looked last at what the app changed.
_LOOKED = datetime(2025, 1, 1)

_STATES = (FaceState.CONFIRMED, *[FaceState.LINKED] * 7, FaceState.SUGGESTED, FaceState.SUGGESTED)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one page: of the clock, and of our own CPU; and of the clock for the whole list."""

    wall: float
    cpu: float
    whole: float


def fill(engine: sa.Engine, tables: SidecarTables, faces: int) -> None:
    """Make people, groups and the index of so many faces, two in a photo."""
    dice = random.Random(7)  # noqa: S311  the same library each time
    people, groups = PEOPLE * faces // 200_000, GROUPS * faces // 200_000
    _insert(engine, tables.people, (_person(number, dice) for number in range(1, people + 1)))
    _insert(engine, tables.groups, (_group(number, people, dice) for number in range(1, groups + 1)))
    _insert(
        engine, tables.face_index, (_indexed(number, faces, people, groups, dice) for number in range(1, faces + 1))
    )
    with engine.begin() as connection:
        connection.execute(sa.update(tables.library).values(looked_at=_LOOKED, looked_until=_LOOKED))
        for table in (tables.people, tables.groups, tables.face_index):
            word = "ANALYZE" if engine.dialect.name == "sqlite" else "ANALYZE TABLE"
            connection.exec_driver_sql(f"{word} {table.name}")


def measure(store: Store, rounds: int) -> dict[str, Took]:
    """The best of some rounds for each page."""
    with store.reading() as transaction:
        lists = dict(_lists(transaction))
        return {
            f"{words}: {which}": took
            for words, read in lists.items()
            for which, took in _pages(transaction, read, rounds)
        }


_Read = Callable[[Transaction, int | None, int | None], list[int]]


def _lists(transaction: Transaction) -> Iterator[tuple[str, _Read]]:
    largest = next(list_groups(transaction, GroupChoice(limit=1))).id
    yield "people", lambda t, after, limit: [one.id for one in list_people(t, PeopleChoice(None, False, after, limit))]
    yield (
        "people --hidden",
        lambda t, after, limit: [one.id for one in list_people(t, PeopleChoice(None, True, after, limit))],
    )
    yield (
        "people --name",
        lambda t, after, limit: [one.id for one in list_people(t, PeopleChoice("PERSON 77", False, after, limit))],
    )
    yield "groups", lambda t, after, limit: [one.id for one in list_groups(t, GroupChoice(False, 2, after, limit))]
    yield (
        "groups --min 1",
        lambda t, after, limit: [one.id for one in list_groups(t, GroupChoice(False, 1, after, limit))],
    )
    yield (
        "groups --named",
        lambda t, after, limit: [one.id for one in list_groups(t, GroupChoice(True, 1, after, limit))],
    )
    yield "faces --group", lambda t, after, limit: _read(t, faces_of_group(t, largest, after, limit), limit)
    yield "faces --person", lambda t, after, limit: _read(t, faces_of_person(t, 1, after, limit), limit)
    yield (
        "faces",
        lambda t, after, limit: _read(t, page_of_faces(t, Choice(limit=limit, after=after), FaceOrder.PLACES), limit),
    )


def _read(transaction: Transaction, ids: Sequence[int], limit: int | None) -> list[int]:
    """A page as it is shown; of a whole list only the ids, whose details cost as much on every page."""
    return list(ids) if limit is None else [face.id for face, _ in read_faces(transaction, ids)]


def _pages(transaction: Transaction, read: _Read, rounds: int) -> Iterator[tuple[str, Took]]:
    start = time.perf_counter()
    whole = read(transaction, None, None)
    took = time.perf_counter() - start
    afters: dict[str, int | None] = {"first": None}
    if len(whole) > 4 * PAGE:
        afters |= {"middle": whole[len(whole) // 2], "last": whole[-PAGE - 1]}
    for which, after in afters.items():
        best = min(_once(transaction, read, after) for _ in range(rounds))
        yield which, Took(*best, took)


def _once(transaction: Transaction, read: _Read, after: int | None) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.thread_time()
    found = read(transaction, after, PAGE)
    took = time.perf_counter() - wall, time.thread_time() - cpu
    assert found
    return took


def _person(number: int, dice: random.Random) -> dict[str, Any]:
    name = f"Person {number}"
    confirmed = int(dice.paretovariate(1))
    taken = _TIME + timedelta(hours=dice.randrange(100_000))
    counts = {"confirmed": confirmed, "linked": 5 * confirmed, "suggested": confirmed, "last_taken": taken}
    return {"id": number, "name": name, "name_key": names.key(name), "hidden": int(number % 10 == 3), **counts}


def _group(number: int, people: int, dice: random.Random) -> dict[str, Any]:
    size = _LARGEST if number == 1 else 8 if number <= 1000 else 2 if number <= 7500 else 1
    person = dice.randint(1, people) if number % 20 == 0 else None
    offered = dice.randint(1, people) if person is None and number % 3 == 0 else None
    return {
        "id": number,
        "size": size,
        "person_id": person,
        "offered_person_id": offered,
        "probability": dice.uniform(0.2, 0.95) if offered else None,
        "sum": bytes(1024),
    }


def _indexed(number: int, faces: int, people: int, groups: int, dice: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {
        "face_id": number,
        "image_id": (number + 1) // 2,
        "taken_at": _TIME + timedelta(minutes=dice.randrange(5_000_000)) if number % 9 else None,
        "quality": dice.uniform(20, 100),
        "state": int(FaceState.UNKNOWN),
        "person_id": None,
        "group_id": None,
        "probability": None,
    }
    lot = dice.random()
    if lot < _KNOWN:
        state = dice.choice(_STATES)
        row |= {"state": int(state), "person_id": 1 if lot < _OF_THE_FIRST else dice.randint(2, people)}
        row["probability"] = dice.uniform(0.2, 0.95) if state is FaceState.SUGGESTED else None
    else:
        row["group_id"] = 1 if dice.random() < _LARGEST / (faces * (1 - _KNOWN)) else dice.randint(2, groups)
    return row


def _insert(engine: sa.Engine, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    remaining = iter(rows)
    with engine.begin() as connection:
        while some := list(islice(remaining, _BATCH)):
            connection.execute(sa.insert(table), some)
