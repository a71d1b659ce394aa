"""What a person says of finds that are like one which was said to be no face, and of that one."""

from __future__ import annotations

import numpy as np

from faces.answers import who_it_is, who_it_is_not
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.people.refs import Ref
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

PATTERN, ANN = made_people(2, seed=21)

ME = "me"


def shots(count: int) -> list[np.ndarray]:
    """Of one pattern: 0.2 apart on the mean."""
    return list(PATTERN + np.random.default_rng(1).normal(0, 0.2 / 16, (count, 128)))


def like(album: Album) -> dict[int, int]:
    """Which faces are asked about, and which that is none each is like."""
    rows = album.read("SELECT face_id, like_not_face FROM {face_index} WHERE like_not_face IS NOT NULL")
    return {row["face_id"]: row["like_not_face"] for row in rows}


def refs(*faces: int) -> list[Ref]:
    return [Ref("face", face) for face in faces]


def test_after_one_no_face_the_others_are_asked_about_until_each_is_answered(album: Album, answers: Answers) -> None:
    none, *others = [album.photo(shot)[0] for shot in shots(4)]
    album.photo(ANN)
    who_it_is_not.not_face(answers, GivenAnswer(ME), refs(none))
    answers.look_again()
    assert like(album) == dict.fromkeys(others, none)
    who_it_is_not.not_face(answers, GivenAnswer(ME), refs(others[0]))
    who_it_is.name(answers, GivenAnswer(ME), refs(others[1]), "Ann")
    answers.look_again()
    assert set(like(album)) == {others[2]}
    who_it_is_not.unknown(answers, GivenAnswer(ME), refs(others[2]))
    answers.look_again()
    assert like(album) == {}
    assert album.wrong() == []


def test_an_answer_that_is_taken_back_leaves_nothing_asked(album: Album, answers: Answers) -> None:
    none, other = [album.photo(shot)[0] for shot in shots(2)]
    done = who_it_is_not.not_face(answers, GivenAnswer(ME), refs(none))
    answers.look_again()
    assert like(album) == {other: none}
    undo(answers, GivenAnswer(ME), done.entry)
    answers.look_again()
    assert like(album) == {}
    assert album.wrong() == []


def test_an_answer_about_what_was_asked_that_is_taken_back_asks_again(album: Album, answers: Answers) -> None:
    none, other = [album.photo(shot)[0] for shot in shots(2)]
    who_it_is_not.not_face(answers, GivenAnswer(ME), refs(none))
    answers.look_again()
    done = who_it_is.name(answers, GivenAnswer(ME), refs(other), "Ann")
    assert like(album) == {}
    undo(answers, GivenAnswer(ME), done.entry)
    assert like(album) == {other: none}
    assert album.wrong() == []
