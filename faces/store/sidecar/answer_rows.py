"""The table `answers`: what a person has said of a face to us last; `faces.store.faces` reads it with the rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from faces.people.kept_face import SaidOfFace
from faces.store.database import Transaction, chunked
from faces.store.sidecar.library_row import tables_of


def write(transaction: Transaction, answers: Mapping[int, SaidOfFace | None]) -> None:
    """Keep what was said of each of these faces; None: nothing, from now on."""
    table = tables_of(transaction).answers
    for chunk in chunked(sorted(answers)):
        transaction.connection.execute(sa.delete(table).where(table.c.face_id.in_(chunk)))
    rows = [
        {"face_id": face, "entry": answer.entry, "says": int(answer.said), "person_id": answer.person_id}
        for face, answer in sorted(answers.items())
        if answer is not None
    ]
    if rows:
        transaction.connection.execute(sa.insert(table), rows)


def answered(transaction: Transaction, face_ids: Collection[int]) -> set[int]:
    """Which of these faces a person has said anything of."""
    table = tables_of(transaction).answers
    found: set[int] = set()
    for chunk in chunked(face_ids):
        query = sa.select(table.c.face_id).where(table.c.face_id.in_(chunk))
        found |= {int(face) for face in transaction.connection.execute(query).scalars()}
    return found
