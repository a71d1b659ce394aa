"""Where the app keeps persons itself, people are not renamed, joined or forgotten here; groups and marks are ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from faces.answers import joins, people_marks, splits
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.errors import SchemaError
from faces.library.upkeep.refresh import Refresh
from faces.people.refs import Ref
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

pytestmark = pytest.mark.parametrize("url", ["mariadb v5"], indirect=True)

ANN, BOB, CEM = made_people(3, seed=5)

ME = "me"

#: What is refused of the app's first person, and of both.
REFUSED: dict[str, Callable[[Answers], Answered]] = {
    "rename": lambda answers: people_marks.rename(answers, GivenAnswer(ME), Ref("person", 1), "Eve"),
    "forget": lambda answers: people_marks.forget(answers, GivenAnswer(ME), Ref("person", 1)),
    "join": lambda answers: joins.join(answers, GivenAnswer(ME), [Ref("person", 1), Ref("person", 2)]),
}


def persons(album: Album) -> list[int]:
    """Two of the app's, with a face each."""
    album.rows.run("INSERT INTO persons (name) VALUES ('Ann'), ('Bob')")
    return [album.photo(one, status="ok", person_id=person)[0] for one, person in ((ANN, 1), (BOB, 2))]


def group_of(album: Album, of_face: int) -> Ref:
    return Ref("group", next(number for number, members in album.members().items() if of_face in members))


def rows(album: Album, faces: list[int]) -> list[tuple[object, ...]]:
    """Status and person of each."""
    return [(row["status"], row["person_id"]) for row in album.face_rows(faces)]


def is_whole(album: Album) -> bool:
    return album.wrong() == [] and Refresh(album.arrivals, keep=False).run().is_nothing


@pytest.mark.parametrize("verb", REFUSED)
def test_what_would_change_persons_of_the_app_is_refused(album: Album, answers: Answers, verb: str) -> None:
    faces = persons(album)
    with pytest.raises(SchemaError, match=f"{verb} would change it. Say it in the app"):
        REFUSED[verb](answers)
    assert rows(album, faces) == [("ok", 1), ("ok", 2)]
    assert is_whole(album)


def test_marks_of_people_are_ours(album: Album, answers: Answers) -> None:
    first, _ = persons(album)
    people_marks.hide(answers, GivenAnswer(ME), [Ref("person", 2)])
    people_marks.cover(answers, GivenAnswer(ME), Ref("person", 1), Ref("face", first))
    assert album.read("SELECT hidden, cover FROM {people} ORDER BY id") == [
        {"hidden": 0, "cover": first},
        {"hidden": 1, "cover": None},
    ]
    assert is_whole(album)


def test_faces_leave_a_person_and_a_group(album: Album, answers: Answers) -> None:
    first, _ = persons(album)
    more = album.photo(ANN, status="ok", person_id=1)[0]
    splits.split(answers, GivenAnswer(ME), Ref("person", 1), [Ref("face", more)])
    assert rows(album, [first, more]) == [("ok", 1), ("process", None)]
    assert album.read("SELECT a, b FROM {never}") == [{"a": str(group_of(album, more)), "b": "p1"}]
    grouped = [album.photo(CEM)[0] for _ in range(3)]
    whole = group_of(album, grouped[0])
    splits.split(answers, GivenAnswer(ME), whole, [Ref("face", grouped[2])])
    assert {tuple(grouped[:2]), (grouped[2],)} <= album.groups()
    album.settling.settle_all()
    assert {tuple(grouped[:2]), (grouped[2],)} <= album.groups()
    assert is_whole(album)


def test_a_reference_of_the_app_stays(album: Album, answers: Answers) -> None:
    persons(album)
    (reference,) = album.photo(ANN, status="ok", person_id=1, is_reference=1)
    left = splits.split(answers, GivenAnswer(ME), Ref("person", 1), [Ref("face", reference)])
    assert (left.entry, [one.ref for one in left.left]) == (None, [f"f{reference}"])
    assert rows(album, [reference]) == [("ok", 1)]


def test_groups_are_joined_and_those_of_a_persons_group_are_that_person(album: Album, answers: Answers) -> None:
    persons(album)
    faces = [album.photo(one, follow=False)[0] for one in (ANN, BOB, CEM)]
    (known,) = album.photo(ANN, follow=False)
    joins.join(answers, GivenAnswer(ME), [group_of(album, one) for one in faces[:2]])
    assert tuple(faces[:2]) in album.groups()
    assert rows(album, faces) == [("process", None)] * 3
    album.rows.run("UPDATE faces SET status = 'ok', person_id = 1 WHERE id = :id", id=known)
    album.arrivals.update_images([album.face_rows([known])[0]["image_id"]])
    album.follow()
    assert known in {member for members in album.members().values() for member in members}
    joins.join(answers, GivenAnswer(ME), [group_of(album, known), group_of(album, faces[2])])
    assert rows(album, [known, faces[2]]) == [("ok", 1), ("ok", 1)]
    assert is_whole(album)
