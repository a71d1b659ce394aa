"""A person is renamed, hidden, a favourite, shown by a face, or forgotten: what is there afterwards."""

from __future__ import annotations

import pytest

from faces.answers import people_marks, who_it_is
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.errors import RequestError
from faces.library.upkeep.refresh import Refresh
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref
from faces.store.sidecar.lists.people_pages import PeopleChoice, list_people
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

pytestmark = pytest.mark.parametrize("url", ["sqlite", "v1", "v2"], indirect=True)

ANN, BOB, CEM = made_people(3, seed=5)

ME = "me"


def face(number: int) -> Ref:
    return Ref("face", number)


def person(number: int) -> Ref:
    return Ref("person", number)


def rows(album: Album, faces: list[int]) -> list[tuple[object, ...]]:
    """Status, name and parent of each."""
    return [(row["status"], row["name"], row["parent_id"]) for row in album.face_rows(faces)]


def listed(album: Album, **choice: object) -> list[tuple[int, str | None]]:
    with album.store.reading() as transaction:
        return [(one.id, one.name) for one in list_people(transaction, PeopleChoice(**choice))]  # type: ignore[arg-type]


def is_whole(album: Album) -> bool:
    return album.wrong() == [] and Refresh(album.arrivals, keep=False).run().is_nothing


def a_person(album: Album) -> list[int]:
    """Two masters of Ann, and a face that is linked to the first."""
    masters = [album.master(ANN, "Ann") for _ in range(2)]
    return [*masters, *album.photo(ANN, parent_id=masters[0], name="Ann")]


def test_all_rows_of_a_renamed_person_have_the_name(album: Album, answers: Answers) -> None:
    faces = a_person(album)
    (confirmed,) = album.photo(ANN)
    who_it_is.name(answers, GivenAnswer(ME), [face(confirmed)], "Ann")
    done = people_marks.rename(answers, GivenAnswer(ME), person(1), " Anna  Bell ")
    assert rows(album, [*faces, confirmed]) == [
        ("ok", "Anna Bell", None),
        ("ok", "Anna Bell", None),
        ("process", "Anna Bell", faces[0]),
        ("ok", "Anna Bell", None),
    ]
    assert (done.faces, done.followed, done.people) == ((*faces, confirmed), (), (1,))
    assert album.read("SELECT id, name, name_key FROM {people}") == [
        {"id": 1, "name": "Anna Bell", "name_key": "anna bell"}
    ]
    assert album.read("SELECT ref, `before`, `after` FROM {ledger_refs} WHERE entry = :entry", entry=done.entry) == [
        {"ref": "p1", "before": '{"name": "Ann"}', "after": '{"name": "Anna Bell"}'}
    ]
    assert is_whole(album)


def test_a_person_without_a_name_gets_one(album: Album, answers: Answers) -> None:
    (first,) = album.photo(ANN, status="ok")
    (linked,) = album.photo(ANN, parent_id=first)
    people_marks.rename(answers, GivenAnswer(ME), person(1), "Ann")
    assert rows(album, [first, linked]) == [("ok", "Ann", None), ("process", "Ann", first)]
    assert listed(album) == [(1, "Ann")]
    assert is_whole(album)


def test_only_the_spelling_of_a_name_may_change(album: Album, answers: Answers) -> None:
    faces = a_person(album)
    people_marks.rename(answers, GivenAnswer(ME), person(1), "ANN")
    assert {row["name"] for row in album.face_rows(faces)} == {"ANN"}
    assert people_marks.rename(answers, GivenAnswer(ME), person(1), "ANN").entry is None
    assert is_whole(album)


def test_a_name_that_another_has_never_makes_two_people_one(album: Album, answers: Answers) -> None:
    faces = a_person(album)
    bob = album.master(BOB, "Bob")
    with pytest.raises(RequestError, match=r"p1 is named ann, too: `join p1 p2`.*--new"):
        people_marks.rename(answers, GivenAnswer(ME), person(2), "ann")
    assert rows(album, [bob]) == [("ok", "Bob", None)]
    people_marks.rename(answers, GivenAnswer(ME), person(2), "Ann", new=True)
    assert album.read("SELECT id, name, confirmed, linked FROM {people} ORDER BY id") == [
        {"id": 1, "name": "Ann", "confirmed": 2, "linked": 1},
        {"id": 2, "name": "Ann", "confirmed": 1, "linked": 0},
    ]
    assert album.read("SELECT face_id, says, person_id FROM {answers}") == [
        {"face_id": bob, "says": Said.YES, "person_id": 2}
    ]
    album.arrivals.update_images([row["image_id"] for row in album.face_rows([*faces, bob])])
    assert is_whole(album)


