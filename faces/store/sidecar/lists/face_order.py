"""Which faces are a group's or a person's, in the order of an index of `face_index`; as ids, which `listing` reads."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import sqlalchemy as sa

from faces.errors import RequestError
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.keyset import behind, in_pages, same
from faces.store.scan_marks import is_listed

_Row = sa.RowMapping


@dataclass(frozen=True, slots=True)
class Stretch:
    """Faces that lie side by side in an index: equal in its first columns, in the order of the next, the highest first.

    A stretch has either only faces with a value there or only those without: no comparison finds NULL.
    """

    equal: Mapping[str, int]
    by: str
    with_value: bool

    def holds(self, row: _Row) -> bool:
        """Whether a face lies in it."""
        here = all(row[column] == value for column, value in self.equal.items())
        return here and (row[self.by] is not None) == self.with_value

    def query(self, transaction: Transaction, index: sa.Table, last: Mapping[Any, Any] | None) -> sa.Select[Any]:
        """The faces behind this one."""
        by, face_id = index.c[self.by], index.c.face_id
        query = sa.select(by, face_id).where(
            *(same(transaction, index.c[name], value) for name, value in self.equal.items())
        )
        # All columns of the index, as MariaDB does not see which are equal.
        query = query.order_by(*(index.c[name].desc() for name in self.equal), by.desc(), face_id.desc())
        if not self.with_value:
            query = query.where(by.is_(None))
            return query if last is None else query.where(face_id < last["face_id"])
        if last is None:
            return query.where(by.is_not(None))
        return query.where(behind(transaction, (by, last[self.by]), (face_id, last["face_id"])))


def both(equal: Mapping[str, int], by: str) -> tuple[Stretch, Stretch]:
    """The faces with a value of `by`, then those without."""
    return Stretch(equal, by, True), Stretch(equal, by, False)


def face_ids(
    transaction: Transaction, stretches: Sequence[Stretch], after: int | None, limit: int | None
) -> Sequence[int]:
    """At most `limit` faces behind the face `after`, one stretch after the other; 8 bytes each.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: the face `after` lies in none of the stretches.
    """
    index = transaction.schema.require_sidecar().face_index
    last = None if after is None else _row(transaction, index, after)
    holding = (at for at, one in enumerate(stretches) if last is not None and one.holds(last))
    place = 0 if after is None else next(holding, None)
    if place is None:
        raise RequestError(
            f"found that the face {Ref('face', after or 0)} is none of these, or not any more, "
            "needed the last one of a list of them: begin without --after"
        )

    def in_order() -> Iterator[int]:
        behind_it = last
        for stretch in stretches[place:]:
            rows = in_pages(partial(_read, transaction, index, stretch, behind_it), limit)
            yield from (row["face_id"] for row in rows)
            behind_it = None

    return array("q", islice(in_order(), limit))


def _read(
    transaction: Transaction, index: sa.Table, stretch: Stretch, start: _Row | None, last: _Row | None, size: int
) -> Sequence[_Row]:
    query = stretch.query(transaction, index, last or start).where(is_listed(transaction.schema, index.c.image_id))
    return transaction.connection.execute(query.limit(size)).mappings().all()


def _row(transaction: Transaction, index: sa.Table, face_id: int) -> _Row | None:
    query = sa.select(index).where(index.c.face_id == face_id)
    return transaction.connection.execute(query).mappings().one_or_none()
