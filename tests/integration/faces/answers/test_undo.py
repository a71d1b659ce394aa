"""An entry is taken back: what nothing touched since is as it was, to the bit, and the rest is told."""

from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pytest

from faces.answers import joins, people_marks, splits, who_it_is, who_it_is_not
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.answers.history.way_back import undoable_since
from faces.answers.undo import undo
from faces.errors import RequestError
from faces.people.kept_face import FaceState
from faces.people.refs import Ref
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM = made_people(3, seed=5)
(FAY,) = made_people(1, seed=9)

ME, YOU = "me", "you"

#: From one middle to another that is near enough to be joined.
FURTHER = np.eye(1, 128)[0] * 0.12


def face(number: int) -> Ref:
    return Ref("face", number)


def group_of(album: Album, one: int) -> Ref:
    return Ref("group", next(group for group, members in album.members().items() if one in members))


def everything(album: Album) -> str:
    """All facts, and what is derived of them, apart from numbers that only count."""
    tables = album.store.schema.sidecar
    assert tables is not None
    found: dict[str, Any] = {}
    for name, skipped in {
        "faces": {"updated_at"},
        "groups": {"revision", "change", "unsettled", "offered_person_id", "probability"},
        "group_members": set(),
        "vectors": set(),
        "answers": set(),
        "never": set(),
        "face_index": set(),
    }.items():
        table = name if name == "faces" else f"{{{name}}}"
        # What has no faces any more is no group, and keeps its number.
        there = " WHERE size > 0 OR joined_to IS NOT NULL" if name == "groups" else ""
        rows = album.read(f"SELECT * FROM {table}{there}")
        found[name] = sorted(str({key: value for key, value in row.items() if key not in skipped}) for row in rows)
    counted = {"revision", "change", "around", "cohort_number", "suggested", "unsettled"}
    people = [
        {key: value for key, value in row.items() if key not in counted} for row in album.read("SELECT * FROM {people}")
    ]
    found["people"] = sorted(str(row) for row in people if row["name"] is not None or row["confirmed"])
    return json.dumps(found, indent=1)


def library_of_two(album: Album) -> dict[str, list[int]]:
    """Ann and Bob are known, with linked faces; three faces of Cem are a group."""
    ann, bob = album.master(ANN, "Ann"), album.master(BOB, "Bob")
    return {
        "ann": [ann, *album.photo(ANN, parent_id=ann, name="Ann"), album.master(ANN, "Ann")],
        "bob": [bob, *album.photo(BOB, parent_id=bob, name="Bob")],
        "cem": [album.photo(CEM, quality_score=quality)[0] for quality in (1.0, 3.0, 2.0)],
    }


