"""The list of groups and the faces of each: their order, and that a page begins where the one before ended."""

from __future__ import annotations

import pytest

from faces.errors import RequestError
from faces.store.database import Store
from faces.store.sidecar.lists.group_pages import (
    Example,
    GroupChoice,
    ListedGroup,
    current_group,
    faces_of_group,
    list_groups,
)
from tests.servers.library_rows import LibraryRows
from tests.servers.rows import Rows

pytestmark = pytest.mark.parametrize("url", ["sqlite", "mariadb v1"], indirect=True)


def groups(store: Store, choice: GroupChoice = GroupChoice()) -> list[ListedGroup]:  # noqa: B008  a value
    with store.reading() as transaction:
        return list(list_groups(transaction, choice))


def ids(store: Store, choice: GroupChoice = GroupChoice()) -> list[int]:  # noqa: B008  a value
    return [group.id for group in groups(store, choice)]


def faces_of(store: Store, group: int, after: int | None = None, limit: int | None = None) -> list[int]:
    with store.reading() as transaction:
        return list(faces_of_group(transaction, group, after, limit))


def test_a_group_is_listed_with_who_is_offered_and_its_best_face(
    library_store: Store, library: LibraryRows, rows: Rows
) -> None:
    ada = library.person("Ada")
    group = library.group(14, offered_person_id=ada, probability=0.871)
    photos = [rows.image(filename=f"{number}.jpg") for number in range(3)]
    faces = [rows.face(photo, face_index=number) for number, photo in enumerate(photos)]
    for face, photo, quality in zip(faces, photos, (70.5, 88, None), strict=True):
        library.indexed(face, photo, group_id=group, quality=quality)
    (listed,) = groups(library_store)
    example = Example(faces[1], 1, "photos", "2020", "1.jpg")
    assert listed == ListedGroup(group, 14, None, None, ada, "Ada", 0.871, example)
    assert str(listed.offer) == "Ada? 87 %"


def test_a_person_without_a_name_is_offered_by_the_id(library_store: Store, library: LibraryRows) -> None:
    person = library.person()
    library.group(offered_person_id=person, probability=0.9999)
    assert [str(group.offer) for group in groups(library_store)] == [f"p{person}? 99 %"]


def test_the_largest_are_first_and_of_equal_ones_the_newest(library_store: Store, library: LibraryRows) -> None:
    one, seven, three, another = (library.group(size) for size in (1, 7, 3, 1))
    assert ids(library_store) == [seven, three, another, one]
    assert ids(library_store, GroupChoice(at_least=3)) == [seven, three]


def test_groups_that_were_joined_to_others_are_not_listed(library_store: Store, library: LibraryRows) -> None:
    kept = library.group(3)
    library.group(2, joined_to=kept)
    assert ids(library_store) == [kept]


def test_named_groups_are_together_by_person(library_store: Store, library: LibraryRows) -> None:
    ada, bob = library.person("Ada"), library.person("Bob")
    large, other, small = (library.group(size, person_id=who) for size, who in ((9, ada), (5, bob), (2, ada)))
    unnamed = library.group(4)
    named = groups(library_store, GroupChoice(named=True))
    assert [(group.id, group.person) for group in named] == [(other, "Bob"), (large, "Ada"), (small, "Ada")]
    assert ids(library_store) == [unnamed]


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 9])
def test_pages_together_are_the_whole(library_store: Store, library: LibraryRows, size: int, named: bool) -> None:
    for number, count in enumerate((4, 1, 4, 2, 4, 1, 9, 1)):
        library.group(count, person_id=1 + number % 3 if named else None)
    found: list[int] = []
    while page := ids(library_store, GroupChoice(named, after=found[-1] if found else None, limit=size)):
        found += page
    assert found == ids(library_store, GroupChoice(named))
    assert len(found) == 8


def test_behind_a_group_of_the_other_list_is_no_page(library_store: Store, library: LibraryRows) -> None:
    named, plain = library.group(3, person_id=1), library.group(2)
    joined = library.group(1, joined_to=plain)
    for group, choice in ((named, False), (plain, True), (joined, False), (99, False)):
        with pytest.raises(RequestError, match=f"found that the group g{group} is none of these, or not any more"):
            ids(library_store, GroupChoice(choice, after=group))


def test_a_groups_faces_are_in_the_order_of_their_quality(
    library_store: Store, library: LibraryRows, rows: Rows
) -> None:
    group, photos = library.group(6), [rows.image(filename=f"{number}.jpg") for number in range(7)]
    faces = [rows.face(photo) for photo in photos]
    for face, photo, quality in zip(faces, photos, (70.1, None, 88.25, 70.1, None, 12, 99), strict=True):
        library.indexed(face, photo, group_id=group if quality != 99 else group + 1, quality=quality)
    expected = [faces[number] for number in (2, 3, 0, 5, 4, 1)]
    assert faces_of(library_store, group) == expected
    for size in (1, 2, 4):
        found: list[int] = []
        while page := faces_of(library_store, group, found[-1] if found else None, size):
            found += page
        assert found == expected


def test_a_face_of_a_photo_that_is_gone_is_neither_listed_nor_an_example(
    library_store: Store, library: LibraryRows, rows: Rows
) -> None:
    group, here, gone = library.group(2), rows.image(filename="here.jpg"), rows.image(filename="gone.jpg")
    faces = [rows.face(here), rows.face(gone)]
    library.indexed(faces[0], here, group_id=group, quality=50)
    library.indexed(faces[1], gone, group_id=group, quality=90)
    if library_store.schema.ours:
        mark = "INSERT INTO scan_marks (image_id, size, modified_ns, sha256, gone_at) VALUES (:id, 1, 1, x'00', :at)"
        rows.run(mark, id=gone, at="2026-01-01 00:00:00")
    expected = faces[:1] if library_store.schema.ours else faces[::-1]
    assert faces_of(library_store, group) == expected
    assert [one.example and one.example.face_id for one in groups(library_store)] == expected[:1]


def test_a_group_is_found_where_it_was_joined_to(library_store: Store, library: LibraryRows) -> None:
    last = library.group()
    middle = library.group(joined_to=last)
    first = library.group(joined_to=middle)
    with library_store.reading() as transaction:
        assert [current_group(transaction, group) for group in (first, middle, last)] == [last] * 3
        with pytest.raises(RequestError, match="found no group g99, needed the id of one: `groups` lists them"):
            current_group(transaction, 99)