def test_people_are_hidden_and_favourites_and_are_not_any_more(album: Album, answers: Answers) -> None:
    album.master(ANN, "Ann"), album.master(BOB, "Bob")
    people_marks.hide(answers, GivenAnswer(ME), [person(1)])
    people_marks.favourite(answers, GivenAnswer(ME), [person(1), person(2)])
    assert (listed(album), listed(album, hidden=True)) == ([(2, "Bob")], [(1, "Ann")])
    assert album.read("SELECT hidden, favourite FROM {people} ORDER BY id") == [
        {"hidden": 1, "favourite": 1},
        {"hidden": 0, "favourite": 1},
    ]
    assert people_marks.hide(answers, GivenAnswer(ME), [person(1)]).entry is None
    people_marks.hide(answers, GivenAnswer(ME), [person(1)], off=True)
    people_marks.favourite(answers, GivenAnswer(ME), [person(1), person(2)], off=True)
    assert listed(album) == [(2, "Bob"), (1, "Ann")]
    assert [row["kind"] for row in album.read("SELECT kind FROM {ledger} ORDER BY id")] == [
        *("hidden", "favourite", "shown", "not_favourite"),
    ]
    assert is_whole(album)


def test_a_cover_is_a_face_of_the_person(album: Album, answers: Answers) -> None:
    first, second, _linked = a_person(album)
    (other,) = album.photo(BOB)
    with pytest.raises(RequestError, match=f"f{other} is not p1's"):
        people_marks.cover(answers, GivenAnswer(ME), person(1), face(other))
    people_marks.cover(answers, GivenAnswer(ME), person(1), face(second))
    people_marks.cover(answers, GivenAnswer(ME), person(1), face(first))
    assert album.read("SELECT cover FROM {people}") == [{"cover": first}]
    assert is_whole(album)


def test_nobody_is_who_was_forgotten(album: Album, answers: Answers) -> None:
    faces = a_person(album)
    grouped = [album.photo(CEM)[0] for _ in range(3)]
    (group,) = [group for group, members in album.members().items() if members == grouped]
    who_it_is.name(answers, GivenAnswer(ME), [Ref("group", group)], Ref("person", 1))
    offered = [album.photo(ANN)[0] for _ in range(2)]
    album.links(calibrated=False)
    album.settling.settle_all()
    assert album.read("SELECT suggested FROM {people}") == [{"suggested": 2}]
    done = people_marks.forget(answers, GivenAnswer(ME), person(1))
    assert (done.faces, done.followed) == ((*faces, *grouped), ())
    assert rows(album, [*faces, *grouped, *offered]) == [("process", None, None)] * 8
    assert {row["state"] for row in album.read("SELECT state FROM {face_index}")} == {FaceState.UNKNOWN}
    assert album.read("SELECT id, name, name_key, master_face_id, confirmed, linked, suggested FROM {people}") == [
        {"id": 1, **dict.fromkeys(("name", "name_key", "master_face_id")), "confirmed": 0, "linked": 0, "suggested": 0}
    ]
    assert album.read("SELECT person_id FROM {groups} WHERE id = :id", id=group) == [{"person_id": None}]
    assert tuple(grouped) in album.groups()
    assert listed(album) == listed(album, name="Ann") == []
    album.settling.settle_all()
    assert is_whole(album)


def test_a_name_of_one_who_was_forgotten_is_free_again(album: Album, answers: Answers) -> None:
    faces = a_person(album)
    people_marks.forget(answers, GivenAnswer(ME), person(1))
    album.name(faces[0], "Ann")
    album.rows.run("UPDATE faces SET status = 'ok' WHERE id = :id", id=faces[1])
    album.arrivals.update_images([album.face_rows(faces)[1]["image_id"]])
    assert listed(album) == [(3, None), (2, "Ann")]
    with pytest.raises(RequestError, match="p1 has no name"):
        who_it_is.name(answers, GivenAnswer(ME), [face(faces[2])], person(1))
    assert is_whole(album)
