"""What the app sees of answers: its rows column by column, its clicks upon them, and the candidates of its own job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from faces.answers import joins, people_marks, who_it_is, who_it_is_not
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.library.upkeep.outside_changes import OutsideChanges
from faces.people.kept_face import FaceState
from faces.people.refs import Ref
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

pytestmark = pytest.mark.parametrize("url", ["v1", "v2"], indirect=True)

ANN, BOB = made_people(2, seed=5)

ME = "me"

Rows = dict[int, dict[str, Any]]


def face(number: int) -> Ref:
    return Ref("face", number)


def rows(album: Album) -> Rows:
    """All columns of all rows."""
    return {row["id"]: row for row in album.read("SELECT * FROM faces")}


def changes(before: Rows, after: Rows) -> dict[int, dict[str, Any]]:
    """The columns that became something else, by face; these rows say that it was just now."""
    assert before.keys() == after.keys()
    told = {
        id_: {name: row[name] for name in row if row[name] != before[id_][name] and name != "updated_at"}
        for id_, row in after.items()
    }
    found = {id_: changed for id_, changed in told.items() if changed}
    just_now = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(minutes=5)
    assert all(after[id_]["updated_at"] > just_now for id_ in found)
    return found


def candidates(album: Album) -> list[int]:
    """With which the app's job compares new faces."""
    query = "SELECT id FROM faces WHERE encoding IS NOT NULL AND parent_id IS NULL AND status = 'ok'"
    return [row["id"] for row in album.read(f"{query} AND deleted_at IS NULL ORDER BY id")]


def save(album: Album, face_id: int, status: str, name: str | None = None) -> None:
    """The app's click on a face: its own row, and the untouched ones that hang on it or on its parent."""
    album.rows.run(
        "UPDATE faces SET name = :name, status = :status, updated_at = UTC_TIMESTAMP() WHERE id = :id",
        **{"name": name if status == "ok" else None, "status": status, "id": face_id},
    )
    parent = album.rows.one("SELECT parent_id FROM faces WHERE id = :id", id=face_id)["parent_id"]
    album.rows.run(
        "UPDATE faces SET name = :name, updated_at = UTC_TIMESTAMP() WHERE parent_id IN (:face, :parent)"
        " AND status = 'process' AND deleted_at IS NULL",
        **{"name": name if status == "ok" else None, "face": face_id, "parent": parent or face_id},
    )


def remove(album: Album, face_id: int) -> None:
    """The app's click that takes a face away."""
    album.rows.run(
        "UPDATE faces SET deleted_at = UTC_TIMESTAMP(), updated_at = UTC_TIMESTAMP() WHERE id = :id", id=face_id
    )


def look(album: Album) -> None:
    """Take in what the app has changed."""
    album.run("UPDATE {library} SET looked_at = NULL")
    OutsideChanges(album.arrivals).look()
    assert album.wrong() == []


def who(album: Album, *face_ids: int) -> list[tuple[str | None, int]]:
    """Name and state of faces."""
    names = {row["id"]: row["name"] for row in album.read("SELECT id, name FROM {people}")}
    found = {row["face_id"]: row for row in album.read("SELECT face_id, person_id, state FROM {face_index}")}
    return [(names.get(found[one]["person_id"]), found[one]["state"]) for one in face_ids]


def test_of_a_named_group_the_candidates_have_the_master_alone(album: Album, answers: Answers) -> None:
    stranger = album.photo(BOB)[0]
    faces = [album.photo(ANN)[0] for _ in range(3)]
    (group,) = [group for group, members in album.members().items() if members == faces]
    before = rows(album)
    who_it_is.name(answers, GivenAnswer(ME), [Ref("group", group)], "Ann")
    master, *others = faces
    assert changes(before, rows(album)) == {
        master: {"status": "ok", "name": "Ann"},
        **{one: {"name": "Ann", "parent_id": master} for one in others},
    }
    assert candidates(album) == [master]
    assert stranger not in candidates(album)


ANSWERS: dict[str, tuple[Callable[..., Answered], dict[str, Any]]] = {
    "named": (lambda a, g, f: who_it_is.name(a, g, [face(f)], "Ann"), {"status": "ok", "name": "Ann"}),
    "stranger": (lambda a, g, f: who_it_is_not.stranger(a, g, [face(f)]), {"status": "unknown"}),
    "no face": (lambda a, g, f: who_it_is_not.not_face(a, g, [face(f)]), {"status": "not_face"}),
}


@pytest.mark.parametrize("said", ANSWERS)
def test_a_single_face_is_left_as_the_apps_click_leaves_it(album: Album, answers: Answers, said: str) -> None:
    one, other = album.photo(ANN)[0], album.photo(ANN)[0]
    before = rows(album)
    give, expected = ANSWERS[said]
    give(answers, GivenAnswer(ME), one)
    answered = rows(album)
    assert changes(before, answered) == {one: expected}
    assert candidates(album) == ([one] if said == "named" else [])
    save(album, other, expected["status"], expected.get("name"))
    clicked = rows(album)
    assert [clicked[other][name] for name in ("status", "name", "parent_id")] == [
        answered[one][name] for name in ("status", "name", "parent_id")
    ]
    look(album)


