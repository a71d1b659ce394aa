"""Which master or person a photo's faces are linked to. Decides only; the store locks the chosen and looks again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from faces.people.kept_face import MACHINE_STATUSES, KeptFace
from faces.people.matching import Candidates, Encodings, distances, nearest
from faces.photo.face import Encoding


@dataclass(frozen=True, slots=True)
class Link:
    """What a face is linked to: a person, or another face, which is a row or, without a row yet, a place in the photo.

    Exactly one of the three is not None.
    """

    distance: float
    face_id: int | None = None
    place: int | None = None
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class Linking:
    """How faces are linked: the limit, strictly below which they are, and whether also within one photo."""

    threshold: float
    within_photo: bool = False

    def eligible(self, candidates: Candidates, image_id: int) -> Candidates:
        """The candidates for an image's faces: those of the image itself only where faces of one photo are linked."""
        return candidates if self.within_photo else candidates.outside_image(image_id)


@dataclass(frozen=True, slots=True)
class Unlinked:
    """Which rows may be linked, said once for a row in hand and for the store's conditions.

    They have one of these statuses, nothing in the column, are untouched and not deleted.
    """

    column: Literal["parent_id", "person_id"]
    statuses: frozenset[str]

    def __contains__(self, row: KeptFace) -> bool:
        return row.status in self.statuses and getattr(row, self.column) is None and not (row.touched or row.deleted)


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A face of the same photo that a later one may be linked to, by way of its root."""

    encoding: Encoding
    face_id: int | None
    root: tuple[int | None, int | None]


def choose_parents(
    found: Encodings, wanted: Collection[int], kept: Mapping[int, KeptFace], candidates: Candidates, linking: Linking
) -> dict[int, Link]:
    """Choose the nearest face strictly below the threshold for each wanted place; without one, no link.

    Args:
        found: the found faces' encodings in the order of the reply.
        wanted: places that may get a link.
        kept: the rows paired with places.
        candidates: today's masters; those of the same image only where faces of one photo are linked to each other.
        linking: the limit, and whether the photo's own earlier faces count too. The link then leads to the other
            face's root, never to a face that has a parent itself.
    """
    chosen: dict[int, Link] = {}
    earlier: list[_Earlier] = []
    for place, encoding in enumerate(found):
        if place in wanted and (link := _nearest(encoding, candidates, earlier, linking.threshold)):
            chosen[place] = link
        row = kept.get(place)
        usable = row.status in {*MACHINE_STATUSES, "ok"} if row else place in wanted
        if linking.within_photo and usable:
            earlier.append(_Earlier(encoding, row.id if row else None, _root(place, row, chosen.get(place))))
    return chosen


def choose_persons(found: Encodings, wanted: Collection[int], persons: Candidates, linking: Linking) -> dict[int, Link]:
    """Choose a person for each wanted place whose centroid is near enough; of equally near ones the smallest id."""
    matches = {place: nearest(found[place], persons, linking.threshold) for place in sorted(wanted)}
    return {place: Link(match.distance, person_id=match.id) for place, match in matches.items() if match}


def _nearest(encoding: Encoding, candidates: Candidates, earlier: list[_Earlier], threshold: float) -> Link | None:
    match = nearest(encoding, candidates, threshold)
    best = Link(match.distance, face_id=match.id) if match else None
    best_id = match.id if match else None
    for other in earlier:
        distance = float(distances(encoding, other.encoding[None])[0])
        if distance < threshold and (best is None or _before(distance, other.face_id, best.distance, best_id)):
            best, best_id = Link(distance, *other.root), other.face_id
    return best


def _before(distance: float, face_id: int | None, best: float, best_id: int | None) -> bool:
    """Nearer, or as near with the smaller id; a face without a row yet will have a larger id than all rows."""
    if distance != best or face_id is None:
        return distance < best
    return best_id is None or face_id < best_id


def _root(place: int, row: KeptFace | None, link: Link | None) -> tuple[int | None, int | None]:
    if row and row.parent_id is not None:
        return (row.parent_id, None)
    if link:
        return (link.face_id, link.place)
    return (row.id, None) if row else (None, place)
