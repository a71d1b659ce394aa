"""Which marks come, change, go and stay when a gold set is brought up to date; and which face a mark is about."""

from __future__ import annotations

import pytest

from faces.gold.box_pairs import SAME_FACE, overlap, pairs
from faces.gold.contents import LibraryFace, together
from faces.gold.gold_file import GoldMark, GoldSet
from faces.gold.updating import UpdatedGold, updated
from faces.people.kept_face import FaceState
from faces.photo.face import RatioBox
from tests.unit.faces.gold.marked import A, B, box, content, face, gold, not_face, person, stranger

CONFIRMED, LINKED, UNKNOWN = FaceState.CONFIRMED, FaceState.LINKED, FaceState.UNKNOWN
STRANGER, NOT_FACE, SUGGESTED = FaceState.STRANGER, FaceState.NOT_FACE, FaceState.SUGGESTED


def update(before: GoldSet, *faces: LibraryFace) -> tuple[tuple[GoldMark, ...], UpdatedGold]:
    done = updated(before, [content(*faces)])
    return done.gold[A].marks if A in done.gold else (), done


def test_only_what_people_have_said_comes() -> None:
    faces = (face(0, CONFIRMED, "Ann"), face(1, LINKED, "Bob"), face(2, STRANGER), face(3, NOT_FACE), face(4, UNKNOWN))
    marks, done = update({}, *faces, face(5, SUGGESTED, "Cem"), face(6, CONFIRMED))
    assert marks == (person(0, "Ann"), stranger(2), not_face(3))
    assert [change.kind for change in done.changes] == ["added"] * 3
    assert done.without_name == 1
    assert done.gold[A].hint == "new name.jpg"


def test_a_mark_that_is_said_already_stays_to_the_byte_with_its_place_and_the_photos_first_name() -> None:
    before = gold(GoldMark(box(0, 0.01), person(0, "Ann").says, "Ann"))
    _, done = update(before, face(0, CONFIRMED, "Ann"))
    assert done.gold == before
    assert done.unchanged == 1
    assert done.changes == []


@pytest.mark.parametrize(
    ("mark", "found", "after"),
    [
        (person(0, "Ann"), face(0, CONFIRMED, "Bob"), person(0, "Bob")),
        (person(0, "ann"), face(0, CONFIRMED, "Ann"), person(0, "Ann")),
        (person(0, "Ann"), face(0, STRANGER), stranger(0)),
        (stranger(0), face(0, NOT_FACE), not_face(0)),
        (person(0, "Ann"), face(0, UNKNOWN, back=True), None),
        (stranger(0), face(0, LINKED, "Ann", back=True), None),
        (person(0, "Ann"), face(0, UNKNOWN), person(0, "Ann")),
        (person(0, "Ann"), face(0, LINKED, "Bob"), person(0, "Ann")),
        (person(0, "Ann"), face(5, CONFIRMED, "Bob"), person(0, "Ann")),
        (person(0, "Ann"), face(0, CONFIRMED), person(0, "Ann")),
        (person(0, "Ann"), face(0, CONFIRMED, "x" * 256), person(0, "Ann")),
    ],
)
def test_what_becomes_of_a_mark(mark: GoldMark, found: LibraryFace, after: GoldMark | None) -> None:
    marks, done = update(gold(mark), found)
    assert [one for one in marks if one.box == mark.box] == ([] if after is None else [after])
    of_mark = [change for change in done.changes if change.before]
    assert [change.after for change in of_mark] == ([] if after == mark else [after])


def test_marks_of_photos_that_are_not_here_stay_and_a_photo_without_marks_goes() -> None:
    before = gold(person(0, "Ann")) | gold(stranger(1), sha256=B)
    done = updated(before, [content(face(0, UNKNOWN, back=True))])
    assert done.gold == gold(stranger(1), sha256=B)
    assert done.elsewhere == 1
    assert before.keys() == {A, B}


def test_of_two_faces_at_one_place_one_is_written() -> None:
    marks, done = update({}, face(0, CONFIRMED, "Ann"), face(0, CONFIRMED, "Bob", id_=9))
    assert marks == (person(0, "Ann"),)
    assert done.covered == 1


def test_of_copies_each_face_counts_once_and_is_what_was_said_of_any() -> None:
    first = [face(0, UNKNOWN, id_=1), face(1, CONFIRMED, "Ann", id_=2)]
    copy = [face(1, CONFIRMED, "Bob", id_=3), face(0, STRANGER, id_=4), face(2, UNKNOWN, id_=5)]
    assert [one.id for one in together([first, copy])] == [4, 2, 5]
    assert together([]) == []


def test_boxes_are_paired_one_to_one_the_nearest_first() -> None:
    marks, faces = [box(0), box(0, 0.02)], [box(0, 0.03), box(5)]
    assert pairs(marks, faces) == {1: 0}
    assert overlap(box(0), box(0)) == pytest.approx(1)
    assert overlap(box(0), box(1)) == 0
    half = RatioBox(top=0.1, right=0.08, bottom=0.2, left=0.0)
    assert overlap(box(0), half) == pytest.approx(0.5)
    assert 0.16 < SAME_FACE < 0.43
