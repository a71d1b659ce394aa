"""People become one by a person's word, and groups do: what rows, our tables and refusals are afterwards."""

from __future__ import annotations

import pytest

from faces.answers import joins, people_marks, who_it_is, who_it_is_not
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.errors import RequestError
from faces.library.upkeep.refresh import Refresh
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref
from faces.store.sidecar.lists.group_pages import current_group
from faces.store.sidecar.lists.people_pages import PeopleChoice, current_person, list_people
from tests.servers.library_verdict import unlike_a_fresh_one
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

pytestmark = pytest.mark.parametrize("url", ["sqlite", "v1", "v2"], indirect=True)

ANN, BOB, CEM = made_people(3, seed=5)

ME = "me"


def face(number: int) -> Ref:
    return Ref("face", number)


def group(number: int) -> Ref:
    return Ref("group", number)


def people(*numbers: int) -> list[Ref]:
    return [Ref("person", number) for number in numbers]


def rows(album: Album, faces: list[int]) -> list[tuple[object, ...]]:
    """Status, name and parent of each."""
    return [(row["status"], row["name"], row["parent_id"]) for row in album.face_rows(faces)]


def state(album: Album, of_face: int) -> FaceState:
    (row,) = album.read("SELECT state FROM {face_index} WHERE face_id = :id", id=of_face)
    return FaceState(row["state"])


def is_whole(album: Album) -> bool:
    album.follow()
    is_nothing = Refresh(album.arrivals, keep=False).run().is_nothing
    return (album.wrong(), unlike_a_fresh_one(album.store, album.library), is_nothing) == ([], [], True)


def groups_of(album: Album, *faces: int) -> list[int]:
    """The group of each face."""
    member_of = {member: number for number, members in album.members().items() for member in members}
    return [member_of[one] for one in faces]


def apart(album: Album) -> tuple[int, int]:
    """Two faces that nobody has named, each in a group of its own."""
    return album.photo(ANN, follow=False)[0], album.photo(BOB, follow=False)[0]


# --- people ---


def test_all_that_is_another_persons_becomes_the_first_ones(album: Album, answers: Answers) -> None:
    ann, bob = album.master(ANN, "Ann"), album.master(BOB, "Bob")
    (linked,) = album.photo(BOB, parent_id=bob, name="Bob")
    grouped = [album.photo(CEM)[0] for _ in range(3)]
    (of_bob,) = groups_of(album, grouped[0])
    who_it_is.name(answers, GivenAnswer(ME), [group(of_bob)], "Bob")
    who_it_is_not.reject(answers, GivenAnswer(ME), [face(stranger := album.photo(CEM)[0])], "Bob")
    before = rows(album, [bob, linked, *grouped])
    done = joins.join(answers, GivenAnswer(ME), people(1, 2))
    assert (done.faces, done.followed) == ((bob, linked, *grouped), ())
    assert rows(album, [bob, linked, *grouped]) == [(status, "Ann", parent) for status, _, parent in before]
    assert album.read("SELECT id, name, joined_to, confirmed, linked, k FROM {people} ORDER BY id") == [
        {"id": 1, "name": "Ann", "joined_to": None, "confirmed": 5, "linked": 1, "k": 5},
        {"id": 2, "name": None, "joined_to": 1, "confirmed": 0, "linked": 0, "k": 0},
    ]
    assert album.read("SELECT person_id FROM {groups} WHERE id = :id", id=of_bob) == [{"person_id": 1}]
    assert album.read("SELECT face_id, says, person_id FROM {answers} WHERE entry = :one", one=done.entry) == [
        {"face_id": one, "says": Said.YES, "person_id": 1} for one in (bob, *grouped)
    ]
    assert {(row["a"], row["b"]) for row in album.read("SELECT a, b FROM {never}")} == {
        (f"f{stranger}", "p1"),
        (f"f{stranger}", "p2"),
    }
    assert is_whole(album)
    with album.store.reading() as transaction:
        assert [one.id for one in list_people(transaction, PeopleChoice())] == [1]
        assert list(list_people(transaction, PeopleChoice(name="Bob"))) == []
    album.arrivals.update_images([row["image_id"] for row in album.face_rows([ann, bob, linked, *grouped])])
    assert album.read("SELECT confirmed FROM {people} WHERE id = 1") == [{"confirmed": 5}]
    assert is_whole(album)


