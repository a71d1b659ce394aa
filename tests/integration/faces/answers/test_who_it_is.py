"""A person says who faces and groups are: what the rows, our tables and the ledger have afterwards."""

from __future__ import annotations

import pytest

from faces.answers import who_it_is
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.errors import ChangedSince, RequestError
from faces.people.kept_face import Said
from faces.people.refs import Ref
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM = made_people(3, seed=5)

ME = "me"


def face(number: int) -> Ref:
    return Ref("face", number)


def rows(album: Album, faces: list[int]) -> list[tuple[object, ...]]:
    """Status, name and parent of each."""
    return [(row["status"], row["name"], row["parent_id"]) for row in album.face_rows(faces)]


def group_of_three(album: Album) -> tuple[list[int], int]:
    faces = [album.photo(ANN, quality_score=quality)[0] for quality in (10.0, 30.0, 20.0)]
    (group,) = [group for group, members in album.members().items() if members == faces]
    return faces, group


def test_a_named_group_has_a_master_and_the_others_hang_on_it(album: Album, answers: Answers) -> None:
    faces, group = group_of_three(album)
    done = who_it_is.name(answers, GivenAnswer(ME), [Ref("group", group)], "Ann")
    assert done.faces == tuple(faces)
    assert rows(album, faces) == [("process", "Ann", faces[1]), ("ok", "Ann", None), ("process", "Ann", faces[1])]
    (person,) = album.read("SELECT id, name, confirmed, master_face_id FROM {people}")
    assert (person["name"], person["confirmed"], person["master_face_id"]) == ("Ann", 3, faces[1])
    assert album.read("SELECT person_id FROM {groups} WHERE id = :id", id=group) == [{"person_id": person["id"]}]
    assert album.read("SELECT face_id, entry, says, person_id FROM {answers} ORDER BY face_id") == [
        {"face_id": one, "entry": done.entry, "says": Said.YES, "person_id": person["id"]} for one in faces
    ]
    assert album.wrong() == []


def test_one_named_face_becomes_a_master(album: Album, answers: Answers) -> None:
    faces, _ = group_of_three(album)
    who_it_is.name(answers, GivenAnswer(ME), [face(faces[0])], "Ann")
    assert rows(album, faces) == [("ok", "Ann", None), ("process", None, None), ("process", None, None)]
    assert album.wrong() == []


def test_nobody_is_made_where_no_face_takes_the_name(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    done = who_it_is.name(answers, GivenAnswer(ME), [face(master)], "Eve")
    assert done.entry is None
    assert [one.ref for one in done.left] == [f"f{master}"]
    assert album.read("SELECT name FROM {people}") == [{"name": "Ann"}]
    assert album.wrong() == []


def test_confirming_what_was_linked_leaves_the_links(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    linked = [album.photo(ANN, parent_id=master, name="Ann")[0] for _ in range(2)]
    done = who_it_is.confirm(answers, GivenAnswer(ME), [face(one) for one in linked])
    assert done.faces == tuple(linked)
    assert rows(album, linked) == [("process", "Ann", master)] * 2
    assert album.read("SELECT confirmed, linked FROM {people}") == [{"confirmed": 3, "linked": 0}]
    assert album.wrong() == []


def test_a_face_of_another_person_is_left_but_moved_on_purpose(album: Album, answers: Answers) -> None:
    ann, bob = album.master(ANN, "Ann"), album.master(BOB, "Bob")
    left = who_it_is.name(answers, GivenAnswer(ME), [face(bob)], "Ann")
    assert left.entry is None
    assert [one.ref for one in left.left] == [f"f{bob}"]
    who_it_is.move(answers, GivenAnswer(ME), [face(bob)], "Ann")
    assert rows(album, [ann, bob]) == [("ok", "Ann", None), ("ok", "Ann", None)]
    assert album.wrong() == []


def test_what_hung_on_a_moved_master_hangs_on_the_next_best(album: Album, answers: Answers) -> None:
    first, second = album.master(ANN, "Ann"), album.master(ANN, "Ann")
    linked = album.photo(ANN, parent_id=first, name="Ann")
    done = who_it_is.move(answers, GivenAnswer(ME), [face(first)], "Bob")
    assert (done.faces, done.followed) == ((first,), tuple(linked))
    assert rows(album, [first, second, *linked]) == [
        ("ok", "Bob", None),
        ("ok", "Ann", None),
        ("process", "Ann", second),
    ]
    assert album.wrong() == []


def test_links_to_somebody_who_has_no_other_face_follow_the_only_one(album: Album, answers: Answers) -> None:
    first = album.master(ANN, "Ann")
    linked = album.photo(ANN, parent_id=first, name="Ann")
    who_it_is.move(answers, GivenAnswer(ME), [face(first)], "Bob")
    assert rows(album, linked) == [("process", "Bob", first)]
    assert album.wrong() == []


def test_of_two_people_of_one_name_the_id_is_needed(album: Album, answers: Answers) -> None:
    album.master(ANN, "Ann")
    other, third = album.photo(BOB)[0], album.photo(CEM)[0]
    who_it_is.name(answers, GivenAnswer(ME), [face(other)], "Ann", new=True)
    with pytest.raises(RequestError, match="2 people named Ann: p1, p2"):
        who_it_is.name(answers, GivenAnswer(ME), [face(third)], "Ann")
    who_it_is.name(answers, GivenAnswer(ME), [face(third)], Ref("person", 2))
    assert album.read("SELECT id, confirmed FROM {people} ORDER BY id") == [
        {"id": 1, "confirmed": 1},
        {"id": 2, "confirmed": 2},
    ]
    assert album.wrong() == []


def test_the_same_uuid_twice_is_one_entry(album: Album, answers: Answers) -> None:
    one = album.photo(ANN)[0]
    answer = GivenAnswer(ME)
    first = who_it_is.name(answers, answer, [face(one)], "Ann")
    again = who_it_is.name(answers, answer, [face(one)], "Bob")
    assert (again.entry, again.again) == (first.entry, True)
    assert rows(album, [one]) == [("ok", "Ann", None)]


def test_what_changed_since_it_was_seen_is_told_and_nothing_is_written(album: Album, answers: Answers) -> None:
    faces, group = group_of_three(album)
    (seen,) = album.read("SELECT revision FROM {groups} WHERE id = :id", id=group)
    who_it_is.name(answers, GivenAnswer(ME), [face(faces[0])], "Ann")
    with pytest.raises(ChangedSince, match=f"g{group} at revision"):
        who_it_is.name(
            answers, GivenAnswer(ME, seen={Ref("group", group): seen["revision"]}), [Ref("group", group)], "Bob"
        )
    assert rows(album, faces[1:]) == [("process", None, None)] * 2


def test_what_php_changed_is_taken_in_before(album: Album, answers: Answers) -> None:
    one = album.photo(ANN)[0]
    album.rows.run("UPDATE faces SET name = 'Bob', status = 'ok' WHERE id = :id", id=one)
    left = who_it_is.name(answers, GivenAnswer(ME), [face(one)], "Ann")
    assert [told.ref for told in left.left] == [f"f{one}"]
    assert album.read("SELECT name, confirmed FROM {people} WHERE confirmed > 0") == [{"name": "Bob", "confirmed": 1}]
    assert album.wrong() == []
