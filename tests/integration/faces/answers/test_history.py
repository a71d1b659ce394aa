"""What was said and decided, told: the ledger's entries, why a face is who it is, and faces that do not fit."""

from __future__ import annotations

import pytest

from faces.answers import joins, people_marks, splits, who_it_is, who_it_is_not
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.answers.history.doubtful_faces import doubtful_faces
from faces.answers.history.face_story import FaceStory, story
from faces.answers.history.story_sentences import by_sentences, reasons, state_sentence
from faces.answers.history.told_entries import ToldEntry, told
from faces.answers.undo import undo
from faces.errors import RequestError
from faces.people.kept_face import FaceState
from faces.people.refs import Ref
from faces.store.sidecar import ledger
from faces.store.sidecar.lists.ledger_pages import EntryChoice, list_entries
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people, photos_of

ANN, BOB, CEM, EVE = made_people(4, seed=5)


def me() -> GivenAnswer:
    return GivenAnswer("me")


def face(number: int) -> Ref:
    return Ref("face", number)


def entries(album: Album, **choice: object) -> list[ToldEntry]:
    with album.store.reading() as transaction:
        return list(told(transaction, list_entries(transaction, EntryChoice(**choice))))  # type: ignore[arg-type]


def what(album: Album, **choice: object) -> list[str]:
    """The sentences, newest first."""
    return [one.what for one in entries(album, **choice)]


def why(album: Album, number: int, *, calibrated: bool = True) -> FaceStory:
    with album.store.reading() as transaction:
        return story(transaction, album.library, album.settling, number, calibrated=calibrated)


def test_the_ledger_tells_what_was_said_by_whom_newest_first(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(3)]
    (group,) = album.members()
    other = album.photo(BOB)[0]
    who_it_is.name(answers, me(), [Ref("group", group)], "Ann")
    who_it_is.name(answers, GivenAnswer("you"), [face(other)], "Bob")
    who_it_is.move(answers, me(), [face(faces[0])], "Bob")
    assert what(album) == [
        f"moved f{faces[0]} from Ann (p1) to Bob (p2)",
        f"named f{other} Bob (p2)",
        f"named f{faces[0]}, f{faces[1]} and f{faces[2]} Ann (p1)",
    ]
    assert [one.actor for one in entries(album)] == ["me", "you", "me"]
    assert what(album, actor="you") == what(album, kind="named")[:1] == what(album)[1:2]
    assert what(album, face=faces[0]) == [what(album)[0], what(album)[2]]
    assert what(album, person=1) == [what(album)[0], what(album)[2]]
    assert what(album, person=2) == what(album)[:2]
    # The face that was moved was the master of this one.
    assert what(album, person=1, face=faces[1]) == [what(album)[0], what(album)[2]]
    assert what(album, person=2, face=faces[1]) == what(album)[:1]
    assert album.wrong() == []


def test_links_joins_and_refusals_are_told(album: Album, answers: Answers) -> None:
    master = album.master(ANN, "Ann")
    linked = album.photo(ANN)[0]
    album.settling.settle_all()
    (entry,) = entries(album, kind="linked")
    assert entry.what.startswith(f"linked f{linked} to Ann (p1), p ")
    assert entry.rule is not None
    assert entry.rule.startswith("calibrated N=1 k=1 m=1 ")
    who_it_is_not.reject(answers, me(), [face(linked)], "Ann")
    assert what(album, face=linked) == [f"said that f{linked} is not Ann (p1)", entry.what]
    assert what(album, person=1) == what(album)
    assert what(album, face=master) == []
    assert album.wrong() == []


def test_an_undo_that_was_undone_takes_nothing_back(album: Album, answers: Answers) -> None:
    one = album.photo(ANN)[0]
    done = who_it_is.name(answers, me(), [face(one)], "Ann").entry

    def take_back(entry: int | None) -> int:
        return album.store.write(lambda transaction: ledger.add(transaction, "undone", {}, undoes=entry))

    first = take_back(done)
    assert [(one.what, one.undone_by) for one in entries(album)] == [
        (f"undid {done}", None),
        (f"named f{one} Ann (p1)", first),
    ]
    second = take_back(first)
    assert [one.undone_by for one in entries(album)] == [None, second, None]
    third = take_back(done)
    assert [one.undone_by for one in entries(album)] == [None, None, second, third]