def test_a_name_of_one_who_was_joined_is_another_person(album: Album, answers: Answers) -> None:
    album.master(ANN, "Ann"), album.master(BOB, "Bob")
    joins.join(answers, GivenAnswer(ME), people(1, 2))
    album.master(CEM, "Bob")
    assert album.read("SELECT id, name, confirmed FROM {people} ORDER BY id") == [
        {"id": 1, "name": "Ann", "confirmed": 2},
        {"id": 2, "name": None, "confirmed": 0},
        {"id": 3, "name": "Bob", "confirmed": 1},
    ]
    with pytest.raises(RequestError, match="p2 was joined to p1"):
        people_marks.hide(answers, GivenAnswer(ME), people(2))
    joins.join(answers, GivenAnswer(ME), people(3, 1))
    with pytest.raises(RequestError, match="p2 was joined to p3"):
        joins.join(answers, GivenAnswer(ME), people(3, 2))
    with album.store.reading() as transaction:
        assert current_person(transaction, 2) == 3
    assert is_whole(album)


def test_whoever_has_no_name_joins_one_who_has(album: Album, answers: Answers) -> None:
    (nameless,) = album.photo(ANN, status="ok")
    (linked,) = album.photo(ANN, parent_id=nameless)
    bob = album.master(BOB, "Bob")
    with pytest.raises(RequestError, match="p1 has no name"):
        joins.join(answers, GivenAnswer(ME), people(1, 2))
    joins.join(answers, GivenAnswer(ME), people(2, 1))
    assert rows(album, [nameless, linked, bob]) == [
        ("ok", "Bob", None),
        ("process", "Bob", nameless),
        ("ok", "Bob", None),
    ]
    assert is_whole(album)
    # Its row is no longer the one that the face without a name had begun.
    album.rows.run("UPDATE faces SET name = NULL WHERE id = :id", id=nameless)
    album.arrivals.update_images([album.face_rows([nameless])[0]["image_id"]])
    assert album.read("SELECT id, confirmed FROM {people} WHERE confirmed > 0 ORDER BY id") == [
        {"id": 2, "confirmed": 1},
        {"id": 3, "confirmed": 1},
    ]


def test_several_become_one_at_once(album: Album, answers: Answers) -> None:
    masters = [album.master(one, name) for one, name in ((ANN, "Ann"), (BOB, "Bob"), (CEM, "Cem"))]
    joins.join(answers, GivenAnswer(ME), people(3, 1, 2))
    assert rows(album, masters) == [("ok", "Cem", None)] * 3
    assert album.read("SELECT joined_to FROM {people} ORDER BY id") == [
        {"joined_to": 3},
        {"joined_to": 3},
        {"joined_to": None},
    ]
    assert is_whole(album)


def test_what_is_offered_as_one_who_was_joined_is_asked_about_again(album: Album, answers: Answers) -> None:
    album.master(CEM, "Cem"), album.master(ANN, "Ann")
    offered = [album.photo(ANN)[0] for _ in range(2)]
    album.links(calibrated=False)
    album.settling.settle_all()
    assert album.read("SELECT suggested FROM {people} ORDER BY id") == [{"suggested": 0}, {"suggested": 2}]
    joins.join(Answers(album.arrivals, album.settling), GivenAnswer(ME), people(1, 2))
    assert album.read("SELECT suggested FROM {people} ORDER BY id") == [{"suggested": 0}, {"suggested": 0}]
    assert [state(album, one) for one in offered] == [FaceState.UNKNOWN] * 2
    assert album.wrong() == []
    album.settling.settle_all()
    assert album.read("SELECT suggested FROM {people} WHERE id = 2") == [{"suggested": 0}]
    assert is_whole(album)


def test_two_who_were_said_to_be_apart_are_not_joined(album: Album, answers: Answers) -> None:
    album.master(ANN, "Ann"), album.master(BOB, "Bob")
    said = who_it_is_not.apart(answers, GivenAnswer(ME), *people(1, 2))
    with pytest.raises(RequestError, match=f"p1 and p2 were said not to be one by entry {said.entry}: `undo"):
        joins.join(answers, GivenAnswer(ME), people(2, 1))
    assert album.read("SELECT name FROM {people} ORDER BY id") == [{"name": "Ann"}, {"name": "Bob"}]
    assert is_whole(album)


