"""Undos among other answers: back to a time, where a name is taken, and where the same was said again since."""

from __future__ import annotations

import datetime

import pytest

from faces.answers import people_marks, who_it_is, who_it_is_not
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.answers.history.way_back import way_back
from faces.answers.undo import undo
from faces.errors import RequestError
from faces.people.refs import Ref
from tests.integration.faces.answers.test_undo import ANN, BOB, ME, YOU, everything, face
from tests.servers.settled_album import Album


def test_on_the_way_back_to_a_time_an_undo_that_left_something_is_taken_back_with_what_it_undid(
    album: Album, answers: Answers
) -> None:
    one, other = album.photo(ANN)[0], album.photo(BOB)[0]
    before = everything(album)
    first = who_it_is.name(answers, GivenAnswer(ME), [face(one)], "Ann")
    second = who_it_is.name(answers, GivenAnswer(YOU), [face(other)], "Ann")
    assert first.entry is not None
    undone = undo(answers, GivenAnswer(ME), first.entry)
    assert [told.ref for told in undone.left] == ["p1"], "Ann has another face by now"
    with album.store.reading() as transaction:
        found = [entry.id for entry in way_back(transaction, transaction.now - datetime.timedelta(hours=1))]
    assert found == [undone.entry, second.entry, first.entry]
    for entry in found:
        assert undo(answers, GivenAnswer(ME), entry).left == ()
    assert everything(album) == before
    assert album.wrong() == []
    with album.store.reading() as transaction:
        assert way_back(transaction, transaction.now - datetime.timedelta(hours=1)) == [], "all of it cancels out"


def test_a_name_that_somebody_else_has_by_now_comes_back_only_where_that_is_said(
    album: Album, answers: Answers
) -> None:
    one, other = album.photo(ANN)[0], album.photo(BOB)[0]
    named = who_it_is.name(answers, GivenAnswer(ME), [face(one)], "Ann")
    assert named.entry is not None
    undone = undo(answers, GivenAnswer(ME), named.entry)
    who_it_is.name(answers, GivenAnswer(YOU), [face(other)], "ann")
    before = everything(album)
    assert undone.entry is not None
    with pytest.raises(RequestError, match="p2 is named Ann by now, and p1 would have that name again"):
        undo(answers, GivenAnswer(ME), undone.entry)
    assert everything(album) == before
    undo(answers, GivenAnswer(ME), undone.entry, new=True)
    assert album.read("SELECT id, confirmed FROM {people} WHERE name_key = 'ann'") == [
        {"id": 1, "confirmed": 1},
        {"id": 2, "confirmed": 1},
    ]
    assert album.wrong() == []


def test_what_was_said_of_a_person_again_since_stays_and_what_was_taken_back_does_not_come_back(
    album: Album, answers: Answers
) -> None:
    album.master(ANN, "Ann")
    ann = Ref("person", 1)
    given = [people_marks.hide(answers, GivenAnswer(ME), [ann], off=off).entry for off in (False, True, False)]
    assert given[0] is not None
    assert given[2] is not None
    assert [told.ref for told in undo(answers, GivenAnswer(YOU), given[0]).left] == ["p1"]
    assert album.read("SELECT hidden FROM {people}") == [{"hidden": 1}]
    undo(answers, GivenAnswer(YOU), given[2])
    assert album.read("SELECT hidden FROM {people}") == [{"hidden": 0}]


def test_what_was_refused_again_since_stays_refused(album: Album, answers: Answers) -> None:
    album.master(ANN, "Ann")
    (one,) = album.photo(BOB)
    first = who_it_is_not.reject(answers, GivenAnswer(ME), [face(one)], "Ann")
    who_it_is.name(answers, GivenAnswer(ME), [face(one)], "Ann")
    who_it_is_not.reject(answers, GivenAnswer(YOU), [face(one)], "Ann")
    assert first.entry is not None
    undone = undo(answers, GivenAnswer(ME), first.entry)
    assert {told.ref for told in undone.left} == {f"f{one}"}
    assert album.read("SELECT a, b FROM {never}") == [{"a": f"f{one}", "b": "p1"}]
    assert album.wrong() == []
