"""What machines have linked: whether the rows of faces, the ledger and our index tell the same of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from faces.people.kept_face import FaceState
from faces.store import faces
from faces.store.database import Store
from faces.store.schema import images
from faces.store.sidecar.library_row import tables_of

_BY_MACHINE = (FaceState.LINKED, FaceState.SUGGESTED)


def untold(store: Store) -> list[str]:
    """Where nobody but us links faces and no link was taken back: what of a link is written in one place only.

    A linked face is in one entry `linked`, which says what its row says and how likely it was; of a face that is not
    linked, or is gone, there is none, unless a person has said since who it is.
    """
    with store.reading() as transaction:
        tables, connection, rule = tables_of(transaction), transaction.connection, transaction.schema.rule
        live = {
            row.id: row
            for image in connection.execute(sa.select(images.c.id)).scalars()
            for row in faces.of_image(transaction, image)
        }
        index = {int(row.face_id): row for row in connection.execute(sa.select(tables.face_index))}
        entries = defaultdict(list)
        joined = tables.ledger_faces.join(tables.ledger, tables.ledger.c.id == tables.ledger_faces.c.entry)
        query = sa.select(tables.ledger_faces, tables.ledger.c.p).select_from(joined)
        for entry in connection.execute(query.where(tables.ledger.c.kind == "linked")):
            entries[int(entry.face_id)].append(entry)
        states = {face: rule.state(row) for face, row in live.items()}
    linked = {face for face, state in states.items() if state in _BY_MACHINE}
    said = {face for face, state in states.items() if state not in (*_BY_MACHINE, FaceState.UNKNOWN)}
    return [
        *(f"face {face} has {len(entries[face])} entries" for face in linked if len(entries[face]) != 1),
        *(f"face {face} has an entry, and is not linked" for face in entries.keys() - linked - said if entries[face]),
        *(line for face in linked for line in _unlike(live[face], entries[face], index.get(face))),
    ]


def _unlike(row: Any, entries: list[Any], indexed: Any) -> Iterator[str]:
    for entry in entries:
        if json.loads(entry.after) != {"parent_id": row.parent_id, "person_id": row.person_id}:
            yield f"face {row.id} is linked to {row.parent_id} or {row.person_id}, the ledger says {entry.after}"
        elif indexed is None or indexed.probability != entry.p:
            yield f"face {row.id} is listed as {indexed}, linked with p {entry.p}"