def test_whatever_is_said_of_people_and_groups_is_told(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN)[0] for _ in range(3)]
    (group,) = album.members()
    other, third = album.photo(BOB)[0], album.photo(CEM)[0]
    of_other, of_third = (next(g for g, members in album.members().items() if one in members) for one in (other, third))
    ann, bob = Ref("person", 1), Ref("person", 2)
    joins.join(answers, me(), [Ref("group", of_other), Ref("group", of_third)])
    who_it_is.name(answers, me(), [Ref("group", group)], "Ann")
    who_it_is.name(answers, me(), [face(other)], "Bob")
    people_marks.rename(answers, me(), ann, "Anna")
    people_marks.hide(answers, me(), [bob])
    people_marks.favourite(answers, me(), [ann], off=False)
    people_marks.cover(answers, me(), ann, face(faces[0]))
    splits.split(answers, me(), ann, [face(faces[2])])
    done = joins.join(answers, me(), [ann, bob])
    undo(answers, me(), done.entry or 0)
    people_marks.forget(answers, me(), bob)
    assert what(album) == [
        f'forgot "Bob" (p2), f{other}',
        f"undid {done.entry}",
        'joined "Bob" (p2) to Anna (p1)',
        f"split f{faces[2]} off Anna (p1)",
        f"made f{faces[0]} the cover of Anna (p1)",
        "made Anna (p1) a favourite",
        "hid p2",
        'renamed Anna (p1) from "Ann" to "Anna"',
        f'named f{other} "Bob" (p2)',
        f"named f{faces[0]}, f{faces[1]} and f{faces[2]} Anna (p1)",
        f"joined g{of_third} to g{of_other}",
    ]
    told_of = why(album, faces[0])
    assert 'renamed Anna (p1) from "Ann" to "Anna"' in [entry.what for entry in told_of.entries]
    assert album.wrong() == []


def test_of_many_faces_the_number_is_told_without_those_that_followed(album: Album, answers: Answers) -> None:
    faces = [album.photo(ANN, follow=False)[0] for _ in range(25)]
    who_it_is.name(answers, me(), [face(one) for one in faces], "Ann")
    assert what(album) == ["named 25 faces Ann (p1)"]
    master = next(row["id"] for row in album.face_rows(faces) if row["status"] == "ok")
    who_it_is.move(answers, me(), [face(master)], "Bob")
    assert what(album)[0] == f"moved f{master} from Ann (p1) to Bob (p2)"
    assert entries(album)[0].faces > 1


def test_a_linked_face_tells_by_which_rule(album: Album, answers: Answers) -> None:
    album.master(ANN, "Ann")
    album.master(BOB, "Bob")
    linked = album.photo(ANN)[0]
    album.settling.settle_all()
    told_of = why(album, linked)
    assert told_of.state is FaceState.LINKED
    assert state_sentence(told_of) == "linked to Ann (p1)"
    assert told_of.link is not None
    assert told_of.link_holds
    first, rule = by_sentences(told_of)
    assert first.startswith("linked by itself on ")
    assert f"entry {told_of.link.id}: p 0.999, t -0." in first
    assert rule.startswith(
        "by the rule calibrated: 2 people (N), 1 face of this one (k), the face alone (m), shift 0.0"
    )
    assert [one.person_id for one in told_of.nearest] == [1, 2]
    assert told_of.nearest[0].probability == pytest.approx(told_of.link.p)
    assert [one.what for one in told_of.entries] == what(album, face=linked)
    assert list(reasons(told_of)) == []


def test_an_unknown_face_tells_why_nobody_is_linked_or_offered(album: Album, answers: Answers) -> None:
    stranger = album.photo(EVE)[0]
    assert list(reasons(why(album, stranger))) == ["nobody has a confirmed face yet"]
    album.master(ANN, "Ann")
    told_of = why(album, stranger)
    assert told_of.nearest[0].probability < 0.2
    (reason,) = reasons(told_of)
    assert reason.startswith("the likeliest is Ann (p1), p 0.0")
    assert reason.endswith("below 0.2 nobody is offered")
    alike = album.photo(ANN)[0]
    assert list(reasons(why(album, alike, calibrated=False))) == [
        "it would be linked to Ann (p1), but FACE_MATCH is nearest: that links to a master below the threshold"
    ]
    assert list(reasons(why(album, alike))) == [
        "it is to be linked to Ann (p1) when groups settle: `group` does it now"
    ]
    rejected = who_it_is_not.reject(answers, me(), [face(alike)], "Ann")
    assert list(reasons(why(album, alike))) == [
        f"a person said that it is not Ann (p1), entry {rejected.entry}",
        "nobody is left to compare it with",
    ]
    who_it_is_not.unknown(answers, me(), [face(stranger)])
    assert state_sentence(why(album, stranger)) == "unknown"


def test_a_link_that_hangs_on_another_master_by_now_still_tells_its_entry(album: Album, answers: Answers) -> None:
    first, _ = album.master(ANN, "Ann"), album.master(ANN, "Ann")
    linked = album.photo(ANN)[0]
    album.settling.settle_all()
    entry = why(album, linked).link
    assert entry is not None
    who_it_is.move(answers, me(), [face(first)], "Bob")
    told_of = why(album, linked)
    assert (told_of.link, told_of.link_holds, told_of.person) == (entry, True, 1)
    assert told_of.entries[0].what == f"moved f{first} from Ann (p1) to Bob (p2)"


