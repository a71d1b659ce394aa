"""The table `persons` of the app's later versions, from v4 on: what new faces are compared with there. Only read."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.errors import SchemaError
from faces.people.kept_face import BY_PERSON, KeptFace
from faces.people.linking import Identities, Link, Linking, Named, Unlinked, choose_persons
from faces.people.matching import Candidates, Encodings
from faces.photo.face import ENCODING_LENGTH, Encoding
from faces.store import faces as face_rows
from faces.store.database import Transaction
from faces.store.schema import faces, persons

_UNLINKED = Unlinked("person_id", frozenset({"process"}))

_IS_CANDIDATE = (persons.c.centroid_embedding.is_not(None), persons.c.embeddings_count > 0)

_CENTROIDS = sa.select(persons.c.id, persons.c.centroid_embedding).where(*_IS_CANDIDATE).order_by(persons.c.id)

#: A centroid may change twice within the second that `updated_at` counts: only its bytes tell.
_SUMMARY = sa.select(
    sa.func.count(),
    sa.func.sum(persons.c.id),
    sa.func.sum(sa.func.crc32(sa.func.concat(persons.c.id, ":", persons.c.centroid_embedding))),
).where(*_IS_CANDIDATE)


class Persons(Identities[Transaction]):
    """Suggests persons for faces, by `person_id` and the status `suggested`. Persons are never written.

    Keeps their centroids for as long as none of them changes.
    """

    #: What rows say here.
    rule = BY_PERSON

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._summary: tuple[Any, ...] | None = None
        self._candidates = Candidates.of([], [], [])

    def read(self, transaction: Transaction) -> Candidates:
        """All persons with a centroid. They belong to no image, so that an image's own faces count for it, too."""
        with self._mutex:
            summary = _summary(transaction)
            if summary is None or summary != self._summary:
                self._candidates = _read(transaction)
                self._summary = summary
            return self._candidates

    def may_be_linked(self, row: KeptFace) -> bool:
        """Rows in `process` without a person."""
        return row in _UNLINKED

    def choose(
        self,
        found: Encodings,
        wanted: Collection[int],
        kept: Mapping[int, KeptFace],
        candidates: Candidates,
        linking: Linking,
    ) -> dict[int, Link]:
        """The nearest persons; several faces of one photo may be the same."""
        return choose_persons(found, wanted, candidates, linking)

    def lock(
        self,
        transaction: Transaction,
        found: Encodings,
        wanted: Collection[int],
        kept: Mapping[int, KeptFace],
        candidates: Candidates,
        linking: Linking,
    ) -> dict[int, Link]:
        """Choose persons and lock them; where a centroid is another by now, or gone, read all again and choose again.

        This ends: a person that is locked does not change, and each round that does not end it locks more of them.
        """
        while True:
            links = choose_persons(found, wanted, candidates, linking)
            ids = {link.person_id for link in links.values() if link.person_id is not None}
            centroids = lock_centroids(transaction, ids) if ids else {}
            matched = dict(zip(candidates.ids.tolist(), candidates.encodings, strict=True))
            if all(one in centroids and np.array_equal(centroids[one], matched[one]) for one in ids):
                return links
            candidates = self.read(transaction)

    def columns(self, link: Link | None, ids: Mapping[int, int]) -> dict[str, object]:
        """The person, and that a machine chose it."""
        return {} if link is None else {"person_id": link.person_id, "status": "suggested"}

    def images_with_unlinked(self, transaction: Transaction) -> list[int]:
        """The images that have a face in `process` without a person, by id."""
        return face_rows.images_with_unlinked(transaction, _UNLINKED)

    def link(self, transaction: Transaction, face_id: int, link: Link) -> bool:
        """Suggest a person for a face in `process` without one."""
        return face_rows.link(transaction, face_id, self.columns(link, {}), _UNLINKED)

    def require_naming(self, verb: str) -> None:
        """Refuse always: persons have the names, and the app keeps them.

        Raises:
            SchemaError: in any case.
        """
        raise _no_naming(verb)

    def followers(self, transaction: Transaction, row: KeptFace) -> int:
        """Refuse as `require_naming` does, which is asked first.

        Raises:
            SchemaError: in any case.
        """
        raise _no_naming("enrol")

    def name(self, transaction: Transaction, row: KeptFace, name: str) -> Named:
        """Refuse as `require_naming` does, which is asked first.

        Raises:
            SchemaError: in any case.
        """
        raise _no_naming("enrol")

    def lock_targets(self, transaction: Transaction, person_ids: Iterable[int]) -> set[int]:
        """Share-lock persons by id: which of them are there, whether the app has a centroid of theirs or not."""
        query = sa.select(persons.c.id).where(persons.c.id.in_(sorted(person_ids))).order_by(persons.c.id)
        return {int(person) for person in transaction.connection.execute(query.with_for_update(read=True)).scalars()}

    def try_link(self, transaction: Transaction) -> dict[str, Any]:
        """What an ordinary link writes, read and locked as the job does: for the trial at a worker's start."""
        lock_centroids(transaction, [0])
        person = transaction.connection.execute(sa.select(persons.c.id).limit(1)).scalar()
        return {"person_id": person, "status": "process" if person is None else "suggested"}

    def person_of(self, _parents: sa.FromClause) -> sa.ColumnElement[Any]:
        """The id of the person that a listed face is: its own, also where an old `parent_id` is still there."""
        return faces.c.person_id


def read_centroid(text: str | bytes | None) -> Encoding | None:
    """The centroid in a row as PHP reads it: the first 128 components, a missing one is 0; None where that fails."""
    try:
        numbers = json.loads(text or "null")
    except ValueError:
        return None
    if isinstance(numbers, dict):
        numbers = [numbers.get(str(place)) for place in range(ENCODING_LENGTH)]
    if not isinstance(numbers, list):
        return None
    first = [0.0 if number is None else number for number in numbers[:ENCODING_LENGTH]]
    return face_rows.finite(first + [0.0] * (ENCODING_LENGTH - len(first)))


def _no_naming(verb: str) -> SchemaError:
    return SchemaError(
        f"found a table `persons` in this database, which faces are linked to: who somebody is, is said in the "
        f"app there, and `{verb}` can only name faces; nothing was changed"
    )


def lock_centroids(transaction: Transaction, ids: Iterable[int]) -> dict[int, Encoding]:
    """Share-lock chosen persons by id: the centroid of each that faces can be matched with now."""
    query = _CENTROIDS.where(persons.c.id.in_(sorted(ids))).with_for_update(read=True)
    return _centroids(transaction, query)


def _summary(transaction: Transaction) -> tuple[Any, ...] | None:
    """What changes with any centroid; None where the database has no such sum."""
    if transaction.connection.dialect.name == "sqlite":
        return None
    return tuple(transaction.connection.execute(_SUMMARY).one())


def _read(transaction: Transaction) -> Candidates:
    centroids = _centroids(transaction, _CENTROIDS)
    return Candidates.of(centroids.keys(), [0] * len(centroids), centroids.values())


def _centroids(transaction: Transaction, query: sa.Select[Any]) -> dict[int, Encoding]:
    rows = transaction.connection.execute(query)
    return {int(row[0]): centroid for row in rows if (centroid := read_centroid(row[1])) is not None}