def test_a_link_that_was_said_not_to_be_the_other_is_let_go_and_a_confirmed_face_refuses(
    album: Album, answers: Answers
) -> None:
    ann, bob = album.master(ANN, "Ann"), album.master(BOB, "Bob")
    of_bob, of_ann = album.photo(BOB, parent_id=bob, name="Bob"), album.photo(ANN, parent_id=ann, name="Ann")
    for one, name in ((of_bob[0], "Ann"), (of_ann[0], "Bob")):
        who_it_is_not.reject(answers, GivenAnswer(ME), [face(one)], name)
    third = album.master(CEM, "Cem")
    who_it_is_not.reject(answers, GivenAnswer(ME), [face(third)], "Ann")
    with pytest.raises(RequestError, match=f"f{third} and p1"):
        joins.join(answers, GivenAnswer(ME), people(1, 3))
    joins.join(answers, GivenAnswer(ME), people(1, 2))
    assert rows(album, [*of_bob, *of_ann]) == [("process", None, None)] * 2
    assert [state(album, one) for one in (*of_bob, *of_ann)] == [FaceState.UNKNOWN] * 2
    album.settling.settle_all()
    assert {state(album, one) for one in (*of_bob, *of_ann)} == {FaceState.UNKNOWN}
    assert is_whole(album)


# --- groups ---


def test_a_group_has_the_faces_of_those_that_were_joined_to_it(album: Album, answers: Answers) -> None:
    first, second = apart(album)
    (third,) = album.photo(CEM, follow=False)
    one, other, more = groups_of(album, first, second, third)
    done = joins.join(answers, GivenAnswer(ME), [group(more), group(one), group(other)])
    assert album.groups() == {(first, second, third)}
    assert album.read("SELECT id, joined_to, size, unsettled FROM {groups} ORDER BY id") == [
        {"id": one, "joined_to": more, "size": 0, "unsettled": 0},
        {"id": other, "joined_to": more, "size": 0, "unsettled": 0},
        {"id": more, "joined_to": None, "size": 3, "unsettled": 1},
    ]
    assert done.entry is not None
    assert album.read("SELECT ref, `after` FROM {ledger_refs} WHERE entry = :entry ORDER BY ref", entry=done.entry) == [
        {"ref": f"g{gone}", "after": f'{{"joined_to": {more}}}'} for gone in (one, other)
    ]
    assert is_whole(album)
    album.settling.settle_all()
    assert album.groups() == {(first, second, third)}
    with pytest.raises(RequestError, match=f"no group g{one}: its faces are in g{more} now"):
        who_it_is.name(answers, GivenAnswer(ME), [group(one)], "Ann")
    with album.store.reading() as transaction:
        assert current_group(transaction, one) == more
    assert is_whole(album)


def test_what_is_joined_with_a_persons_group_is_that_person(album: Album, answers: Answers) -> None:
    first, second = apart(album)
    one, other = groups_of(album, first, second)
    who_it_is.name(answers, GivenAnswer(ME), [group(other)], "Bob")
    who_it_is_not.apart(answers, GivenAnswer(ME), group(other), face(stranger := album.photo(CEM)[0]))
    done = joins.join(answers, GivenAnswer(ME), [group(one), group(other)])
    assert done.faces == (first, second)
    assert rows(album, [first, second]) == [("ok", "Bob", None), ("ok", "Bob", None)]
    assert album.read("SELECT person_id FROM {groups} WHERE id = :id", id=one) == [{"person_id": 1}]
    assert album.read("SELECT a, b FROM {never} ORDER BY b") == [
        {"a": f"f{stranger}", "b": f"g{number}"} for number in (one, other)
    ]
    assert is_whole(album)


def test_groups_of_one_photo_of_two_people_or_said_to_be_apart_are_not_joined(album: Album, answers: Answers) -> None:
    first, second = album.photo(ANN, BOB)
    one, other = groups_of(album, first, second)
    with pytest.raises(RequestError, match=f"f{first} and f{second} of image 1"):
        joins.join(answers, GivenAnswer(ME), [group(one), group(other)])
    who_it_is.name(answers, GivenAnswer(ME), [face(first)], "Ann")
    (third,) = album.photo(CEM)
    (last,) = groups_of(album, third)
    said = who_it_is_not.apart(answers, GivenAnswer(ME), group(last), people(1)[0])
    with pytest.raises(RequestError, match=f"g{last} and p1 were said not to be one by entry {said.entry}"):
        joins.join(answers, GivenAnswer(ME), [group(last), group(one)])
    who_it_is.name(answers, GivenAnswer(ME), [face(third)], "Cem")
    with pytest.raises(RequestError, match=f"g{one} is p1's, g{last} is p2's"):
        joins.join(answers, GivenAnswer(ME), [group(last), group(one)])
    assert is_whole(album)


@pytest.mark.parametrize("refs", [[face(1), face(2)], people(1), [*people(1), group(1)]])
def test_only_people_or_groups_are_joined(album: Album, answers: Answers, refs: list[Ref]) -> None:
    with pytest.raises(RequestError, match="needed two or more people, or two or more groups"):
        joins.join(answers, GivenAnswer(ME), refs)
