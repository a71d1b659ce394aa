"""What people have said in one library, taken to another one of the same photos, compared there, and taken back."""

from __future__ import annotations

from uuid import uuid4

import pytest

from faces.answers import who_it_is_not
from faces.answers.answer import GivenAnswer
from faces.answers.undo import undo
from faces.gold.comparing import Comparison
from faces.gold.filling import fill
from faces.library.upkeep.refresh import Refresh
from faces.people.refs import Ref
from tests.integration.faces.gold.conftest import NewAlbum
from tests.integration.faces.gold.marked_album import ME, MarkedAlbum, refs, together
from tests.servers.all_facts import all_facts, differing
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM, DAN, EVE = made_people(5, seed=5)

PHOTOS = {"a.jpg": (ANN, BOB), "b.jpg": (ANN, CEM, DAN), "c.jpg": (BOB,), "d.jpg": (EVE, ANN)}


def with_photos(library: MarkedAlbum, *names: str) -> dict[str, list[int]]:
    return {name: library.add(name, *PHOTOS[name]) for name in names}


def answered(library: MarkedAlbum) -> MarkedAlbum:
    """Of six faces something was said, of two nothing."""
    library.know("Ann", "Bob")
    faces = with_photos(library, "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    library.name("Ann", faces["a.jpg"][0], faces["b.jpg"][0])
    library.name("Bob", faces["a.jpg"][1])
    library.stranger(faces["b.jpg"][1])
    library.not_face(faces["b.jpg"][2], faces["d.jpg"][0])
    return library


def test_a_gold_set_tells_a_new_library_of_the_same_photos_who_is_who(new_album: NewAlbum) -> None:
    gold = answered(new_album()).export().gold
    assert together(gold) == {
        "a.jpg": ["Ann", "Bob"],
        "b.jpg": ["Ann", "a stranger", "no face"],
        "d.jpg": ["no face"],
    }

    other = new_album(shift=0.03)
    other.know("Bob", "Zoë", "Ann")
    faces = with_photos(other, "d.jpg", "c.jpg", "b.jpg", "a.jpg")
    before = all_facts(other.album.read)
    assert other.compare(gold) == Comparison(
        faces=4, found=4, extra=3, no_face=2, people=3, not_named=3, strangers=1
    )  # fmt: skip

    (tried,) = other.fill(gold, dry_run=True)
    assert len(tried.faces) == 6
    assert differing(before, all_facts(other.album.read)) == ""

    (done,) = other.fill(gold)
    assert (done.kind, done.left, len(done.faces)) == ("imported", (), 6)
    assert other.who(*faces["a.jpg"], *faces["b.jpg"]) == ["Ann", "Bob", "Ann", "a stranger", "no face"]
    assert other.compare(gold) == Comparison(
        faces=4, found=4, extra=1, people=3, right=3, by_people=3, strangers=1
    )  # fmt: skip
    assert other.album.wrong() == []
    assert Refresh(other.album.arrivals, keep=False).run().is_nothing
    assert other.export().gold.keys() == gold.keys()
    assert other.export(gold).gold == gold
    assert other.fill(gold) == []

    assert done.entry is not None
    undo(other.answers, GivenAnswer(ME), done.entry)
    assert differing(before, all_facts(other.album.read)) == ""
    assert other.album.wrong() == []
    # An import that was taken back is as none: the set stays.
    assert other.export(gold).gold == gold


def test_the_same_answer_twice_is_one_and_many_faces_are_several(new_album: NewAlbum) -> None:
    gold = answered(new_album()).export().gold
    other = new_album()
    other.know("Ann", "Bob")
    with_photos(other, *PHOTOS)
    marks, answer = other.marks(gold), GivenAnswer(ME, str(uuid4()))

    parts = list(fill(other.answers, answer, marks.faces, most=4))
    assert [len(part.faces) for part in parts] == [4, 2]
    again = list(fill(other.answers, answer, marks.faces, most=4))
    assert [(part.entry, part.again) for part in again] == [(part.entry, True) for part in parts]
    whole = list(fill(other.answers, answer, marks.faces))
    assert [(part.entry, len(part.faces)) for part in whole] == [(None, 0)]
    assert other.compare(gold).right == 3
    assert other.album.wrong() == []


def test_what_people_have_said_here_is_stronger_and_told(new_album: NewAlbum) -> None:
    gold = answered(new_album()).export().gold
    other = new_album()
    other.know("Ann", "Bob", "Cem")
    faces = with_photos(other, *PHOTOS)
    (ann, bob), (second_ann, stranger, nothing), (no_face, _) = faces["a.jpg"], faces["b.jpg"], faces["d.jpg"]
    other.name("Cem", ann, stranger)
    other.stranger(second_ann)
    other.name("Bob", faces["c.jpg"][0])
    who_it_is_not.reject(other.answers, GivenAnswer(ME), refs(bob), "Bob")
    who_it_is_not.unknown(other.answers, GivenAnswer(ME), refs(other.name("Cem", no_face).faces[0]))
    before = all_facts(other.album.read)
    (cem,), (bobs,) = (other.album.read("SELECT id FROM {people} WHERE name = :name", name=n) for n in ("Cem", "Bob"))

    (done,) = other.fill(gold)
    assert {left.ref: left.why for left in done.left} == {
        f"f{ann}": f"it was said to be p{cem['id']}, and is marked as Ann",
        f"f{second_ann}": "it was said to be a stranger, and is marked as Ann",
        f"f{bob}": f"it was said not to be p{bobs['id']}, and is marked as Bob",
        f"f{stranger}": f"it was said to be p{cem['id']}, and is marked as a stranger",
        f"f{no_face}": "it was said that its person is unknown, and is marked as no face",
    }
    assert done.faces == (nothing,)
    assert other.album.wrong() == []
    assert done.entry is not None
    undo(other.answers, GivenAnswer(ME), done.entry)
    assert differing(before, all_facts(other.album.read)) == ""


def test_a_machines_link_to_another_is_no_word_and_is_overruled(new_album: NewAlbum) -> None:
    library = new_album()
    library.know("Ann", "Bob")
    (bob,), (ann,) = library.add("a.jpg", BOB), library.add("b.jpg", ANN)
    library.name("Bob", bob)
    gold = library.export().gold
    library.name("Ann", ann)
    gold = {sha256: photo for sha256, photo in library.export(gold).gold.items() if photo.hint == "b.jpg"}

    other = new_album()
    other.know("Ann", "Bob")
    (bob,), (ann,) = other.add("a.jpg", BOB), other.add("b.jpg", ANN)
    other.name("Bob", bob)
    if not other.has_persons:
        other.rows.run("UPDATE faces SET parent_id = :bob, name = 'Bob' WHERE id = :ann", bob=bob, ann=ann)
        other.album.arrivals.update_images([2])
        assert other.compare(gold).wrong == 1
    other.fill(gold)
    assert other.who(bob, ann) == ["Bob", "Ann"]
    assert other.album.wrong() == []


@pytest.mark.parametrize("new_album", ["v5"], indirect=True)
def test_people_whom_the_app_does_not_know_are_left_and_told(new_album: NewAlbum) -> None:
    gold = answered(new_album()).export().gold
    other = new_album()
    other.know("Bob")
    faces = with_photos(other, *PHOTOS)
    (done,) = other.fill(gold)
    assert {left.ref for left in done.left} == {f"f{faces['a.jpg'][0]}", f"f{faces['b.jpg'][0]}"}
    assert "which the app keeps itself: a new name would change it" in done.left[0].why
    assert other.who(*faces["a.jpg"]) == [None, "Bob"]
    assert other.rows.read("SELECT name FROM persons") == [{"name": "Bob"}]
    assert other.album.wrong() == []


@pytest.mark.parametrize("new_album", ["sqlite", "mariadb"], indirect=True)
def test_a_name_that_two_people_have_is_left_and_told(new_album: NewAlbum) -> None:
    gold = answered(new_album()).export().gold
    other = new_album()
    faces = with_photos(other, *PHOTOS)
    other.name("Bob", faces["c.jpg"][0])
    other.name("Bob", faces["d.jpg"][1], new=True)
    (done,) = other.fill(gold)
    assert [(left.ref, left.why) for left in done.left] == [
        (f"f{faces['a.jpg'][1]}", "found 2 people named Bob: p1, p2, needed the id of one of them")
    ]
    assert len(done.faces) == 5


def test_a_face_that_was_removed_meanwhile_is_told(library: MarkedAlbum) -> None:
    library.know("Ann")
    (face,) = library.add("a.jpg", ANN)
    named = library.name("Ann", face)
    gold = library.export().gold
    undo(library.answers, GivenAnswer(ME), named.entry or 0)
    marks = library.marks(gold)
    library.rows.run("UPDATE faces SET deleted_at = '2026-01-01 00:00:00' WHERE id = :id", id=face)

    (done,) = fill(library.answers, GivenAnswer(ME), marks.faces)
    assert [(left.ref, left.why) for left in done.left] == [(str(Ref("face", face)), "it was removed meanwhile")]
    assert done.entry is None
