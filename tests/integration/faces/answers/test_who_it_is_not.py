"""A person says who faces are not, or that they are none."""

from __future__ import annotations

import pytest

from faces.answers import who_it_is, who_it_is_not
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM = made_people(3, seed=5)

ME = "me"


def face(number: int) -> Ref:
    return Ref("face", number)


def states(album: Album, faces: list[int]) -> list[int]:
    found = album.read("SELECT face_id, state FROM {face_index}")
    return [row["state"] for one in faces for row in found if row["face_id"] == one]


def test_a_rejected_link_is_taken_away_and_never_made_again(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    (linked,) = album.photo(ANN, parent_id=master, name="Ann")
    who_it_is_not.reject(answers, GivenAnswer(ME), [face(linked)])
    (row,) = album.face_rows([linked])
    assert (row["status"], row["name"], row["parent_id"]) == ("process", None, None)
    assert album.read("SELECT a, b FROM {never}") == [{"a": f"f{linked}", "b": "p1"}]
    assert album.read("SELECT face_id, says FROM {answers}") == [{"face_id": linked, "says": Said.NO}]
    album.settling.settle_all()
    assert states(album, [linked]) == [FaceState.UNKNOWN]
    assert album.wrong() == []


def test_a_rejected_group_is_never_offered_as_that_person_again(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(3)]
    album.master(ANN, "Ann")
    album.links(calibrated=False)
    answers = Answers(album.arrivals, album.settling)
    album.settling.settle_all()
    assert states(album, faces) == [FaceState.SUGGESTED] * 3
    (group,) = [group for group, members in album.members().items() if members == faces]
    who_it_is_not.reject(answers, GivenAnswer(ME), [Ref("group", group)])
    assert states(album, faces) == [FaceState.UNKNOWN] * 3
    assert album.read("SELECT suggested FROM {people}") == [{"suggested": 0}]
    album.settling.settle_all()
    assert states(album, faces) == [FaceState.UNKNOWN] * 3
    assert album.wrong() == []


def test_a_rejected_master_leaves_its_links_to_the_next_best(album: Album, answers: Answers) -> None:
    first, second = album.master(ANN, "Ann"), album.master(ANN, "Ann")
    (linked,) = album.photo(ANN, parent_id=first, name="Ann")
    who_it_is_not.reject(answers, GivenAnswer(ME), [face(first)], "Ann")
    assert [row["parent_id"] for row in album.face_rows([first, second, linked])] == [None, None, second]
    assert states(album, [first, second, linked]) == [FaceState.UNKNOWN, FaceState.CONFIRMED, FaceState.LINKED]
    assert album.wrong() == []


@pytest.mark.parametrize(
    ("verb", "status", "state"),
    [
        (who_it_is_not.stranger, "unknown", FaceState.STRANGER),
        (who_it_is_not.not_face, "not_face", FaceState.NOT_FACE),
        (who_it_is_not.unknown, "process", FaceState.UNKNOWN),
    ],
)
def test_a_person_without_a_face_takes_the_links_along(
    album: Album, answers: Answers, verb: object, status: str, state: FaceState
) -> None:
    master = album.master(ANN, "Ann")
    (linked,) = album.photo(ANN, parent_id=master, name="Ann")
    done = verb(answers, GivenAnswer(ME), [face(master)])  # type: ignore[operator]
    assert (done.faces, done.followed) == ((master,), (linked,))
    assert [(row["status"], row["name"], row["parent_id"]) for row in album.face_rows([master, linked])] == [
        (status, None, None),
        ("process", None, None),
    ]
    assert states(album, [master, linked]) == [state, FaceState.UNKNOWN]
    assert album.wrong() == []


def test_a_face_that_was_taken_out_of_a_named_group_does_not_go_back(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(3)]
    (group,) = [group for group, members in album.members().items() if members == faces]
    who_it_is.name(answers, GivenAnswer(ME), [Ref("group", group)], "Ann")
    who_it_is_not.unknown(answers, GivenAnswer(ME), [face(faces[0])])
    album.settling.settle_all()
    assert states(album, faces) == [FaceState.SUGGESTED, FaceState.CONFIRMED, FaceState.CONFIRMED]
    assert {tuple(faces[1:]), (faces[0],)} <= album.groups()
    assert album.wrong() == []


def test_groups_that_were_said_to_be_apart_are_never_joined(album: Album, answers: Answers) -> None:
    one, other = album.photo(ANN, follow=False)[0], album.photo(ANN, follow=False)[0]
    groups = {members[0]: group for group, members in album.members().items()}
    who_it_is_not.apart(answers, GivenAnswer(ME), Ref("group", groups[one]), Ref("group", groups[other]))
    album.settling.settle_all()
    assert {(one,), (other,)} <= album.groups()
    assert album.wrong() == []


def test_a_face_apart_from_the_person_it_is_linked_to_is_linked_no_more(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    (linked,) = album.photo(ANN, parent_id=master, name="Ann")
    who_it_is_not.apart(answers, GivenAnswer(ME), Ref("person", 1), face(linked))
    assert states(album, [master, linked]) == [FaceState.CONFIRMED, FaceState.UNKNOWN]
    assert album.read("SELECT a, b FROM {never}") == [{"a": f"f{linked}", "b": "p1"}]
    album.settling.settle_all()
    assert states(album, [linked]) == [FaceState.UNKNOWN]
    assert album.wrong() == []


@pytest.mark.parametrize("of_group", [False, True])
def test_two_faces_of_a_group_that_are_apart_are_in_two_groups(album: Album, answers: Answers, of_group: bool) -> None:
    first, second = album.photo(ANN)[0], album.photo(ANN)[0]
    (group,) = [group for group, members in album.members().items() if members == [first, second]]
    who_it_is_not.apart(answers, GivenAnswer(ME), Ref("group", group) if of_group else face(first), face(second))
    assert album.groups() == {(first,), (second,)}
    album.settling.settle_all()
    assert album.groups() == {(first,), (second,)}
    assert album.wrong() == []
