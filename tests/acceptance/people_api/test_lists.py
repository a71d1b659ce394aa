"""What the lists tell, in which order, and that pages go on behind a place while rows come and go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from faces.people.kept_face import FaceState
from tests.servers.library_rows import LibraryRows
from tests.servers.rows import Rows
from tests.servers.running_people import RunningPeople


class FaceMaker:
    """Makes faces with their photos and index rows; the index as our tables would have it."""

    def __init__(self, rows: Rows, library: LibraryRows) -> None:
        self._rows, self._library, self._made = rows, library, 0

    def __call__(self, state: FaceState = FaceState.UNKNOWN, **values: Any) -> int:
        self._made += 1
        image = self._rows.image(filename=f"{self._made}.jpg")
        face = self._rows.face(image, None)
        self._library.indexed(face, image, state, **values)
        return face


@pytest.fixture
def face(rows: Rows, library: LibraryRows) -> FaceMaker:
    return FaceMaker(rows, library)


def ids(items: list[Any]) -> list[int]:
    return [item["id"] for item in items]


def july(day: int) -> datetime:
    return datetime(2024, 7, day, 12)


def test_people_are_listed_by_confirmed_faces_and_one_is_read_by_id(
    people: RunningPeople, library: LibraryRows
) -> None:
    ada = library.person("Ada  Lovelace", confirmed=3, linked=14, suggested=2, last_taken=july(1), favourite=1)
    bob, hidden = library.person("Bob", confirmed=9), library.person("Eve", hidden=1)
    gone = library.person(joined_to=ada)
    listed = people.get("/people")
    assert ids(listed["items"]) == [bob, ada]
    assert listed["next"] is None
    assert ids(people.get("/people", hidden=True)["items"]) == [hidden]
    assert ids(people.get("/people", name=" ADA lovelace")["items"]) == [ada]
    expected = {
        **{"id": ada, "name": "Ada Lovelace", "confirmed": 3, "linked": 14, "suggested": 2},
        **{"last_taken": "2024-07-01T12:00:00", "hidden": False, "favourite": True, "revision": 0},
    }
    assert people.get(f"/people/{ada}") == expected
    assert people.get(f"/people/{gone}") == expected, "who was joined is who they are now"


def test_what_is_not_there_is_not_found(people: RunningPeople) -> None:
    for path in ("/people/99", "/people/99/faces", "/people/99/months", "/groups/99/faces", "/nothing"):
        reply = people.client.get(f"/v1{path}")
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
        assert reply.json()["retryable"] is False
    assert people.get("/faces", person=99) == {"items": [], "next": None}


def test_a_persons_faces_come_by_state_then_by_time_and_offers_by_likelihood(
    people: RunningPeople, library: LibraryRows, face: FaceMaker
) -> None:
    ada = library.person("Ada", confirmed=3)
    offered = face(FaceState.SUGGESTED, person_id=ada, probability=0.4, taken_at=july(30))
    likelier = face(FaceState.SUGGESTED, person_id=ada, probability=0.7, taken_at=july(2))
    linked = face(FaceState.LINKED, person_id=ada, taken_at=july(31))
    undated = face(FaceState.CONFIRMED, person_id=ada)
    old = face(FaceState.CONFIRMED, person_id=ada, taken_at=datetime(2023, 12, 31, 23), quality=80.0)
    new = face(FaceState.CONFIRMED, person_id=ada, taken_at=july(1), quality=20.0)
    face(FaceState.CONFIRMED, person_id=library.person("Bob"))
    everything = [new, old, undated, linked, likelier, offered]
    path = f"/people/{ada}/faces"
    assert ids(people.get(path)["items"]) == everything
    for size in (1, 2, 5, 6):
        assert ids(people.all_pages(path, limit=size)) == everything
        assert ids(people.all_pages("/faces", person=ada, limit=size)) == everything
    assert ids(people.get(path, state="suggested")["items"]) == [likelier, offered]
    assert ids(people.all_pages(path, month="2024-07", limit=1)) == [new, linked, offered, likelier]
    assert ids(people.get(path, month="2023-12")["items"]) == [old]
    assert ids(people.get(path, month="none")["items"]) == [undated]
    assert ids(people.get(path, min_quality=50)["items"]) == [old]


def test_a_face_is_told_with_photo_person_and_offer(
    people: RunningPeople, library: LibraryRows, face: FaceMaker
) -> None:
    ada, group = library.person("Ada"), library.group(1)
    offered = face(FaceState.SUGGESTED, person_id=ada, probability=0.5, taken_at=july(3), group_id=group)
    (told,) = people.get("/faces", state="suggested")["items"]
    assert told == {
        **{"id": offered, "image_id": told["image_id"], "photo": "photos:2020/1.jpg", "face_index": 0},
        **{"box": None, "quality": None, "taken_at": "2024-07-03T12:00:00", "state": "suggested", "name": None},
        **{"person_id": ada, "offered": "Ada", "probability": 0.5, "group_id": group},
    }


def test_months_count_a_persons_faces_the_newest_first(
    people: RunningPeople, library: LibraryRows, face: FaceMaker
) -> None:
    ada = library.person("Ada")
    for taken in (july(1), july(31), datetime(2024, 8, 1), datetime(2023, 7, 1), None):
        face(FaceState.CONFIRMED, person_id=ada, taken_at=taken)
    face(FaceState.SUGGESTED, person_id=ada, taken_at=july(2))
    months = people.get(f"/people/{ada}/months")
    assert [(month["month"], month["faces"]) for month in months["items"]] == [
        *(("2024-08", 1), ("2024-07", 3), ("2023-07", 1)),
        (None, 1),
    ]
    assert people.get(f"/people/{ada}/months", state="suggested")["items"] == [{"month": "2024-07", "faces": 1}]


def test_faces_of_whoever_come_by_state_and_likelihood(people: RunningPeople, face: FaceMaker) -> None:
    unknown, stranger = face(), face(FaceState.STRANGER)
    sure, unsure = (face(FaceState.LINKED, probability=number) for number in (0.99, 0.96))
    nearest = face(FaceState.LINKED)
    everything = [sure, unsure, nearest, unknown, stranger]
    for size in (1, 2, 3, 60):
        assert ids(people.all_pages("/faces", limit=size)) == everything
    assert ids(people.get("/faces", state="stranger")["items"]) == [stranger]


def test_groups_come_by_size_named_ones_by_person_and_their_faces_by_quality(
    people: RunningPeople, library: LibraryRows, face: FaceMaker
) -> None:
    ada = library.person("Ada")
    small, large, single = library.group(2), library.group(5, offered_person_id=ada, probability=0.8), library.group(1)
    named = library.group(3, person_id=ada)
    gone = library.group(0, joined_to=large)
    poor, good = (face(group_id=large, quality=quality) for quality in (10.0, 90.0))
    unscored = face(group_id=large)
    listed = people.all_pages("/groups", limit=1)
    assert ids(listed) == [large, small]
    assert (listed[0]["offered"], listed[0]["probability"], listed[0]["face_id"]) == ("Ada", 0.8, good)
    assert ids(people.get("/groups", min=1)["items"]) == [large, small, single]
    assert [(group["id"], group["person"]) for group in people.get("/groups", named=True)["items"]] == [(named, "Ada")]
    for group in (large, gone):
        assert ids(people.all_pages(f"/groups/{group}/faces", limit=2)) == [good, poor, unscored]


def test_a_page_of_people_goes_on_behind_a_place_while_rows_come_go_and_move(
    people: RunningPeople, library: LibraryRows, rows: Rows
) -> None:
    made = [library.person(f"P{number}", confirmed=number) for number in range(1, 10)]
    table = library.tables.people.name
    first = people.get("/people", limit=3)
    assert ids(first["items"]) == made[:-4:-1]
    # The last one of the page is joined to another, one before it goes, and one comes in front of all.
    rows.run(f"UPDATE {table} SET joined_to = {made[0]}, name = NULL, confirmed = 0 WHERE id = {made[6]}")
    rows.run(f"DELETE FROM {table} WHERE id = {made[7]}")
    library.person("first of all", confirmed=50)
    assert ids(rest_of(people, "/people", first["next"])) == made[5::-1]


def test_a_page_of_faces_goes_on_though_its_last_face_is_anothers_now(
    people: RunningPeople, library: LibraryRows, rows: Rows, face: FaceMaker
) -> None:
    ada, bob = library.person("Ada"), library.person("Bob")
    made = [face(FaceState.CONFIRMED, person_id=ada, taken_at=july(day)) for day in range(1, 7)]
    path = f"/people/{ada}/faces"
    first = people.get(path, limit=2)
    index = library.tables.face_index.name
    rows.run(f"UPDATE {index} SET person_id = {bob} WHERE face_id = {made[4]}")
    rows.run(f"DELETE FROM {index} WHERE face_id = {made[3]}")
    assert ids(rest_of(people, path, first["next"])) == [made[2], made[1], made[0]]


def rest_of(people: RunningPeople, path: str, cursor: str | None) -> list[Any]:
    items: list[Any] = []
    while cursor:
        page = people.get(path, limit=2, cursor=cursor)
        items, cursor = items + page["items"], page["next"]
    return items


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "state=linkedd",
        "min_quality=nan",
        "min_quality=101",
        "person=0",
        "person=99999999999999999999",
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(people: RunningPeople, query: str) -> None:
    reply = people.client.get(f"/v1/faces?{query}")
    assert (reply.status_code, reply.json()["code"]) == (422, "wrong_field")
    assert reply.json()["error"].startswith(query.partition("=")[0])


def test_a_cursor_that_no_list_gave_is_refused(people: RunningPeople) -> None:
    for path in ("/people", "/faces", "/groups", "/ledger"):
        for cursor in ("x", "e30", "W10", "WzEsMiwzLDRd", "WyJhIiwiYiJd", "%00", "bnVsbA"):
            reply = people.client.get(f"/v1{path}", params={"cursor": cursor})
            assert (reply.status_code, reply.json()["code"]) == (400, "bad_cursor"), (path, cursor)


def test_a_cursor_of_another_list_is_refused(people: RunningPeople, library: LibraryRows, face: FaceMaker) -> None:
    ada, group = library.person("Ada"), library.group(2)
    for day in (1, 2):
        face(FaceState.CONFIRMED, person_id=ada, taken_at=july(day), group_id=group, quality=day)
        face(FaceState.SUGGESTED, person_id=ada, probability=0.5)
    of_person, of_group = f"/people/{ada}/faces", f"/groups/{group}/faces"
    by_time, by_quality = (people.get(path, limit=1)["next"] for path in (of_person, of_group))
    for path, cursor in (
        *((of_group, by_time), ("/faces", by_time), (of_person, by_quality)),
        *(("/people", by_time), ("/groups", by_time), ("/ledger", by_time)),
    ):
        reply = people.client.get(f"/v1{path}", params={"cursor": cursor})
        assert (reply.status_code, reply.json()["code"]) == (400, "bad_cursor"), (path, cursor)


def test_what_is_the_same_is_not_sent_again(people: RunningPeople, library: LibraryRows) -> None:
    ada = library.person("Ada", confirmed=1)
    first = people.client.get("/v1/people")
    tag = first.headers["ETag"]
    for had in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = people.client.get("/v1/people", headers={"If-None-Match": had})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    library.person("Bob")
    changed = people.client.get("/v1/people", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    head = people.client.head(f"/v1/people/{ada}")
    assert (head.status_code, head.content) == (200, b"")
