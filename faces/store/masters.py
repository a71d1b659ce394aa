"""Masters: verified faces that others are linked to by `parent_id`. The app's v1 to v3, and files of our own."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from faces.errors import SchemaError
from faces.people.kept_face import BY_PARENT, MACHINE_STATUSES, KeptFace
from faces.people.linking import Identities, Link, Linking, Named, Unlinked, choose_parents
from faces.people.matching import Candidates, Encodings
from faces.photo.face import Encoding
from faces.store import faces as face_rows
from faces.store.database import Transaction
from faces.store.schema import Schema, faces

#: Encodings asked for at a time: some megabytes of JSON.
_CHUNK = 1000

_UNLINKED = Unlinked("parent_id", MACHINE_STATUSES)

_Version = tuple[int, datetime | None]

_Summary = tuple[Any, ...]

_IS_CANDIDATE = (
    faces.c.encoding.is_not(None),
    faces.c.parent_id.is_(None),
    faces.c.status == "ok",
    faces.c.deleted_at.is_(None),
)

#: A master more or less changes the number and the sum of ids, and anything written the newest time of change.
_SUMMARY = sa.select(sa.func.count(), sa.func.sum(faces.c.id), sa.func.max(faces.c.updated_at)).where(*_IS_CANDIDATE)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read last; `summary` is None where something has to be looked at again."""

    summary: _Summary | None
    rows: list[tuple[_Version, int]]
    candidates: Candidates


