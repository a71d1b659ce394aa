"""The table `vectors`: encodings as numbers, read once out of the JSON of `faces.encoding`.

Whoever replaces some notes it in `vector_changes`, which `faces.store.sidecar.encoding_changes` follows.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

from faces.people.encoding_sum import EncodingSum
from faces.people.kept_face import FaceState
from faces.people.products import LONGEST_ENCODING, Matrix
from faces.photo.face import ENCODING_LENGTH, Encoding
from faces.store.database import Transaction, chunked
from faces.store.faces import read_encoding
from faces.store.schema import faces
from faces.store.sidecar.library_row import tables_of
from faces.store.sidecar.people_rows import NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class KnownEncoding:
    """An encoding as sums are made of it: rounded to float32; and the CRC-32 of the text that it was read from."""

    numbers: Encoding
    crc: int

    @property
    def total(self) -> EncodingSum:
        """What it adds to the sum of a group or person."""
        return EncodingSum.of(self.numbers[None])

    @classmethod
    def of(cls, text: str | bytes | None) -> KnownEncoding | None:
        """Read the text of `faces.encoding`; None where it holds no encoding, or numbers that none has."""
        encoding = read_encoding(text)
        if text is None or encoding is None or np.square(encoding).sum() > LONGEST_ENCODING**2:
            return None
        data = text if isinstance(text, bytes) else text.encode()
        return cls(encoding.astype(np.float32).astype(np.float64), zlib.crc32(data))


def read_of_image(transaction: Transaction, image_id: int) -> dict[int, KnownEncoding]:
    """The readable encodings of an image's faces that are not deleted, by face, out of the rows themselves."""
    query = sa.select(faces.c.id, faces.c.encoding).where(faces.c.image_id == image_id, faces.c.deleted_at.is_(None))
    rows = transaction.connection.execute(query)
    return {int(row.id): known for row in rows if (known := KnownEncoding.of(row.encoding)) is not None}


def read_of(transaction: Transaction, face_ids: Collection[int]) -> dict[int, KnownEncoding]:
    """The readable encodings of faces, soft-deleted ones too, by face, out of the rows themselves."""
    found: dict[int, KnownEncoding] = {}
    for chunk in chunked(face_ids):
        rows = transaction.connection.execute(sa.select(faces.c.id, faces.c.encoding).where(faces.c.id.in_(chunk)))
        found |= {int(row.id): known for row in rows if (known := KnownEncoding.of(row.encoding)) is not None}
    return found


def kept_of(transaction: Transaction, face_ids: Collection[int]) -> dict[int, KnownEncoding]:
    """What is kept of these faces."""
    vectors = tables_of(transaction).vectors
    found: dict[int, KnownEncoding] = {}
    for chunk in chunked(face_ids):
        query = sa.select(vectors).where(vectors.c.face_id.in_(chunk))
        for row in transaction.connection.execute(query):
            found[int(row.face_id)] = KnownEncoding(numbers_of(row.encoding), int(row.encoding_crc))
    return found


def replace(transaction: Transaction, gone: Collection[int], kept: Mapping[int, KnownEncoding]) -> set[int]:
    """Keep nothing of some faces any more, and then encodings of faces that have none kept.

    Returns all of them, for `note` at the transaction's end: a search follows these changes.
    """
    vectors = tables_of(transaction).vectors
    for chunk in chunked(sorted(gone)):
        transaction.connection.execute(sa.delete(vectors).where(vectors.c.face_id.in_(chunk)))
    rows = [
        {"face_id": face, "encoding_crc": known.crc, "encoding": known.numbers.astype("<f4").tobytes()}
        for face, known in sorted(kept.items())
    ]
    if rows:
        transaction.connection.execute(sa.insert(vectors), rows)
    return {*gone, *kept}


def note(transaction: Transaction, face_ids: Collection[int], change: int) -> None:
    """Say that what is kept of these faces was replaced by a change.

    With the last things in a transaction, whose `library_row.next_change` gave the number: then who follows in the
    order of the numbers misses none.
    """
    if not face_ids:
        return
    table = tables_of(transaction).vector_changes
    rows = [{"face_id": face, "change": change} for face in sorted(face_ids)]
    if transaction.connection.dialect.name == "sqlite":
        there = sqlite.insert(table)
        there = there.on_conflict_do_update(index_elements=["face_id"], set_={"change": there.excluded.change})
        transaction.connection.execute(there, rows)
    else:
        new = mysql.insert(table)
        transaction.connection.execute(new.on_duplicate_key_update(change=new.inserted.change), rows)


def crcs_of(transaction: Transaction, face_ids: Collection[int]) -> dict[int, int]:
    """The CRC-32 of the text that each kept encoding was read from, by face."""
    vectors = tables_of(transaction).vectors
    found: dict[int, int] = {}
    for chunk in chunked(face_ids):
        query = sa.select(vectors.c.face_id, vectors.c.encoding_crc).where(vectors.c.face_id.in_(chunk))
        found |= {int(row.face_id): int(row.encoding_crc) for row in transaction.connection.execute(query)}
    return found


def bits(known: KnownEncoding | None) -> tuple[int, bytes] | None:
    """What two of them can be compared by."""
    return None if known is None else (known.crc, known.numbers.tobytes())


def sum_of(rows: Sequence[bytes]) -> EncodingSum:
    """The sum of encodings as they are kept."""
    return EncodingSum.of(np.stack([numbers_of(row) for row in rows])) if rows else NOTHING


def first_in_groups(transaction: Transaction, most: int) -> Matrix:
    """The encodings of the faces in groups with the smallest ids, up to so many, shape (n, 128), in one statement."""
    tables = tables_of(transaction)
    members, vectors = tables.group_members, tables.vectors
    query = (
        sa.select(vectors.c.encoding)
        .join(members, members.c.face_id == vectors.c.face_id)
        .order_by(members.c.face_id)
        .limit(most)
    )
    rows = [numbers_of(data) for data in transaction.connection.execute(query).scalars()]
    return np.stack(rows).astype(np.float32) if rows else np.empty((0, ENCODING_LENGTH), np.float32)


def first_confirmed(transaction: Transaction, person_ids: Collection[int]) -> dict[int, Encoding]:
    """The first confirmed face of each of these people that has an encoding, by person."""
    tables = tables_of(transaction)
    index, vectors = tables.face_index, tables.vectors
    faces_of: dict[int, int] = {}
    for chunk in chunked(person_ids):
        query = (
            sa.select(index.c.person_id, sa.func.min(index.c.face_id).label("face_id"))
            .join(vectors, vectors.c.face_id == index.c.face_id)
            .where(index.c.person_id.in_(chunk), index.c.state == FaceState.CONFIRMED)
            .group_by(index.c.person_id)
        )
        faces_of |= {int(row.face_id): int(row.person_id) for row in transaction.connection.execute(query)}
    return {faces_of[face]: known.numbers for face, known in kept_of(transaction, faces_of).items()}


def numbers_of(data: bytes) -> Encoding:
    """The encoding in a row of ours, shape (128,)."""
    return np.frombuffer(data, "<f4").astype(np.float64)