SAID: dict[str, Any] = {
    "a group gets a new name": lambda a, g, f: who_it_is.name(a, g, [f["group"]], "Cem"),
    "a group is somebody known": lambda a, g, f: who_it_is.name(a, g, [f["group"]], "Ann"),
    "one face gets a name": lambda a, g, f: who_it_is.name(a, g, [face(f["cem"][0])], "Cem"),
    "a master is moved": lambda a, g, f: who_it_is.move(a, g, [face(f["ann"][0])], "Bob"),
    "the only master is moved": lambda a, g, f: who_it_is.move(a, g, [face(f["bob"][0])], "Dan"),
    "a link is confirmed": lambda a, g, f: who_it_is.confirm(a, g, [face(f["ann"][1])]),
    "all links are confirmed": lambda a, g, f: who_it_is.confirm(a, g, [Ref("person", 1), Ref("person", 2)]),
    "a link is rejected": lambda a, g, f: who_it_is_not.reject(a, g, [face(f["ann"][1])]),
    "a master is rejected": lambda a, g, f: who_it_is_not.reject(a, g, [face(f["bob"][0])], "Bob"),
    "a group is not Ann": lambda a, g, f: who_it_is_not.reject(a, g, [f["group"]], "Ann"),
    "a group is of strangers": lambda a, g, f: who_it_is_not.stranger(a, g, [f["group"]]),
    "a face is none": lambda a, g, f: who_it_is_not.not_face(a, g, [face(f["cem"][1])]),
    "a master is taken out": lambda a, g, f: who_it_is_not.unknown(a, g, [face(f["ann"][0])]),
    "two people are not one": lambda a, g, f: who_it_is_not.apart(a, g, Ref("person", 1), Ref("person", 2)),
    "a person has another name": lambda a, g, f: people_marks.rename(a, g, Ref("person", 1), "Eve"),
    "two people have one name": lambda a, g, f: people_marks.rename(a, g, Ref("person", 2), "Ann", new=True),
    "a person is hidden": lambda a, g, f: people_marks.hide(a, g, [Ref("person", 1)]),
    "a face stands for a person": lambda a, g, f: people_marks.cover(a, g, Ref("person", 1), face(f["ann"][1])),
    "a person is forgotten": lambda a, g, f: people_marks.forget(a, g, Ref("person", 1)),
    "two people are one": lambda a, g, f: joins.join(a, g, [Ref("person", 1), Ref("person", 2)]),
    "two groups are one": lambda a, g, f: joins.join(a, g, [f["group"], f["other group"]]),
    "a group is a person's": lambda a, g, f: joins.join(a, g, [f["group"], f["Fay's group"]]),
    "a face leaves a group": lambda a, g, f: splits.split(a, g, f["group"], [face(f["cem"][0])]),
    "faces leave a person": lambda a, g, f: splits.split(a, g, Ref("person", 1), [face(one) for one in f["ann"][:2]]),
    "all faces leave a person": lambda a, g, f: splits.split(a, g, Ref("person", 2), [face(one) for one in f["bob"]]),
}


@pytest.mark.parametrize("said", SAID)
def test_all_is_as_it_was_and_an_undo_can_be_undone(album: Album, answers: Answers, said: str) -> None:
    found: dict[str, Any] = library_of_two(album)
    found["group"] = group_of(album, found["cem"][0])
    (other,), (fay,) = album.photo(FAY, follow=False), album.photo(FAY, follow=False)
    found["other group"] = group_of(album, other)
    who_it_is.name(answers, GivenAnswer(ME), [face(fay)], "Fay")
    found["Fay's group"] = group_of(album, fay)
    before = everything(album)
    done = SAID[said](answers, GivenAnswer(ME), found)
    after = everything(album)
    assert done.entry is not None
    assert after != before
    preview = undo(answers, GivenAnswer(YOU), done.entry, dry_run=True)
    assert everything(album) == after
    undone = undo(answers, GivenAnswer(YOU), done.entry)
    assert (undone.left, preview.faces) == ((), undone.faces)
    assert everything(album) == before
    assert album.wrong() == []
    assert undone.entry is not None
    with pytest.raises(RequestError, match=f"taken back by {undone.entry}"):
        undo(answers, GivenAnswer(ME), done.entry)
    again = undo(answers, GivenAnswer(ME), undone.entry)
    assert again.left == ()
    assert everything(album) == after
    assert album.wrong() == []


def test_what_was_answered_since_or_changed_by_the_app_stays_and_is_told(album: Album, answers: Answers) -> None:
    first, second, third = library_of_two(album)["cem"]
    done = who_it_is.name(answers, GivenAnswer(ME), [group_of(album, first)], "Cem")
    who_it_is.move(answers, GivenAnswer(YOU), [face(first)], "Ann")
    album.rows.run("UPDATE faces SET status = 'not_face', name = NULL WHERE id = :id", id=third)
    assert done.entry is not None
    undone = undo(answers, GivenAnswer(ME), done.entry)
    assert [one.ref for one in undone.left] == [f"f{first}", f"f{third}"]
    assert undone.faces == (second,)
    assert [(row["status"], row["name"]) for row in album.face_rows([first, second, third])] == [
        ("ok", "Ann"),
        ("process", None),
        ("not_face", None),
    ]
    assert album.wrong() == []


