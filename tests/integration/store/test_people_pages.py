"""The list of people and the faces of each: their order, and that a page begins where the one before ended."""

from __future__ import annotations

from datetime import datetime

import pytest

from faces.errors import RequestError
from faces.people.kept_face import FaceState
from faces.store.database import Store
from faces.store.sidecar.lists.people_pages import ListedPerson, PeopleChoice, faces_of_person, list_people
from tests.servers.library_rows import LibraryRows
from tests.servers.rows import Rows

pytestmark = pytest.mark.parametrize("url", ["sqlite", "mariadb v1", "mariadb v4"], indirect=True)

TAKEN = datetime(2024, 5, 1, 12, 30)


def people(store: Store, choice: PeopleChoice = PeopleChoice()) -> list[ListedPerson]:  # noqa: B008  a value
    with store.reading() as transaction:
        return list(list_people(transaction, choice))


def ids(store: Store, choice: PeopleChoice = PeopleChoice()) -> list[int]:  # noqa: B008  a value
    return [person.id for person in people(store, choice)]


def faces_of(store: Store, person: int, after: int | None = None, limit: int | None = None) -> list[int]:
    with store.reading() as transaction:
        return list(faces_of_person(transaction, person, after, limit))


def test_a_person_is_listed_with_what_is_known(library_store: Store, library: LibraryRows) -> None:
    ada = library.person("Ada  Lovelace", confirmed=3, linked=14, suggested=2, last_taken=TAKEN, favourite=1)
    assert people(library_store) == [ListedPerson(ada, "Ada Lovelace", 3, 14, 2, TAKEN, False, True)]


def test_those_with_most_confirmed_faces_are_first_and_of_equal_ones_the_newest(
    library_store: Store, library: LibraryRows
) -> None:
    one, seven, three, another = (library.person(confirmed=count) for count in (1, 7, 3, 1))
    assert ids(library_store) == [seven, three, another, one]


def test_hidden_people_are_a_list_of_their_own(library_store: Store, library: LibraryRows) -> None:
    shown, hidden = library.person("Ann"), library.person("Bob", hidden=1)
    assert ids(library_store) == [shown]
    assert ids(library_store, PeopleChoice(hidden=True)) == [hidden]


def test_who_has_neither_a_name_nor_a_face_or_was_joined_to_another_is_not_listed(
    library_store: Store, library: LibraryRows
) -> None:
    nameless, named, of_app = library.person(confirmed=1), library.person("Ann"), library.person(app_person_id=7)
    library.person()
    library.person("Bob", joined_to=named)
    assert ids(library_store) == [nameless, of_app, named]
    assert ids(library_store, PeopleChoice("Bob")) == []


def test_every_person_of_a_name_is_found_however_it_is_written(library_store: Store, library: LibraryRows) -> None:
    namesakes = [library.person("Zo\u00eb", confirmed=2), library.person("ZOE\u0308", confirmed=1)]
    library.person("Zoe")
    library.person("Zo\u00eb", hidden=1)
    assert ids(library_store, PeopleChoice("  zo\u00eb ")) == namesakes


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_together_are_the_whole(library_store: Store, library: LibraryRows, size: int) -> None:
    for confirmed in (4, 0, 4, 2, 4, 0, 9):
        library.person("Ann", confirmed=confirmed)
    found: list[int] = []
    while page := ids(library_store, PeopleChoice(after=found[-1] if found else None, limit=size)):
        found += page
        assert len(page) <= size
    assert found == ids(library_store)
    assert len(found) == 7


def test_more_people_than_are_read_at_a_time(library_store: Store, library: LibraryRows) -> None:
    library.insert(library.tables.people, [{"name": "Ann", "confirmed": number % 7} for number in range(1203)])
    listed = people(library_store)
    assert len({person.id for person in listed}) == 1203
    assert [person.confirmed for person in listed] == sorted((number % 7 for number in range(1203)), reverse=True)
    assert len(people(library_store, PeopleChoice(limit=700))) == 700


def test_behind_a_person_who_is_not_there_is_no_page(library_store: Store, library: LibraryRows) -> None:
    with pytest.raises(RequestError, match="found no person p99, needed the id of one: `people` lists them"):
        people(library_store, PeopleChoice(after=99))


def test_a_persons_faces_are_confirmed_ones_then_linked_ones_then_offers(
    library_store: Store, library: LibraryRows, rows: Rows
) -> None:
    ada, bob = library.person("Ada"), library.person("Bob")
    image = rows.image()
    kinds = [
        {"state": FaceState.CONFIRMED, "taken_at": datetime(2024, 1, 1)},
        {"state": FaceState.CONFIRMED, "taken_at": datetime(2020, 1, 1)},
        {"state": FaceState.CONFIRMED},
        {"state": FaceState.LINKED, "taken_at": datetime(2025, 1, 1)},
        {"state": FaceState.LINKED, "taken_at": datetime(2025, 1, 1)},
        {"state": FaceState.LINKED},
        {"state": FaceState.SUGGESTED, "probability": 0.9, "taken_at": datetime(2020, 1, 1)},
        {"state": FaceState.SUGGESTED, "probability": 0.3, "taken_at": datetime(2026, 1, 1)},
        {"state": FaceState.SUGGESTED},
        {"state": FaceState.SUGGESTED},
    ]
    faces = [rows.face(image, face_index=number) for number in range(len(kinds) + 2)]
    for face, kind in zip(faces, kinds, strict=False):
        library.indexed(face, image, person_id=ada, **kind)
    library.indexed(faces[-2], image, person_id=bob, state=FaceState.CONFIRMED)
    library.indexed(faces[-1], image)
    expected = [*faces[:3], faces[4], faces[3], *faces[5:8], faces[9], faces[8]]
    assert faces_of(library_store, ada) == expected
    for size in (1, 2, 3):
        found: list[int] = []
        while page := faces_of(library_store, ada, found[-1] if found else None, size):
            found += page
        assert found == expected


def test_behind_a_face_of_another_person_is_no_page(library_store: Store, library: LibraryRows, rows: Rows) -> None:
    ada, image = library.person("Ada"), rows.image()
    face = rows.face(image)
    library.indexed(face, image, state=FaceState.UNKNOWN)
    for after, limit in ((face, 5), (99, None)):
        with pytest.raises(RequestError, match=rf"found that the face f{after} is none of these, or not any more"):
            faces_of(library_store, ada, after, limit)


def test_a_person_who_is_not_there_has_no_faces(library_store: Store, library: LibraryRows) -> None:
    with pytest.raises(RequestError, match="found no person p7"):
        faces_of(library_store, 7)
