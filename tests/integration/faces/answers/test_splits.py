"""Faces leave a group or a person by a person's word, and no machine puts them back."""

from __future__ import annotations

import pytest

from faces.answers import splits, who_it_is, who_it_is_not
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.errors import RequestError
from faces.library.upkeep.refresh import Refresh
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref
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


PERSON = Ref("person", 1)


def rows(album: Album, faces: list[int]) -> list[tuple[object, ...]]:
    """Status, name and parent of each."""
    return [(row["status"], row["name"], row["parent_id"]) for row in album.face_rows(faces)]


def states(album: Album, faces: list[int]) -> list[FaceState]:
    found = {row["face_id"]: FaceState(row["state"]) for row in album.read("SELECT face_id, state FROM {face_index}")}
    return [found[one] for one in faces]


def refusals(album: Album) -> set[tuple[str, str]]:
    return {(row["a"], row["b"]) for row in album.read("SELECT a, b FROM {never}")}


def is_whole(album: Album) -> bool:
    album.follow()
    is_nothing = Refresh(album.arrivals, keep=False).run().is_nothing
    return (album.wrong(), unlike_a_fresh_one(album.store, album.library), is_nothing) == ([], [], True)


def group_of(album: Album, of_face: int) -> int:
    return next(number for number, members in album.members().items() if of_face in members)


def test_faces_that_were_split_off_are_a_group_that_is_never_joined_again(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(5)]
    whole = group_of(album, faces[0])
    assert album.groups() == {tuple(faces)}
    done = splits.split(answers, GivenAnswer(ME), group(whole), [face(faces[3]), face(faces[4])])
    assert done.entry is not None
    assert album.groups() == {tuple(faces[:3]), tuple(faces[3:])}
    new = group_of(album, faces[4])
    assert refusals(album) == {(f"g{whole}", f"g{new}")}
    assert is_whole(album)
    album.make_due()
    album.settling.settle_all()
    assert {tuple(faces[:3]), tuple(faces[3:])} <= album.groups()
    assert is_whole(album)


def test_faces_that_leave_a_persons_group_are_nobody_and_never_that_person(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(4)]
    whole = group_of(album, faces[0])
    who_it_is.name(answers, GivenAnswer(ME), [group(whole)], "Ann")
    master = next(row["id"] for row in album.face_rows(faces) if row["parent_id"] is None)
    stays = [one for one in faces if one != master]
    splits.split(answers, GivenAnswer(ME), group(whole), [face(master)])
    assert rows(album, [master]) == [("process", None, None)]
    (new_master,) = [row["id"] for row in album.face_rows(stays) if row["parent_id"] is None]
    assert rows(album, [one for one in stays if one != new_master]) == [("process", "Ann", new_master)] * 2
    new = group_of(album, master)
    assert refusals(album) == {(f"g{whole}", f"g{new}"), (f"g{new}", "p1")}
    album.settling.settle_all()
    assert states(album, [master, *stays]) == [FaceState.UNKNOWN, *[FaceState.CONFIRMED] * 3]
    assert is_whole(album)


def test_what_was_refused_for_the_old_group_is_refused_for_the_new_one(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(3)]
    whole = group_of(album, faces[0])
    album.master(BOB, "Bob")
    who_it_is_not.apart(answers, GivenAnswer(ME), group(whole), PERSON)
    splits.split(answers, GivenAnswer(ME), group(whole), [face(faces[0])])
    new = group_of(album, faces[0])
    assert refusals(album) == {(f"g{whole}", "p1"), (f"g{new}", "p1"), (f"g{whole}", f"g{new}")}
    assert is_whole(album)


def test_a_group_without_a_face_of_its_person_is_nobodys(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(3)]
    whole = group_of(album, faces[0])
    who_it_is.name(answers, GivenAnswer(ME), [face(faces[0])], "Ann")
    assert album.read("SELECT person_id FROM {groups}") == [{"person_id": 1}]
    splits.split(answers, GivenAnswer(ME), group(whole), [face(faces[0])])
    assert [row["person_id"] for row in album.read("SELECT person_id FROM {groups}")] == [None, None]
    assert is_whole(album)


def test_some_faces_of_a_group_stay_and_others_are_none_of_it(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(2)]
    (other,) = album.photo(BOB)
    whole = group_of(album, faces[0])
    with pytest.raises(RequestError, match="these are all faces"):
        splits.split(answers, GivenAnswer(ME), group(whole), [face(one) for one in faces])
    with pytest.raises(RequestError, match=f"f{other} is not in g{whole}"):
        splits.split(answers, GivenAnswer(ME), group(whole), [face(other)])
    with pytest.raises(RequestError, match="needed a group or person"):
        splits.split(answers, GivenAnswer(ME), face(other), [face(other)])
    assert album.groups() == {tuple(faces), (other,)}


def test_faces_leave_a_person_for_a_group_without_a_name(album: Album, answers: Answers) -> None:
    first, second = album.master(ANN, "Ann"), album.master(ANN, "Ann")
    linked = [album.photo(ANN, parent_id=first, name="Ann")[0] for _ in range(3)]
    done = splits.split(answers, GivenAnswer(ME), PERSON, [face(first), face(linked[0]), face(linked[1])])
    assert (done.faces, done.followed) == ((first, *linked[:2]), (linked[2],))
    assert rows(album, [first, *linked[:2], linked[2]]) == [("process", None, None)] * 3 + [("process", "Ann", second)]
    assert (first, *linked[:2]) in album.groups()
    new = group_of(album, first)
    assert refusals(album) == {(f"g{new}", "p1")}
    assert {row["says"] for row in album.read("SELECT says FROM {answers}")} == {Said.NO}
    album.settling.settle_all()
    assert states(album, [first, *linked]) == [FaceState.UNKNOWN] * 3 + [FaceState.LINKED]
    assert album.read("SELECT confirmed, linked, suggested FROM {people}") == [
        {"confirmed": 1, "linked": 1, "suggested": 0}
    ]
    assert is_whole(album)


def test_two_faces_of_one_photo_leave_for_two_groups(album: Album, answers: Answers) -> None:
    first = album.master(ANN, "Ann")
    twice = album.photo(ANN, ANN, parent_id=first, name="Ann")
    (once,) = album.photo(ANN, parent_id=first, name="Ann")
    splits.split(answers, GivenAnswer(ME), PERSON, [face(one) for one in (*twice, once)])
    assert album.groups() == {(twice[0], once), (twice[1],)}
    assert refusals(album) == {(f"g{number}", "p1") for number in album.members()}
    assert is_whole(album)


def test_a_face_without_an_encoding_leaves_a_person_alone(album: Album, answers: Answers) -> None:
    first = album.master(ANN, "Ann")
    image = album.rows.image()
    bare = album.rows.face(image, None, parent_id=first, name="Ann")
    album.arrivals.update_images([image])
    splits.split(answers, GivenAnswer(ME), PERSON, [face(bare)])
    assert rows(album, [bare]) == [("process", None, None)]
    assert refusals(album) == {(f"f{bare}", "p1")}
    with pytest.raises(RequestError, match=f"f{bare} is not p1's"):
        splits.split(answers, GivenAnswer(ME), PERSON, [face(bare)])
    assert is_whole(album)
