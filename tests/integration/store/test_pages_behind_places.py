"""Pages that go on behind a place: whatever comes, goes or moves meanwhile, what stays is told once and in order."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from faces.errors import RequestError
from faces.people.kept_face import FaceState
from faces.store.database import Store
from faces.store.sidecar.lists.face_places import (
    FaceChoice,
    FacePlace,
    Month,
    faces_behind,
    months_of_person,
)
from faces.store.sidecar.lists.group_pages import GroupChoice, GroupPlace, list_groups
from faces.store.sidecar.lists.people_pages import PeopleChoice, PersonPlace, list_people
from tests.servers.library_rows import LibraryRows
from tests.servers.rows import Rows

pytestmark = pytest.mark.parametrize("url", ["sqlite", "mariadb v1"], indirect=True)

Page = Callable[[Any], list[tuple[int, Any]]]
"""Ids of a page behind a place, each with its own place."""

COUNT, ROUNDS = 30, 6


def told_while_changing(
    page: Page, change: Callable[[random.Random], set[int]], seed: int
) -> tuple[list[int], set[int]]:
    """The ids of all pages in order, and those that `change` has touched between two of them."""
    dice, told, touched, place = random.Random(seed), list[int](), set[int](), None  # noqa: S311
    while found := page(place):
        told += [one for one, _ in found]
        place = found[-1][1]
        touched |= change(dice)
    return told, touched


def see_that_what_stays_is_told_once(page: Page, change: Callable[[random.Random], set[int]]) -> None:
    for seed in range(ROUNDS):
        before = [one for one, _ in everything(page)]
        told, touched = told_while_changing(page, change, seed)
        staying = [one for one in before if one not in touched]
        assert [one for one in told if one in set(staying)] == staying
        assert len(staying) > COUNT // 4


def everything(page: Page) -> list[tuple[int, Any]]:
    found = page(None)
    while more := page(found[-1][1]):
        found += more
    return found


def test_people(library_store: Store, library: LibraryRows, rows: Rows) -> None:
    made = [library.person(f"P{number}", confirmed=number % 5) for number in range(COUNT)]
    table = library.tables.people.name

    def page(place: PersonPlace | None) -> list[tuple[int, PersonPlace]]:
        with library_store.reading() as transaction:
            return [(one.id, one.place) for one in list_people(transaction, PeopleChoice(limit=3, place=place))]

    def change(dice: random.Random) -> set[int]:
        person, confirmed = dice.choice(made), dice.randrange(7)
        joined = dice.random() < 0.3
        rows.run(
            f"UPDATE {table} SET confirmed = {confirmed}, joined_to = {made[0] if joined else 'NULL'}, "
            f"hidden = {int(dice.random() < 0.2)} WHERE id = {person}"
        )
        return {person, library.person("new", confirmed=dice.randrange(7))}

    see_that_what_stays_is_told_once(page, change)


def test_groups(library_store: Store, library: LibraryRows, rows: Rows) -> None:
    ada = library.person("Ada")
    made = [library.group(2 + number % 4) for number in range(COUNT)]
    table = f"`{library.tables.groups.name}`"

    def page(place: GroupPlace | None) -> list[tuple[int, GroupPlace]]:
        with library_store.reading() as transaction:
            choice = GroupChoice(at_least=2, limit=3, place=place)
            return [(one.id, one.place) for one in list_groups(transaction, choice)]

    def change(dice: random.Random) -> set[int]:
        group = dice.choice(made)
        person = ada if dice.random() < 0.3 else "NULL"
        rows.run(f"UPDATE {table} SET size = {dice.randrange(7)}, person_id = {person} WHERE id = {group}")
        return {group, library.group(dice.randrange(2, 7))}

    see_that_what_stays_is_told_once(page, change)


def test_faces_of_a_person_of_a_group_and_of_a_state(library_store: Store, library: LibraryRows, rows: Rows) -> None:
    ada, bob, group = library.person("Ada"), library.person("Bob"), library.group(COUNT)
    start = datetime(2024, 1, 30)

    def make(number: int) -> int:
        image = rows.image(filename=f"{number}.jpg")
        face = rows.face(image)
        taken = None if number % 7 == 0 else start + timedelta(days=number % 5)
        state = (FaceState.CONFIRMED, FaceState.LINKED, FaceState.SUGGESTED)[number % 3]
        chance = None if number % 4 == 0 else number % 6 / 10
        quality = None if number % 5 == 0 else float(number % 8)
        library.indexed(
            *(face, image, state),
            **{"person_id": ada, "group_id": group, "taken_at": taken, "probability": chance, "quality": quality},
        )
        return face

    made = [make(number) for number in range(COUNT)]
    table = library.tables.face_index.name

    def change(dice: random.Random) -> set[int]:
        face = dice.choice(made)
        what = dice.choice(
            [f"person_id = {bob}", "state = 3", "state = 0", "taken_at = NULL", "quality = NULL", "probability = 0.3"]
        )
        rows.run(f"UPDATE {table} SET {what} WHERE face_id = {face}")
        return {face, make(dice.randrange(50))}

    month = Month(datetime(2024, 2, 1), datetime(2024, 3, 1))
    for choice in (
        *(FaceChoice(ada), FaceChoice(group=group), FaceChoice(), FaceChoice(ada, min_quality=2)),
        *(FaceChoice(ada, month=month), FaceChoice(ada, month=Month())),
    ):

        def page(place: FacePlace | None, choice: FaceChoice = choice) -> list[tuple[int, FacePlace]]:
            with library_store.reading() as transaction:
                return [(one.face_id, one) for one in faces_behind(transaction, choice, place, 3)]

        for seed in range(2):
            before = [one for one, _ in everything(page)]
            assert len(before) == len(set(before))
            told, touched = told_while_changing(page, change, seed)
            assert [one for one in told if one in set(before) - touched] == [
                one for one in before if one not in touched
            ]


def test_months_are_those_of_the_pages_of_each(library_store: Store, library: LibraryRows, rows: Rows) -> None:
    ada = library.person("Ada")
    for day in (datetime(2024, 2, 29, 23, 59, 59), datetime(2024, 3, 1), datetime(2023, 12, 31), None, None):
        image = rows.image()
        library.indexed(rows.face(image), image, FaceState.LINKED, person_id=ada, taken_at=day)
    with library_store.reading() as transaction:
        months = months_of_person(transaction, ada, [FaceState.LINKED])
        assert months == [((2024, 3), 1), ((2024, 2), 1), ((2023, 12), 1), (None, 2)]
        assert months_of_person(transaction, ada, [FaceState.CONFIRMED]) == []
        february = FaceChoice(ada, month=Month(datetime(2024, 2, 1), datetime(2024, 3, 1)))
        assert len(faces_behind(transaction, february, None, 9)) == 1
        assert len(faces_behind(transaction, FaceChoice(ada, month=Month()), None, 9)) == 2


@pytest.mark.parametrize(
    "place",
    [FacePlace(0, 0.5, 1), FacePlace(0, None, 1), FacePlace(1, datetime(2024, 1, 1), 1), FacePlace(99, None, 1)],
)
def test_a_place_of_another_list_is_refused(library_store: Store, place: FacePlace) -> None:
    with library_store.reading() as transaction, pytest.raises(RequestError, match="a place of another list"):
        faces_behind(transaction, FaceChoice(1), place, 3)