def test_an_answer_given_twice_is_not_taken_back_by_the_first_entry(album: Album, answers: Answers) -> None:
    (one,) = album.photo(ANN)
    first = who_it_is.name(answers, GivenAnswer(ME), [face(one)], "Ann")
    who_it_is.move(answers, GivenAnswer(ME), [face(one)], "Bob")
    who_it_is.move(answers, GivenAnswer(YOU), [face(one)], "Ann")
    assert first.entry is not None
    assert [told.ref for told in undo(answers, GivenAnswer(ME), first.entry).left] == [f"f{one}", "p1"]
    assert album.face_rows([one])[0]["name"] == "Ann"


def test_what_was_said_before_and_taken_back_meanwhile_does_not_come_back(album: Album, answers: Answers) -> None:
    faces = library_of_two(album)["cem"]
    before = everything(album)
    first = who_it_is.name(answers, GivenAnswer(ME), [group_of(album, faces[0])], "Cem")
    second = who_it_is.move(answers, GivenAnswer(YOU), [face(faces[1])], "Bob")
    assert first.entry is not None
    assert second.entry is not None
    assert [one.ref for one in undo(answers, GivenAnswer(ME), first.entry).left] == [f"f{faces[1]}"]
    undone = undo(answers, GivenAnswer(YOU), second.entry)
    assert album.face_rows([faces[1]])[0]["name"] is None
    assert [name for (name,) in [tuple(row.values()) for row in album.read("SELECT name FROM {people}")] if name] == [
        "Ann",
        "Bob",
    ]
    assert album.groups() >= {tuple(sorted(faces))}
    assert everything(album) == before
    assert album.wrong() == []
    assert undone.entry is not None
    undo(answers, GivenAnswer(YOU), undone.entry)
    assert album.face_rows([faces[1]])[0]["name"] == "Bob"
    assert album.wrong() == []


def test_links_to_somebody_who_is_no_more_go_along(album: Album, answers: Answers) -> None:
    (one,) = album.photo(ANN)
    done = who_it_is.name(answers, GivenAnswer(ME), [face(one)], "Ann")
    (linked,) = album.photo(ANN, parent_id=one, name="Ann")
    assert done.entry is not None
    preview = undo(answers, GivenAnswer(ME), done.entry, dry_run=True)
    assert (preview.faces, preview.followed) == ((one,), (linked,))
    undo(answers, GivenAnswer(ME), done.entry)
    (row,) = album.face_rows([linked])
    assert (row["parent_id"], row["name"]) == (None, None)
    assert album.wrong() == []


def test_an_undone_link_of_the_machine_is_a_refusal(album: Album, answers: Answers) -> None:
    ann = [album.master(ANN, "Ann") for _ in range(3)]
    (one,) = album.photo(ANN)
    album.settling.settle_all()
    (entry,) = album.read("SELECT id FROM {ledger} WHERE kind = 'linked'")
    assert album.face_rows([one])[0]["parent_id"] in ann
    undo(answers, GivenAnswer(ME), entry["id"])
    album.settling.settle_all()
    assert album.face_rows([one])[0]["parent_id"] is None
    assert album.read("SELECT a, b FROM {never}") == [{"a": f"f{one}", "b": "p1"}]
    assert album.read("SELECT state FROM {face_index} WHERE face_id = :id", id=one) == [{"state": FaceState.UNKNOWN}]
    assert album.wrong() == []


def test_groups_that_a_machine_joined_are_two_again_and_stay_so(album: Album, answers: Answers) -> None:
    one, other = album.photo(ANN, follow=False)[0], album.photo(ANN, follow=False)[0]
    album.settling.settle_all()
    assert (one, other) in album.groups()
    (entry,) = album.read("SELECT id FROM {ledger} WHERE kind = 'merged'")
    undo(answers, GivenAnswer(ME), entry["id"])
    album.settling.settle_all()
    assert {(one,), (other,)} <= album.groups()
    assert album.wrong() == []


