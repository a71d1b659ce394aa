"""`enrol`: rows become what the app's click leaves, as one entry of the ledger that can be taken back."""

from __future__ import annotations

import pytest

from faces.answers import who_it_is
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.library.opening import OpenLibrary
from faces.people.kept_face import Said
from faces.people.refs import Ref
from faces.store.who import identities_of
from tests.integration.faces.answers.test_undo import everything
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people
from worker.commands.answering import speaker
from worker.commands.enrol import enrol_face
from worker.commands.face_naming import Enrolled

ANN, BOB, CEM = made_people(3, seed=5)

ME = "me"


def enrol(album: Album, name: str, face: int, *, rename: bool = False) -> Enrolled:
    library = OpenLibrary(identities_of(album.store.schema), album.arrivals, album.settling, is_calibrated=True)
    return enrol_face(album.store, name, face, rename=rename, library=library)


def told(album: Album, faces: list[int]) -> list[tuple[str, str | None, int | None]]:
    return [(row["status"], row["name"], row["parent_id"]) for row in album.face_rows(faces)]


def take_back(album: Album, answers: Answers, enrolled: Enrolled, before: str) -> None:
    """All is as it was, and an undo can be undone."""
    after = everything(album)
    assert enrolled.entry is not None
    undone = undo(answers, GivenAnswer("you"), enrolled.entry)
    assert undone.left == ()
    assert everything(album) == before
    assert album.wrong() == []
    assert undone.entry is not None
    assert undo(answers, GivenAnswer("you"), undone.entry).left == ()
    assert everything(album) == after
    assert album.wrong() == []


def test_a_face_of_nobody_is_somebody_new(album: Album, answers: Answers) -> None:
    one, other = album.photo(CEM)[0], album.photo(CEM)[0]
    before = everything(album)
    enrolled = enrol(album, "Cem", one)
    assert told(album, [one, other]) == [("ok", "Cem", None), ("process", None, None)]
    (entry,) = album.read("SELECT id, kind, actor FROM {ledger} WHERE actor != 'machine'")
    assert entry == {"id": enrolled.entry, "kind": "enrolled", "actor": speaker()}
    (answer,) = album.read("SELECT face_id, entry, says FROM {answers}")
    assert answer == {"face_id": one, "entry": enrolled.entry, "says": Said.YES}
    assert album.wrong() == []
    take_back(album, answers, enrolled, before)


