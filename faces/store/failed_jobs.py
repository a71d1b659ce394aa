"""Laravel's table `failed_jobs`: jobs that ended without success, as `queue:failed` and `queue:retry` read them."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass
from uuid import NAMESPACE_OID, UUID

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

from faces.storable import storable
from faces.store.database import Store, Transaction
from faces.store.schema import TIME

_failed = sa.Table(
    "failed_jobs",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("uuid", sa.String(255)),
    sa.Column("connection", sa.Text),
    sa.Column("queue", sa.Text),
    sa.Column("payload", sa.Text),
    sa.Column("exception", sa.Text),
    sa.Column("failed_at", TIME),
)

#: Characters that the column `uuid` holds.
_LONGEST_UUID = 255

#: Characters of a message that are kept: together they stay below 16 MB, what MariaDB takes in one statement.
_LONGEST_PAYLOAD = 2_000_000

#: Seconds between two looks whether `queue:retry` has deleted its row.
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A row of `failed_jobs`; `connection` is the app's name for the queue's connection, `exception` what happened."""

    uuid: str
    connection: str
    queue: str
    payload: str
    exception: str

    @classmethod
    def of(cls, uuid: str | None, connection: str, queue: str, body: bytes, exception: str) -> FailedJob:
        """The row of a message with this body; a body that is not text is kept as base64, and `exception` says so.

        A message without a usable `uuid` gets one out of its body: a second delivery then makes no second row.
        """
        payload, notes = _text_of(body)
        if len(payload) > _LONGEST_PAYLOAD:
            notes.append(f"The message has {len(body)} bytes; payload is its beginning.")
        chosen = uuid if uuid and _fits(uuid) else str(uuid_of(body))
        exception = "\n".join([storable(exception), *notes])
        return cls(chosen, connection, queue, payload[:_LONGEST_PAYLOAD], exception)


def uuid_of(body: bytes) -> UUID:
    """A name for a message that has none: the UUID (version 5) of its bytes."""
    digest = hashlib.sha1(NAMESPACE_OID.bytes + body, usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


def wait_until_gone(store: Store, uuid: str, seconds: float) -> None:
    """Wait for as long as a job's earlier row is there, so that a new one is not deleted in its place.

    `queue:retry` pushes a job first and deletes its row after; a job that fails again at once can be quicker.
    """
    end = time.monotonic() + seconds
    while _exists(store, uuid) and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)


def record(transaction: Transaction, job: FailedJob) -> None:
    """Write a job's row; where it has one, because its last delivery ended before the reject, that one is updated."""
    values = _values(transaction, job)
    if transaction.connection.dialect.name == "sqlite":
        on_sqlite = sqlite.insert(_failed).values(uuid=job.uuid, **values)
        transaction.connection.execute(on_sqlite.on_conflict_do_update(index_elements=["uuid"], set_=values))
    else:
        on_mysql = mysql.insert(_failed).values(uuid=job.uuid, **values)
        transaction.connection.execute(on_mysql.on_duplicate_key_update(**values))


def replace(transaction: Transaction, uuid: str, job: FailedJob) -> bool:
    """Make the row of an earlier job that of this one; False where it is gone, or this job has a row itself."""
    mine = sa.select(_failed.c.uuid).where(_failed.c.uuid.in_([uuid, job.uuid])).with_for_update()
    if transaction.connection.execute(mine).scalars().all() != [uuid]:
        return False
    values = _values(transaction, job) | {"uuid": job.uuid}
    transaction.connection.execute(sa.update(_failed).where(_failed.c.uuid == uuid).values(**values))
    return True


def naming(transaction: Transaction, class_name: str, image_id: int) -> list[tuple[str, str]]:
    """Rows that may be of a job of this class for this image, newest first: their uuids and payloads.

    Whether they are, only the payload tells: those that are encrypted are all among them.
    """
    body = sa.cast(_failed.c.payload, sa.LargeBinary)
    ids = [f's:8:"image_id";i:{image_id};', f's:8:"image_id";s:{len(str(image_id))}:"{image_id}";']
    named = [sa.func.instr(body, _in_json(text)) > 0 for text in ids]
    encrypted = sa.func.instr(body, b'"command":"O:') == 0
    query = (
        sa.select(_failed.c.uuid, _failed.c.payload)
        .where(sa.func.instr(body, _in_json(class_name)) > 0, sa.or_(*named, encrypted))
        .order_by(_failed.c.id.desc())
    )
    return [(str(row[0]), str(row[1])) for row in transaction.connection.execute(query)]


def _text_of(body: bytes) -> tuple[str, list[str]]:
    """A body as text, and what has to be said of it."""
    try:
        return body.decode("utf-8"), []
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), ["The message is not UTF-8; payload is base64."]


def _fits(uuid: str) -> bool:
    return len(uuid) <= _LONGEST_UUID and uuid == storable(uuid)


def _exists(store: Store, uuid: str) -> bool:
    with store.reading() as transaction:
        query = sa.select(_failed.c.id).where(_failed.c.uuid == uuid)
        return transaction.connection.execute(query).first() is not None


def _values(transaction: Transaction, job: FailedJob) -> dict[str, object]:
    return {
        "connection": job.connection,
        "queue": job.queue,
        "payload": job.payload,
        "exception": job.exception,
        "failed_at": transaction.now,
    }


def _in_json(text: str) -> bytes:
    """A text as it stands within a JSON string."""
    return json.dumps(text)[1:-1].encode("ascii")