def test_who_is_in_the_photo_already_is_a_reason(album: Album, answers: Answers) -> None:
    album.master(ANN, "Ann")
    twin = photos_of(ANN, 1, seed=9)[0]
    _, second = album.photo(ANN, twin)
    album.settling.settle_all()
    told_of = why(album, second)
    if told_of.state is FaceState.LINKED:
        told_of = why(album, second - 1)
    assert "Ann (p1) is in one of its photos already" in list(reasons(told_of))


def test_a_confirmed_face_is_measured_by_the_others_and_tells_who_said_so(album: Album, answers: Answers) -> None:
    faces = [album.photo(person)[0] for person in photos_of(ANN, 3)]
    album.master(BOB, "Bob")
    done = who_it_is.name(answers, me(), [face(one) for one in faces], "Ann")
    who_it_is_not.apart(answers, me(), Ref("person", 1), Ref("person", 2))
    told_of = why(album, faces[0])
    assert list(by_sentences(told_of)) == [f"a person said who it is, entry {done.entry}"]
    ann = next(one for one in told_of.nearest if one.person_id == told_of.person)
    assert ann.confirmed == 2
    assert [one.what for one in told_of.entries] == [
        "said that Bob (p1) and Ann (p2) are not one",
        f"named f{faces[0]}, f{faces[1]} and f{faces[2]} Ann (p2)",
    ]
    assert told_of.group is not None
    assert told_of.group.person_id == told_of.person


def test_a_face_without_an_entry_says_so_and_one_that_is_not_there_is_refused(album: Album) -> None:
    master = album.master(ANN, "Ann")
    (only,) = by_sentences(why(album, master))
    assert only == "a person said so in the app, or by `enrol`: the ledger has no entry of it"
    linked = album.photo(ANN, parent_id=master, name="Ann")[0]
    (only,) = by_sentences(why(album, linked))
    assert only.startswith("linked by the app's own job, or before there were our tables")
    with pytest.raises(RequestError, match="found no face f999, needed the id of one"):
        why(album, 999)


def test_a_removed_face_is_told_with_its_past(album: Album, answers: Answers) -> None:
    one = album.photo(ANN)[0]
    who_it_is.name(answers, me(), [face(one)], "Ann")
    album.rows.run("UPDATE faces SET deleted_at = '2026-01-01 00:00:00' WHERE id = :id", id=one)
    album.arrivals.update_images([album.rows.one("SELECT image_id FROM faces WHERE id = :id", id=one)["image_id"]])
    told_of = why(album, one)
    assert state_sentence(told_of) == "removed"
    assert [entry.what for entry in told_of.entries] == [f"named f{one} Ann (p1)"]


def test_wrongly_confirmed_faces_are_found_worst_first(album: Album, answers: Answers) -> None:
    right = [album.photo(photo)[0] for photo in photos_of(ANN, 4)]
    wrong = [album.photo(person)[0] for person in (BOB, CEM)]
    others = [album.photo(photo)[0] for photo in photos_of(EVE, 3)]
    who_it_is.name(answers, me(), [face(one) for one in [*right, *wrong]], "Ann")
    who_it_is.name(answers, me(), [face(one) for one in others], "Eve")
    with album.store.reading() as transaction:
        found = doubtful_faces(transaction, album.library)
        assert sorted(one.face_id for one in found) == wrong
        assert [one.standing.probability for one in found] == sorted(one.standing.probability for one in found)
        assert {(one.person_id, one.standing.others) for one in found} == {(1, 5)}
        assert doubtful_faces(transaction, album.library, most=1) == found[:1]
        assert doubtful_faces(transaction, album.library, person_id=1) == found
        assert doubtful_faces(transaction, album.library, person_id=2) == []


@pytest.mark.parametrize("url", ["mariadb v5"], indirect=True)
def test_beside_an_app_with_persons_it_is_told_too(album: Album, answers: Answers) -> None:
    encoding = str(ANN.tolist())
    album.rows.run(
        "INSERT INTO persons (id, name, centroid_embedding, embeddings_count) VALUES (7, 'Ann', :encoding, 1)",
        encoding=encoding,
    )
    one = album.photo(ANN, person_id=7, status="ok")[0]
    told_of = why(album, one)
    assert state_sentence(told_of) == "confirmed as Ann (p1)"
    other = album.photo(ANN)[0]
    done = who_it_is.name(answers, me(), [face(other)], "Ann")
    assert what(album) == [f"named f{other} Ann (p1)"]
    assert list(by_sentences(why(album, other))) == [f"a person said who it is, entry {done.entry}"]
