"""Which master or person a photo's faces belong to. Decides only; whether it still is one, the job asks the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from faces.people.kept_face import MACHINE_STATUSES, KeptFace
from faces.people.matching import Candidates, Encodings, distances, nearest
from faces.photo.face import Encoding


@dataclass(frozen=True, slots=True)
class Parent:
    """A face to be linked to: a row's id, or the place of a face of the same photo that has no row yet."""

    distance: float
    face_id: int | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A person that a face is suggested to be, where the app has persons."""

    distance: float
    person_id: int


@dataclass(frozen=True, slots=True)
class Linking:
    """How faces are linked: the limit, strictly below which they are, and whether also within one photo."""

    threshold: float
    within_photo: bool = False


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A face of the same photo that a later one may be linked to, by way of its root."""

    encoding: Encoding
    face_id: int | None
    root: tuple[int | None, int | None]


def choose_parents(
    found: Encodings, wanted: Collection[int], kept: Mapping[int, KeptFace], candidates: Candidates, linking: Linking
) -> dict[int, Parent]:
    """Choose a parent for each wanted place that has somebody near enough.

    Args:
        found: the found faces' encodings in the order of the reply.
        wanted: places that may get a parent.
        kept: the rows paired with places.
        candidates: today's masters; those of the same image only where faces of one photo are linked to each other.
        linking: the limit, and whether the photo's own earlier faces count too. The parent then is the other face's
            root, never a face that has a parent itself.
    """
    chosen: dict[int, Parent] = {}
    earlier: list[_Earlier] = []
    for place, encoding in enumerate(found):
        if place in wanted and (parent := _nearest(encoding, candidates, earlier, linking.threshold)):
            chosen[place] = parent
        row = kept.get(place)
        usable = row.status in {*MACHINE_STATUSES, "ok"} if row else place in wanted
        if linking.within_photo and usable:
            earlier.append(_Earlier(encoding, row.id if row else None, _root(place, row, chosen.get(place))))
    return chosen


def choose_persons(
    found: Encodings, wanted: Collection[int], persons: Candidates, linking: Linking
) -> dict[int, Person]:
    """Choose a person for each wanted place whose centroid is near enough; of equally near ones the smallest id."""
    matches = {place: nearest(found[place], persons, linking.threshold) for place in sorted(wanted)}
    return {place: Person(match.distance, match.id) for place, match in matches.items() if match}


def _nearest(encoding: Encoding, candidates: Candidates, earlier: list[_Earlier], threshold: float) -> Parent | None:
    match = nearest(encoding, candidates, threshold)
    best = Parent(match.distance, face_id=match.id) if match else None
    best_id = match.id if match else None
    for other in earlier:
        distance = float(distances(encoding, other.encoding[None])[0])
        if distance < threshold and (best is None or _before(distance, other.face_id, best.distance, best_id)):
            best, best_id = Parent(distance, *other.root), other.face_id
    return best


def _before(distance: float, face_id: int | None, best: float, best_id: int | None) -> bool:
    """Nearer, or as near with the smaller id; a face without a row yet will have a larger id than all rows."""
    if distance != best or face_id is None:
        return distance < best
    return best_id is None or face_id < best_id


def _root(place: int, row: KeptFace | None, parent: Parent | None) -> tuple[int | None, int | None]:
    if row and row.parent_id is not None:
        return (row.parent_id, None)
    if parent:
        return (parent.face_id, parent.place)
    return (row.id, None) if row else (None, place)