class Masters(Identities[Transaction]):
    """Links faces to faces.

    Keeps parsed encodings by id and `updated_at`: 100 000 of them are 280 MB of JSON. They are read whole once, and
    later only what is new. A candidate whose encoding cannot be read is looked at again the next time.
    """

    #: What rows say here.
    rule = BY_PARENT

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._mutex = threading.Lock()
        self._known: dict[_Version, Encoding] = {}
        self._last = _Reading(None, [], Candidates.of([], [], []))

    def read(self, transaction: Transaction) -> Candidates:
        """All masters: with an encoding, verified, not deleted, without a parent. Lists them where any has changed."""
        query = sa.select(faces.c.id, faces.c.updated_at, faces.c.image_id).where(*_IS_CANDIDATE).order_by(faces.c.id)
        with self._mutex:
            summary = tuple(transaction.connection.execute(_SUMMARY).one())
            if summary == self._last.summary:
                return self._last.candidates
            # A face without an image (NULL in v1's tables) is a candidate as for PHP, and on no photo of ours.
            rows = [((int(row[0]), row[1]), int(row[2] or 0)) for row in transaction.connection.execute(query)]
            learned = self._learn(transaction, [version[0] for version, _ in rows if version not in self._known])
            current = [(learned.get(version[0], version), image_id) for version, image_id in rows]
            readable = [(version, image_id) for version, image_id in current if version in self._known]
            candidates = self._last.candidates
            if readable != self._last.rows:
                versions, image_ids = [version for version, _ in readable], [image_id for _, image_id in readable]
                encodings = [self._known[version] for version in versions]
                candidates = Candidates.of([face_id for face_id, _ in versions], image_ids, encodings)
                # Views into the matrix: one copy of the numbers, and versions that are gone are forgotten.
                self._known = dict(zip(versions, candidates.encodings, strict=True))
            complete = summary if len(readable) == len(rows) == summary[0] else None
            self._last = _Reading(complete, readable, candidates)
            return candidates

    def may_be_linked(self, row: KeptFace) -> bool:
        """Untouched rows without a parent."""
        return row in _UNLINKED

    def choose(
        self,
        found: Encodings,
        wanted: Collection[int],
        kept: Mapping[int, KeptFace],
        candidates: Candidates,
        linking: Linking,
    ) -> dict[int, Link]:
        """The nearest masters and, where faces of one photo are linked to each other, its earlier faces' roots."""
        return choose_parents(found, wanted, kept, candidates, linking)

    def lock(
        self,
        transaction: Transaction,
        found: Encodings,
        wanted: Collection[int],
        kept: Mapping[int, KeptFace],
        candidates: Candidates,
        linking: Linking,
    ) -> dict[int, Link]:
        """Choose parents and lock them; where one is no candidate any more, choose again without it."""
        while True:
            links = choose_parents(found, wanted, kept, candidates, linking)
            chosen = {link.face_id for link in links.values() if link.face_id is not None}
            if not chosen:
                return links
            still_candidates, still_roots = lock_parents(transaction, chosen)
            of_this_photo = chosen - set(candidates.ids[candidates.allowed].tolist())
            lost = chosen - still_candidates - (of_this_photo & still_roots)
            if not lost:
                return links
            candidates = candidates.without(lost)
            kept = {place: row for place, row in kept.items() if row.parent_id not in lost}

    def columns(self, link: Link | None, ids: Mapping[int, int]) -> dict[str, object]:
        """The parent; a face of the same photo has its row by then, because rows are written in the order of places."""
        if link is None:
            return {}
        return {"parent_id": ids[link.place] if link.place is not None else link.face_id}

    def images_with_unlinked(self, transaction: Transaction) -> list[int]:
        """The images that have an untouched face without a parent, by id."""
        return face_rows.images_with_unlinked(transaction, _UNLINKED)

    def link(self, transaction: Transaction, face_id: int, link: Link) -> bool:
        """Give an untouched face without a parent its own."""
        return face_rows.link(transaction, face_id, self.columns(link, {}), _UNLINKED)

    def require_naming(self, verb: str) -> None:
        """Refuse where `faces` has no column `name`: the app's v2 and v3, made new.

        Raises:
            SchemaError: it has none.
        """
        if "name" not in self._schema.face_columns:
            raise SchemaError("found no column faces.name in this database: a face cannot be named here")

    def followers(self, transaction: Transaction, row: KeptFace) -> int:
        """The untouched faces whose parent is this one or, for a click, this one's parent."""
        return face_rows.count_children(transaction, self._parents_of_relatives(row))

    def name(self, transaction: Transaction, row: KeptFace, name: str) -> Named:
        """Name a face as a click in the app does, which leaves its parent as it is.

        In a file of our own the link is removed, so that the face becomes a master. Relatives are its followers.
        """
        parent_id = None if self._schema.ours else row.parent_id
        face_rows.update(transaction, row, {"name": name, "status": "ok", "parent_id": parent_id})
        return Named(parent_id, face_rows.name_children(transaction, self._parents_of_relatives(row), name))

    def lock_targets(self, transaction: Transaction, face_ids: Iterable[int]) -> set[int]:
        """Share-lock masters by id: which of them faces can be linked to now."""
        return lock_parents(transaction, face_ids)[0]

    def try_link(self, transaction: Transaction) -> dict[str, Any]:
        """What an ordinary link writes, read and locked as the job does: for the trial at a worker's start."""
        lock_parents(transaction, [0])
        return {"parent_id": None}

    def person_of(self, parents: sa.FromClause) -> sa.ColumnElement[Any]:
        """The id of the person that a listed face is: in v2 and v3, where persons have the names, also its master's."""
        return sa.func.coalesce(faces.c.person_id, parents.c.person_id)

    def _parents_of_relatives(self, row: KeptFace) -> set[int]:
        return {row.id} if self._schema.ours or row.parent_id is None else {row.id, row.parent_id}

    def _learn(self, transaction: Transaction, ids: Sequence[int]) -> dict[int, _Version]:
        """Read encodings; tells the version of each, because a row may have changed since it was listed."""
        learned: dict[int, _Version] = {}
        remaining = iter(ids)
        while chunk := list(islice(remaining, _CHUNK)):
            query = sa.select(faces.c.id, faces.c.updated_at, faces.c.encoding).where(faces.c.id.in_(chunk))
            for face_id, updated_at, text in transaction.connection.execute(query):
                encoding = face_rows.read_encoding(text)
                if encoding is not None:
                    learned[int(face_id)] = (int(face_id), updated_at)
                    self._known[(int(face_id), updated_at)] = encoding
        return learned


def lock_parents(transaction: Transaction, ids: Iterable[int]) -> tuple[set[int], set[int]]:
    """Share-lock chosen parents by id: which of them are candidates now, and which are at least roots now.

    A root is a face that is not deleted and has no parent.
    """
    columns = (faces.c.id, faces.c.status, faces.c.encoding.is_not(None).label("encoded"))
    query = sa.select(*columns).where(
        faces.c.id.in_(sorted(ids)), faces.c.parent_id.is_(None), faces.c.deleted_at.is_(None)
    )  # fmt: skip
    rows = transaction.connection.execute(query.order_by(faces.c.id).with_for_update(read=True)).all()
    return {row.id for row in rows if row.status == "ok" and row.encoded}, {row.id for row in rows}