def joined_by_a_machine(album: Album) -> tuple[list[int], list[int], int, int]:
    """Two groups that a machine has joined, each with two faces; the groups that was joined, and the kept one."""
    one = [album.photo(ANN, follow=False)[0]]
    other = [album.photo(ANN + FURTHER, follow=False)[0]]
    album.settling.settle_all()
    (row,) = album.read("SELECT id, joined_to FROM {groups} WHERE joined_to IS NOT NULL")
    kept = album.members()[row["joined_to"]]
    assert sorted(kept) == sorted(one + other)
    return one, other, row["id"], row["joined_to"]


def test_faces_that_came_since_a_join_go_to_the_nearer_of_the_two(album: Album, answers: Answers) -> None:
    one, other, gone, kept = joined_by_a_machine(album)
    near_one, near_other = album.photo(ANN - FURTHER / 4)[0], album.photo(ANN + 1.25 * FURTHER)[0]
    assert set(album.members()) == {kept}
    before = everything(album)
    (entry,) = album.read("SELECT id FROM {ledger} WHERE kind = 'merged'")
    undone = undo(answers, GivenAnswer(ME), entry["id"])
    assert album.groups() == {(*one, near_one), (*other, near_other)}
    assert set(album.members()) == {gone, kept}
    assert album.wrong() == []
    album.settling.settle_all()
    assert album.groups() == {(*one, near_one), (*other, near_other)}
    assert undone.entry is not None
    undo(answers, GivenAnswer(ME), undone.entry)
    assert everything(album) == before
    assert album.read("SELECT joined_to FROM {groups} WHERE id = :id", id=gone) == [{"joined_to": kept}]
    assert album.wrong() == []


def test_a_newcomer_that_a_person_has_answered_of_stays(album: Album, answers: Answers) -> None:
    one, other, gone, kept = joined_by_a_machine(album)
    came = [album.photo(encoding)[0] for encoding in (ANN, ANN + FURTHER) for _ in range(2)]
    who_it_is.name(answers, GivenAnswer(ME), [face(came[0]), face(came[2])], "Ann")
    (entry,) = album.read("SELECT id FROM {ledger} WHERE kind = 'merged'")
    undo(answers, GivenAnswer(ME), entry["id"])
    members = album.members()
    assert {came[0], came[2]} <= set(members[kept])
    assert came[1] in members[kept]
    assert came[3] in members[gone]
    assert len(members[gone]) == 2
    assert len({*one, *other} & set(members[gone])) == 1
    assert album.wrong() == []


def test_a_join_is_taken_back_when_its_group_was_joined_to_another_since(album: Album, answers: Answers) -> None:
    _, _, gone, _kept = joined_by_a_machine(album)
    came = {album.photo(encoding)[0] for encoding in (ANN, ANN + FURTHER)}
    (further,) = album.photo(ANN - FURTHER, follow=False)
    into = group_of(album, further).id
    who_it_is.name(answers, GivenAnswer(ME), [face(further)], "Ann")
    album.settling.settle_all()
    assert set(album.members()) == {into}
    entry = album.read("SELECT id FROM {ledger} WHERE kind = 'merged' ORDER BY id")[0]
    undo(answers, GivenAnswer(ME), entry["id"])
    members = album.members()
    assert members.keys() == {gone, into}
    assert len(members[gone]) == 2
    assert len(came & set(members[gone])) == 1
    assert album.wrong() == []


def test_what_people_have_answered_since_a_time_is_listed_newest_first(album: Album, answers: Answers) -> None:
    faces = [album.photo(person)[0] for person in (ANN, BOB, CEM)]
    entries = [who_it_is.name(answers, GivenAnswer(ME), [face(one)], f"No {one}").entry for one in faces]
    assert entries[1] is not None
    undo(answers, GivenAnswer(ME), entries[1])
    with album.store.reading() as transaction:
        found = undoable_since(transaction, transaction.now - datetime.timedelta(hours=1), None)
        assert [one.id for one in found] == [entries[2], entries[0]]
        assert [one.id for one in undoable_since(transaction, None, entries[0])] == [entries[2]]
