"""Marks, faces and photos of gold sets, made for tests; a place is a number: places of different numbers lie apart."""

from __future__ import annotations

from faces.gold.contents import Content, LibraryFace
from faces.gold.gold_file import GoldMark, GoldPhoto, GoldSet, Says
from faces.people.kept_face import FaceState
from faces.photo.face import RatioBox

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def box(place: int, shift: float = 0.0) -> RatioBox:
    left = place / 10 + shift
    return RatioBox(top=0.1, right=round(left + 0.08, 5), bottom=0.3, left=round(left, 5))


def person(place: int, name: str) -> GoldMark:
    return GoldMark(box(place), Says.PERSON, name)


def stranger(place: int) -> GoldMark:
    return GoldMark(box(place), Says.STRANGER)


def not_face(place: int) -> GoldMark:
    return GoldMark(box(place), Says.NOT_FACE)


def gold(*marks: GoldMark, sha256: str = A, hint: str = "a.jpg") -> GoldSet:
    return {sha256: GoldPhoto(sha256, 10, hint, marks)}


def face(place: int, state: FaceState, name: str | None = None, *, back: bool = False, id_: int = 0) -> LibraryFace:
    return LibraryFace(
        id_ or place + 1,
        1,
        box(place),
        state,
        3 if name or state is FaceState.CONFIRMED else None,
        name,
        None,
        taken_back=back,
    )


def content(*faces: LibraryFace, sha256: str = A, checked: bool = True) -> Content:
    return Content(sha256, 10, "new name.jpg", checked, faces)
