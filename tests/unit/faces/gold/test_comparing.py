"""What a library says of the photos of a gold set, counted: found and missed, right and wrong."""

from __future__ import annotations

import pytest

from faces.gold.comparing import Comparison, compared
from faces.gold.contents import LibraryFace
from faces.gold.gold_file import GoldMark
from faces.people.kept_face import FaceState
from tests.unit.faces.gold.marked import content, face, gold, not_face, person, stranger

CONFIRMED, LINKED, UNKNOWN = FaceState.CONFIRMED, FaceState.LINKED, FaceState.UNKNOWN
STRANGER, NOT_FACE, SUGGESTED = FaceState.STRANGER, FaceState.NOT_FACE, FaceState.SUGGESTED

FOUND = {"faces": 1, "found": 1}
MISSED = {"faces": 1, "missed": 1}
OF_PEOPLE = FOUND | {"people": 1}
ANN = person(0, "Ann")


@pytest.mark.parametrize(
    ("mark", "found", "expected", "words"),
    [
        (ANN, face(0, LINKED, "ANN"), OF_PEOPLE | {"right": 1}, None),
        (ANN, face(0, CONFIRMED, "Ann"), OF_PEOPLE | {"right": 1, "by_people": 1}, None),
        (ANN, face(0, LINKED, "Bob"), OF_PEOPLE | {"wrong": 1}, "f1 is Ann, and called Bob"),
        (ANN, face(0, CONFIRMED), OF_PEOPLE | {"wrong": 1}, "f1 is Ann, and called p3"),
        (ANN, face(0, SUGGESTED, "Ann"), OF_PEOPLE | {"not_named": 1}, "f1 is Ann, and has no name"),
        (ANN, face(0, STRANGER), OF_PEOPLE | {"not_named": 1}, "f1 is Ann, and has no name"),
        (ANN, face(0, NOT_FACE), MISSED, "Ann was not found"),
        (ANN, face(5, NOT_FACE), MISSED, "Ann was not found"),
        (stranger(0), face(0, UNKNOWN), FOUND | {"strangers": 1}, None),
        (stranger(0), face(0, SUGGESTED, "Ann"), FOUND | {"strangers": 1}, None),
        (
            stranger(0),
            face(0, LINKED, "Ann"),
            FOUND | {"strangers": 1, "strangers_named": 1},
            "f1 is Ann, and marked as a stranger",
        ),
        (stranger(0), face(0, NOT_FACE), MISSED, "a stranger was not found"),
        (not_face(0), face(0, UNKNOWN), {"extra": 1, "no_face": 1}, "f1 is marked as no face"),
        (not_face(0), face(0, NOT_FACE), {}, None),
        (not_face(0), face(5, NOT_FACE), {}, None),
    ],
)
def test_a_mark_and_the_face_there(
    mark: GoldMark, found: LibraryFace, expected: dict[str, int], words: str | None
) -> None:
    (one,) = compared(gold(mark), [content(found)])
    assert one.comparison == Comparison(**expected)
    assert one.differences == ((words,) if words else ())


def test_a_find_without_a_mark_is_extra() -> None:
    (one,) = compared(gold(ANN), [content(face(0, LINKED, "Ann"), face(5, UNKNOWN))])
    assert one.comparison == Comparison(faces=1, found=1, people=1, right=1, extra=1)
    assert one.differences == ("f6 has no mark",)


def test_a_photo_whose_faces_were_not_looked_for_is_not_compared() -> None:
    (one,) = compared(gold(ANN), [content(checked=False)])
    assert one.comparison is None


def test_a_photo_without_a_find_misses_all() -> None:
    (one,) = compared(gold(ANN, stranger(1), not_face(2)), [content()])
    assert one.comparison == Comparison(faces=2, missed=2)
