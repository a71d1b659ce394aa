"""A gold set brought up to date with what people have said in a database: which marks come, change, go or stay.

The rules, for the photos that the database has; marks of all others stay:

1. What people have said of a face is its mark: that it is a person with a name, a stranger, or no face. What a machine
   has linked is none. A mark that says so already stays as it is, box and all.
2. A mark is removed where people have once said here who its face is, and nothing is said of it any more.
3. Any other mark stays: of a face of which nothing was ever said here, or that is not found any more. Else a set that
   was not filled in yet were lost, and one could never measure what a detector misses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from faces.errors import RequestError
from faces.gold.box_pairs import SAME_FACE, overlap, pairs
from faces.gold.contents import Content, LibraryFace
from faces.gold.gold_file import GoldMark, GoldPhoto, GoldSet, Says, of_photos
from faces.people.kept_face import FaceState
from faces.people.names import checked_name


@dataclass(frozen=True, slots=True)
class MarkChange:
    """A mark that is added (`before` is None), removed (`after` is None), or says something else."""

    photo: str
    before: GoldMark | None
    after: GoldMark | None

    @property
    def kind(self) -> str:
        """What becomes of it."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"


@dataclass(slots=True)
class UpdatedGold:
    """What a gold set becomes."""

    gold: GoldSet
    changes: list[MarkChange] = field(default_factory=list)
    unchanged: int = 0
    """Marks that say what people have said here."""
    unsaid: int = 0
    """Marks that stay, of faces of which nothing was said here."""
    not_found: int = 0
    """Marks that stay, where no face is found."""
    elsewhere: int = 0
    """Marks that stay, of photos that are not here."""
    without_name: int = 0
    """Confirmed faces that cannot be written: their person has no name, or one that no mark can have."""
    covered: int = 0
    """Faces of which something was said at a place that has a mark already."""


def updated(gold: GoldSet, contents: Iterable[Content]) -> UpdatedGold:
    """The set as it becomes; `gold` is not changed."""
    result = UpdatedGold(dict(gold))
    left = sum(len(photo.marks) for photo in gold.values())
    for content in contents:
        before = gold.get(content.sha256, GoldPhoto(content.sha256, content.size, content.hint, ()))
        left -= len(before.marks)
        result.gold[content.sha256] = _photo(before, content.faces, result)
    result.gold, result.elsewhere = of_photos(result.gold.values()), left
    result.changes.sort(key=lambda change: change.photo)
    return result


def _photo(before: GoldPhoto, faces: tuple[LibraryFace, ...], result: UpdatedGold) -> GoldPhoto:
    paired = pairs([mark.box for mark in before.marks], [face.box for face in faces])
    marks: list[GoldMark] = []
    for place, mark in enumerate(before.marks):
        face = faces[paired[place]] if place in paired else None
        after = _kept(mark, face, result)
        if after is not None:
            marks.append(after)
        if after != mark:
            result.changes.append(MarkChange(before.hint, mark, after))
    for face in (face for place, face in enumerate(faces) if place not in set(paired.values())):
        new = _mark(face, result)
        if new is None:
            continue
        if any(overlap(new.box, mark.box) >= SAME_FACE for mark in marks):
            result.covered += 1
            continue
        marks.append(new)
        result.changes.append(MarkChange(before.hint, None, new))
    return replace(before, marks=tuple(marks))


def _kept(mark: GoldMark, face: LibraryFace | None, result: UpdatedGold) -> GoldMark | None:
    """What becomes of a mark that is there."""
    if face is None:
        result.not_found += 1
        return mark
    said = _mark(face, result)
    if said is None:
        if face.taken_back and not face.is_answered:
            return None
        result.unsaid += 1
        return mark
    if said.is_as(mark):
        result.unchanged += 1
        return mark
    return replace(said, box=mark.box)


def _mark(face: LibraryFace, result: UpdatedGold) -> GoldMark | None:
    """What people have said of a face, as far as a mark can say it."""
    mark = face.mark
    if mark is None:
        result.without_name += face.state is FaceState.CONFIRMED
        return None
    if mark.says is Says.PERSON:
        try:
            checked_name(mark.person or "")
        except RequestError:
            result.without_name += 1
            return None
    return mark
