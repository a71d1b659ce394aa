"""Who faces are linked to: the interface that masters and persons are two kinds of, and how a link is chosen.

No SQL: `faces.store.masters` and `faces.store.persons` implement `Identities`, `faces.store.who` makes the right one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from faces.people.kept_face import MACHINE_STATUSES, KeptFace
from faces.people.matching import Candidates, Encodings, distances, nearest
from faces.photo.face import Encoding

if TYPE_CHECKING:
    # Not at run time: the nearest face is linked without it.
    from faces.people.identify import Identification

TransactionT = TypeVar("TransactionT")


@dataclass(frozen=True, slots=True)
class Link:
    """What a face is linked to: a person, or another face, which is a row or, without a row yet, a place in the photo.

    Exactly one of the three is not None.
    """

    distance: float
    face_id: int | None = None
    place: int | None = None
    person_id: int | None = None
    found: Identification | None = None
    """Where it was chosen by probability."""


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
class Named:
    """What became of a face that was given a name."""

    parent_id: int | None
    """Not None: it is still linked to this face, so it is not compared with new faces."""
    relatives: int
    """Other untouched faces that got the name with it."""


class Identities(ABC, Generic[TransactionT]):
    """The masters or persons that faces can be linked to in one database, and the rules of such links.

    Implemented by `faces.store.masters` (verified faces: the app's v1 to v3, and files of our own), by
    `faces.store.persons` (the app's table `persons`, from v4 on), and by `faces.library.calibrated` (our own people,
    upon one of the two). Nothing outside them asks which it is.

    The job, and `link` for faces found before, call `read` before their transaction. In it, with the image's row and
    its faces' rows locked, they call `lock` with the faces that `may_be_linked`, and write `columns` (the job) or call
    `link` (the verb). An implementation may keep what it read; threads may share it.
    """

    @abstractmethod
    def read(self, transaction: TransactionT) -> Candidates:
        """All candidates as this transaction sees them, by id; those whose numbers cannot be read are left out.

        None where it keeps what it compares with by itself.
        """

    @abstractmethod
    def may_be_linked(self, row: KeptFace) -> bool:
        """Whether a row may get a link: neither a person nor a machine has decided anything about it."""

    @abstractmethod
    def choose(
        self,
        found: Encodings,
        wanted: Collection[int],
        kept: Mapping[int, KeptFace],
        candidates: Candidates,
        linking: Linking,
    ) -> dict[int, Link]:
        """Choose a link for each wanted place that has a candidate strictly below the threshold; locks nothing.

        Args:
            found: the encodings of a photo's faces, shape (n, 128), by place.
            wanted: places that may get a link.
            kept: the rows that the image has already, by place; those that no face was found for, past the last place.
            candidates: what `read` returned, as far as it is eligible for this image.
            linking: the threshold, and whether faces of one photo are linked to each other.
        """

    @abstractmethod
    def lock(
        self,
        transaction: TransactionT,
        found: Encodings,
        wanted: Collection[int],
        kept: Mapping[int, KeptFace],
        candidates: Candidates,
        linking: Linking,
    ) -> dict[int, Link]:
        """Choose as `choose` does, and share-lock what was chosen, by id, as it is now.

        What is no candidate any more, or another by now, is chosen anew. The image's row and its faces' rows are
        locked before.
        """

    @abstractmethod
    def columns(self, link: Link | None, ids: Mapping[int, int]) -> dict[str, object]:
        """What a link writes into a face's row, nothing for None; `ids` are those of the photo's faces by place."""

    @abstractmethod
    def images_with_unlinked(self, transaction: TransactionT) -> list[int]:
        """The images that have a row which may be linked, by id."""

    @abstractmethod
    def link(self, transaction: TransactionT, face_id: int, link: Link) -> bool:
        """Write the link into a face's row; False where that may not be linked any more."""

    @abstractmethod
    def require_naming(self, verb: str) -> None:
        """Refuse a verb that names faces where faces have no names.

        Raises:
            SchemaError: names are kept elsewhere; the sentence names the verb.
        """

    @abstractmethod
    def followers(self, transaction: TransactionT, row: KeptFace) -> int:
        """How many faces a new name of this one would reach, too; only after `require_naming`."""

    @abstractmethod
    def name(self, transaction: TransactionT, row: KeptFace, name: str) -> Named:
        """Name a locked face, and its relatives that no person has touched; only after `require_naming`."""


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