def test_a_slip_that_renames_a_person_is_taken_back_with_all_photos(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    linked = [album.photo(ANN, parent_id=master, name="Ann")[0] for _ in range(3)]
    confirmed = album.photo(ANN, parent_id=master, name="Ann")[0]
    who_it_is.confirm(answers, GivenAnswer(ME), [Ref("face", one) for one in linked[:1]])
    album.rows.run("UPDATE faces SET name = NULL WHERE id = :id", id=linked[1])
    before = everything(album)
    enrolled = enrol(album, "Eve", master, rename=True)
    rows = [("ok", "Eve"), *[("process", "Eve")] * 3]
    found = told(album, [master, linked[1], linked[2], confirmed])
    assert [row[:2] for row in found] == rows
    assert enrolled.renamed_from == "Ann"
    assert album.wrong() == []
    take_back(album, answers, enrolled, before)


def test_a_slip_that_renames_the_only_face_of_a_person_renames_that_person(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    linked = album.photo(ANN, parent_id=master, name="Ann")[0]
    before = everything(album)
    enrolled = enrol(album, "Eve", master, rename=True)
    assert [row["name"] for row in album.read("SELECT name FROM {people}")] == ["Eve"]
    assert enrolled.relatives == 1
    (later,) = album.photo(ANN, parent_id=master, name="Eve")
    assert enrolled.entry is not None
    undone = undo(answers, GivenAnswer(ME), enrolled.entry)
    assert {row[1] for row in told(album, [master, linked, later])} == {"Ann"}
    assert album.wrong() == []
    assert undone.entry is not None
    undo(answers, GivenAnswer(ME), undone.entry)
    assert {row[1] for row in told(album, [master, linked, later])} == {"Eve"}
    assert album.wrong() == []
    assert before != everything(album)


def test_one_of_several_faces_of_a_person_leaves_and_takes_along_what_hangs_on_it(
    album: Album, answers: Answers
) -> None:
    one, other = album.master(ANN, "Ann"), album.master(ANN, "Ann")
    linked = album.photo(ANN, parent_id=one, name="Ann")[0]
    enrolled_before = everything(album)
    enrolled = enrol(album, "Eve", one, rename=True)
    assert told(album, [one, other, linked]) == [("ok", "Eve", None), ("ok", "Ann", None), ("process", "Eve", one)]
    assert album.wrong() == []
    take_back(album, answers, enrolled, enrolled_before)


def test_what_was_confirmed_to_us_stays_who_it_is_when_its_master_leaves(album: Album, answers: Answers) -> None:
    one, other = album.master(ANN, "Ann"), album.master(ANN, "Ann")
    linked = album.photo(ANN, ANN + 0.01, parent_id=one, name="Ann")
    confirmed = album.photo(ANN, parent_id=one, name="Ann")
    who_it_is.name(answers, GivenAnswer(ME), [Ref("face", face) for face in confirmed + linked[:1]], "Ann")
    before = everything(album)
    enrolled = enrol(album, "Eve", one, rename=True)
    assert told(album, [confirmed[0], linked[1]]) == [("process", "Ann", other), ("process", "Eve", one)]
    assert album.wrong() == []
    take_back(album, answers, enrolled, before)


def test_a_linked_face_is_named_as_the_click_does_it(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    (one,) = album.photo(ANN, parent_id=master, name="Ann")
    (sibling,) = album.photo(ANN, parent_id=master, name="Ann")
    before = everything(album)
    enrolled = enrol(album, "Ann", one)
    parent = None if album.store.schema.ours else master
    assert told(album, [one, sibling]) == [("ok", "Ann", parent), ("process", "Ann", master)]
    assert enrolled.parent_id == parent
    assert album.wrong() == []
    take_back(album, answers, enrolled, before)


def test_a_linked_face_that_is_somebody_else_keeps_its_parent_where_the_click_keeps_it(
    album: Album, answers: Answers
) -> None:
    master = album.master(ANN, "Ann")
    (one,) = album.photo(ANN, parent_id=master, name="Ann")
    before = everything(album)
    enrolled = enrol(album, "Bob", one)
    assert told(album, [master, one]) == [
        ("ok", "Ann", None),
        ("ok", "Bob", None if album.store.schema.ours else master),
    ]
    assert album.wrong() == []
    take_back(album, answers, enrolled, before)


def test_what_was_said_already_is_no_entry(album: Album) -> None:
    master = album.master(ANN, "Ann")
    assert enrol(album, "Ann", master).entry is None
    assert enrol(album, "Eve", master, rename=True).entry is not None
    assert enrol(album, "Eve", master).entry is None


def test_what_was_refused_is_not_any_more_by_the_last_word(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    (one,) = album.photo(ANN, parent_id=master, name="Ann")
    album.refuse(Ref("face", one), Ref("person", 1))
    before = everything(album)
    enrolled = enrol(album, "Ann", one)
    assert album.read("SELECT * FROM {never}") == []
    take_back(album, answers, enrolled, before)


@pytest.mark.parametrize("url", ["v1", "v2"], indirect=True)
def test_a_face_that_our_tables_have_not_got_yet_is_named_too(album: Album) -> None:
    face = album.rows.face(album.rows.image(), CEM)
    child = album.rows.face(album.rows.image(), CEM, parent_id=face)
    assert enrol(album, "Cem", face).relatives == 1
    assert told(album, [face, child]) == [("ok", "Cem", None), ("process", "Cem", face)]
    assert album.wrong() == []


def test_what_the_app_s_click_has_written_on_siblings_is_there_again(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    (one,), (sibling,) = (album.photo(ANN, parent_id=master, name="Ann") for _ in range(2))
    enrolled = enrol(album, "Bob", one)
    after = everything(album)
    assert enrolled.entry is not None
    undone = undo(answers, GivenAnswer(ME), enrolled.entry)
    assert undone.entry is not None
    undo(answers, GivenAnswer(ME), undone.entry)
    assert everything(album) == after
    if not album.store.schema.ours:
        assert album.face_rows([sibling])[0]["name"] == "Bob"
    assert album.wrong() == []