def test_what_was_taken_out_is_an_open_face_again(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    linked, other = (album.photo(ANN, parent_id=master, name="Ann")[0] for _ in range(2))
    before = rows(album)
    who_it_is_not.unknown(answers, GivenAnswer(ME), [face(linked)])
    who_it_is_not.reject(answers, GivenAnswer(ME), [face(other)])
    nothing = {"name": None, "parent_id": None}
    assert changes(before, rows(album)) == {linked: nothing, other: nothing}
    assert candidates(album) == [master]


def test_a_confirmed_link_is_no_further_candidate(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    one, *others = (album.photo(ANN, parent_id=master, name="Ann")[0] for _ in range(3))
    before = rows(album)
    who_it_is.confirm(answers, GivenAnswer(ME), [face(one)])
    assert changes(before, rows(album)) == {one: {"status": "ok"}}
    who_it_is.confirm(answers, GivenAnswer(ME), [face(other) for other in others])
    assert changes(before, rows(album)) == {one: {"status": "ok"}}
    assert candidates(album) == [master]


def test_another_name_that_is_clicked_on_the_master_renames_the_whole_group(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(3)]
    (group,) = [group for group, members in album.members().items() if members == faces]
    who_it_is.name(answers, GivenAnswer(ME), [Ref("group", group)], "Ann")
    before = rows(album)
    save(album, candidates(album)[0], "ok", "Anne")
    assert changes(before, rows(album)) == {one: {"name": "Anne"} for one in faces}
    look(album)
    assert who(album, *faces) == [("Anne", FaceState.CONFIRMED)] * 3
    assert album.read("SELECT id, name, confirmed FROM {people}") == [{"id": 1, "name": "Anne", "confirmed": 3}]
    assert candidates(album) == faces[:1]


def test_a_master_that_is_removed_leaves_the_others_with_their_person(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(3)]
    (group,) = [group for group, members in album.members().items() if members == faces]
    who_it_is.name(answers, GivenAnswer(ME), [Ref("group", group)], "Ann")
    before = rows(album)
    remove(album, faces[0])
    look(album)
    assert who(album, *faces[1:]) == [("Ann", FaceState.CONFIRMED)] * 2
    assert changes(before, rows(album)).keys() == {faces[0]}
    assert candidates(album) == []
    (later,) = album.photo(ANN)
    who_it_is.name(answers, GivenAnswer(ME), [face(later)], "Ann")
    assert candidates(album) == [later], "the next one that is named so"
    assert who(album, later) == [("Ann", FaceState.CONFIRMED)]


def test_a_master_that_is_moved_leaves_a_candidate_of_each_person(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(3)]
    (group,) = [group for group, members in album.members().items() if members == faces]
    who_it_is.name(answers, GivenAnswer(ME), [Ref("group", group)], "Ann")
    before = rows(album)
    master, heir, other = faces
    who_it_is.move(answers, GivenAnswer(ME), [face(master)], "Bob")
    assert changes(before, rows(album)) == {
        master: {"name": "Bob"},
        heir: {"status": "ok", "parent_id": None},
        other: {"parent_id": heir},
    }
    assert candidates(album) == [master, heir]


def test_rows_of_people_who_are_renamed_or_joined_have_one_name(album: Album, answers: Answers) -> None:
    ann, bob = album.master(ANN, "Ann"), album.master(BOB, "Bob")
    (linked,) = album.photo(BOB, parent_id=bob, name="Bob")
    before = rows(album)
    people_marks.rename(answers, GivenAnswer(ME), Ref("person", 2), "Rob")
    assert changes(before, rows(album)) == {bob: {"name": "Rob"}, linked: {"name": "Rob"}}
    joins.join(answers, GivenAnswer(ME), [Ref("person", 1), Ref("person", 2)])
    assert changes(before, rows(album)) == {bob: {"name": "Ann"}, linked: {"name": "Ann"}}
    assert candidates(album) == [ann, bob]
    look(album)


def test_every_column_is_as_it_was_when_answers_are_taken_back(album: Album, answers: Answers) -> None:
    ann, bob = album.master(ANN, "Ann"), album.master(BOB, "Bob")
    album.photo(ANN, parent_id=ann, name="Ann")
    faces = [album.photo(BOB)[0] for _ in range(3)]
    (group,) = [group for group, members in album.members().items() if members == faces]
    before = rows(album)
    done = [
        who_it_is.name(answers, GivenAnswer(ME), [Ref("group", group)], "Cem"),
        who_it_is.move(answers, GivenAnswer(ME), [face(ann)], "Bob"),
        who_it_is_not.not_face(answers, GivenAnswer(ME), [face(faces[0])]),
        people_marks.rename(answers, GivenAnswer(ME), Ref("person", 2), "Rob"),
        joins.join(answers, GivenAnswer(ME), [Ref("person", 3), Ref("person", 2)]),
        people_marks.forget(answers, GivenAnswer(ME), Ref("person", 3)),
    ]
    for one in reversed(done):
        assert one.entry is not None
        assert undo(answers, GivenAnswer(ME), one.entry).left == ()
    assert changes(before, rows(album)) == {}
    assert candidates(album) == [ann, bob]
