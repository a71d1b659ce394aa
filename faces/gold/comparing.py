"""What a library says of the photos of a gold set, beside what people say there: found and missed, right and wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields

from faces.gold.box_pairs import pairs
from faces.gold.contents import Content, LibraryFace
from faces.gold.gold_file import GoldMark, GoldPhoto, GoldSet, Says
from faces.people import names
from faces.people.kept_face import FaceState

_KNOWN = (FaceState.LINKED, FaceState.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Faces of one photo, or of all. What people have said to be no face is no find."""

    faces: int = 0
    """Marks of people and strangers: `found` and `missed`."""
    found: int = 0
    missed: int = 0
    extra: int = 0
    """Finds where the set has no mark, or says that it is no face."""
    no_face: int = 0
    """Those of them where the set says so."""
    people: int = 0
    """Marks of people that were found: `right`, `wrong` and `not_named`."""
    right: int = 0
    by_people: int = 0
    """Those of the right ones that people have said here themselves: they measure nothing."""
    wrong: int = 0
    not_named: int = 0
    strangers: int = 0
    """Marks of strangers that were found."""
    strangers_named: int = 0

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @property
    def record(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ComparedPhoto:
    """One photo; None where its faces were not looked for yet."""

    photo: GoldPhoto
    comparison: Comparison | None
    differences: tuple[str, ...] = ()
    """What is otherwise than marked, in words."""


def compared(gold: GoldSet, contents: Iterable[Content]) -> Iterator[ComparedPhoto]:
    """The photos of a set that are here, one after the other."""
    for content in contents:
        photo = gold[content.sha256]
        yield _photo(photo, content.faces) if content.checked else ComparedPhoto(photo, None)


def _photo(photo: GoldPhoto, faces: tuple[LibraryFace, ...]) -> ComparedPhoto:
    paired = pairs([mark.box for mark in photo.marks], [face.box for face in faces])
    total, differences = Comparison(), list[str]()
    for place, mark in enumerate(photo.marks):
        face = faces[paired[place]] if place in paired else None
        one, difference = _mark(mark, face if face is None or _is_find(face) else None)
        total += one
        differences += [difference] if difference else []
    others = [face for place, face in enumerate(faces) if place not in set(paired.values()) and _is_find(face)]
    differences += [f"f{face.id} has no mark" for face in others]
    return ComparedPhoto(photo, total + Comparison(extra=len(others)), tuple(differences))


def _mark(mark: GoldMark, face: LibraryFace | None) -> tuple[Comparison, str | None]:
    """What one mark adds, and in words what is otherwise."""
    if mark.says is Says.NOT_FACE:
        is_find = face is not None
        return Comparison(extra=is_find, no_face=is_find), f"f{face.id} is marked as no face" if face else None
    if face is None:
        return Comparison(faces=1, missed=1), f"{mark.words} was not found"
    is_named, called = face.state in _KNOWN, face.person or f"p{face.person_id}"
    found = Comparison(faces=1, found=1)
    if mark.says is Says.STRANGER:
        named = Comparison(strangers=1, strangers_named=is_named)
        return found + named, f"f{face.id} is {called}, and marked as a stranger" if is_named else None
    if not is_named:
        return found + Comparison(people=1, not_named=1), f"f{face.id} is {mark.words}, and has no name"
    if names.key(face.person or "") != names.key(mark.person or ""):
        return found + Comparison(people=1, wrong=1), f"f{face.id} is {mark.words}, and called {called}"
    said = face.state is FaceState.CONFIRMED
    return found + Comparison(people=1, right=1, by_people=said), None


def _is_find(face: LibraryFace) -> bool:
    return face.state is not FaceState.NOT_FACE
