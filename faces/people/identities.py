"""What faces are linked to, masters or persons: one interface, no SQL. `faces.store.who` makes the right one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from faces.people.kept_face import KeptFace
from faces.people.linking import Link, Linking
from faces.people.matching import Candidates, Encodings

TransactionT = TypeVar("TransactionT")


@dataclass(frozen=True, slots=True)
class Named:
    """What became of a face that was given a name."""

    parent_id: int | None
    """Not None: it is still linked to this face, so it is not compared with new faces."""
    relatives: int
    """Other untouched faces that got the name with it."""


class Identities(ABC, Generic[TransactionT]):
    """The masters or persons that faces can be linked to in one database, and the rules of such links.

    Implemented by `faces.store.masters` (verified faces: the app's v1 to v3, and files of our own) and by
    `faces.store.persons` (the app's table `persons`, from v4 on). Nothing outside them asks which of the two it is.

    The job, and `link` for faces found before, call `read` before their transaction. In it, with the image's row and
    its faces' rows locked, they call `lock` with the faces that `may_be_linked`, and write `columns` (the job) or call
    `link` (the verb). An implementation may keep what it read; threads may share it.
    """

    @abstractmethod
    def read(self, transaction: TransactionT) -> Candidates:
        """All candidates as this transaction sees them, by id; those whose numbers cannot be read are left out."""

    @abstractmethod
    def may_be_linked(self, row: KeptFace) -> bool:
        """Whether a row may get a link: neither a person nor a machine has decided anything about it."""

    def wanted(self, inserted: Collection[int], kept: Mapping[int, KeptFace]) -> set[int]:
        """The places of a photo that may get a link: those of new rows, and of kept rows that may be linked."""
        return {*inserted} | {place for place, row in kept.items() if self.may_be_linked(row)}

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
            kept: the rows that the image has already, by place.
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
    def name(self, transaction: TransactionT, row: KeptFace, name: str) -> Named:
        """Name a locked face, and its relatives that no person has touched; only after `require_naming`."""
