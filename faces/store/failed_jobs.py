"""Laravel's table `failed_jobs`: jobs that ended without success, as `queue:failed` and `queue:retry` read them.

With its driver `database-uuids` a row is known by its uuid; tables of the older driver `database` may lack that column.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import time
from dataclasses import dataclass
from uuid import NAMESPACE_OID, UUID

import sqlalchemy as sa

from faces.errors import SchemaError
from faces.laravel.php_json import storable
from faces.store import driver_errors
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

#: Seconds between two looks whether `queue:retry` has deleted its row.
_LOOK_SECONDS = 0.05

#: Bytes of a statement without the row's two long texts, more than enough.
_STATEMENT = 4096

#: What the driver writes as two characters into a statement.
_ESCAPED = re.compile(rb"[\0\n\r\x1a\"'\\]")


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A row of `failed_jobs`; `connection` is the app's name for the queue's connection, `exception` what happened.

    It knows the plainer forms of itself, for tables that do not take it as it is.
    """

    uuid: str
    connection: str
    queue: str
    payload: str
    exception: str
    bytes_of_message: int = 0
    whole: bool = True
    """Whether the payload is the whole message; False where that is no text."""

    @classmethod
    def of(cls, uuid: str | None, connection: str, queue: str, body: bytes, exception: str) -> FailedJob:
        """The row of a message with this body.

        A message without a usable `uuid` gets one out of its body: a second delivery then makes no second row.
        """
        chosen = uuid if uuid and _fits(uuid) else str(uuid_of(body))
        try:
            payload, whole = body.decode("utf-8"), True
        except UnicodeDecodeError:
            payload, whole = "", False
        return cls(chosen, connection, queue, payload, storable(exception), len(body), whole)

    @property
    def size(self) -> int:
        """Bytes of the statement that writes it, at most."""
        texts = (self.payload.encode(), self.exception.encode())
        return _STATEMENT + sum(len(text) + len(_ESCAPED.findall(text)) for text in texts)

    def in_ascii(self) -> FailedJob | None:
        r"""The same job for a table that holds no such characters; None where it cannot be, or is ASCII already.

        Within JSON `\uXXXX` is the same character, so that `queue:retry` pushes the same job.
        """
        try:
            json.loads(self.payload)
        except (ValueError, RecursionError):
            return None
        payload = re.sub(r"[^\x00-\x7f]+", lambda found: json.dumps(found[0])[1:-1], self.payload)
        exception = self.exception.encode("ascii", "backslashreplace").decode()
        written = dataclasses.replace(self, payload=payload, exception=exception)
        return None if written == self else written

    def short(self, place: str) -> FailedJob:
        """A row for a message that is kept whole in the queue `place`."""
        payload = json.dumps({"uuid": self.uuid, "unrecorded": place, "bytes": self.bytes_of_message})
        exception = self.exception.encode("ascii", "backslashreplace").decode()
        told = f"The message has {self.bytes_of_message} bytes and is whole in RabbitMQ's queue {place}."
        return dataclasses.replace(self, payload=payload, exception=f"{exception[:_STATEMENT]}\n{told}", whole=False)


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


def room(store: Store) -> int | None:
    """Bytes that one statement may have; None where there is no such limit.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    with store.reading() as transaction:
        if transaction.connection.dialect.name == "sqlite":
            return None
        return int(transaction.connection.execute(sa.text("SELECT @@max_allowed_packet")).scalar_one())


def record(transaction: Transaction, job: FailedJob) -> None:
    """Write a job's row; where it has one, because its last delivery ended before the reject, that one is updated.

    Raises:
        SchemaError: there is no such table.
    """
    values = _values(transaction, job)
    if not values:
        raise SchemaError("the database lacks table failed_jobs: the app's migrations make it")
    if "uuid" not in values:
        _record_without_uuid(transaction, values)
        return
    try:
        # Not INSERT … ON DUPLICATE KEY UPDATE: the app's user may have no right to update, and seldom needs it.
        transaction.connection.execute(sa.insert(_failed).values(**values))
    except sa.exc.IntegrityError:
        updated = sa.update(_failed).where(_failed.c.uuid == job.uuid).values(**values)
        if not transaction.connection.execute(updated).rowcount:
            raise


def replace(transaction: Transaction, uuid: str, job: FailedJob) -> bool:
    """Make the row of an earlier job that of this one; False where it is gone, or this job has a row itself."""
    mine = sa.select(_failed.c.uuid).where(_failed.c.uuid.in_([uuid, job.uuid])).with_for_update()
    if transaction.connection.execute(mine).scalars().all() != [uuid]:
        return False
    transaction.connection.execute(
        sa.update(_failed).where(_failed.c.uuid == uuid).values(**_values(transaction, job))
    )  # fmt: skip
    return True


def naming(transaction: Transaction, class_name: str, image_id: int) -> list[tuple[str, str]]:
    """Rows that may be of a job of this class for this image, newest first: their uuids and payloads.

    Whether they are, only the payload tells: those that are encrypted are all among them. Without uuids there are none,
    nor where the app's user may not read them.
    """
    if "uuid" not in transaction.schema.failed_columns:
        return []
    body = sa.cast(_failed.c.payload, sa.LargeBinary)
    ids = [f's:8:"image_id";i:{image_id};', f's:8:"image_id";s:{len(str(image_id))}:"{image_id}";']
    named = [sa.func.instr(body, _in_json(text)) > 0 for text in ids]
    encrypted = sa.func.instr(body, b'"command":"O:') == 0
    query = (
        sa.select(_failed.c.uuid, _failed.c.payload)
        .where(sa.func.instr(body, _in_json(class_name)) > 0, sa.or_(*named, encrypted))
        .order_by(_failed.c.id.desc())
    )
    try:
        return [(str(row[0]), str(row[1])) for row in transaction.connection.execute(query)]
    except sa.exc.DBAPIError as error:
        if driver_errors.is_unavailable(error):
            raise
        return []


def _fits(uuid: str) -> bool:
    return len(uuid) <= _LONGEST_UUID and uuid == storable(uuid)


def _exists(store: Store, uuid: str) -> bool:
    if "uuid" not in store.schema.failed_columns:
        return False
    with store.reading() as transaction:
        query = sa.select(_failed.c.id).where(_failed.c.uuid == uuid)
        return transaction.connection.execute(query).first() is not None


def _record_without_uuid(transaction: Transaction, values: dict[str, object]) -> None:
    """A row with the same payload is the same job's."""
    same = sa.select(_failed.c.id).where(_failed.c.payload == values["payload"]).limit(1)
    found = transaction.connection.execute(same).scalar()
    changing = sa.insert(_failed) if found is None else sa.update(_failed).where(_failed.c.id == found)
    transaction.connection.execute(changing.values(**values))


def _values(transaction: Transaction, job: FailedJob) -> dict[str, object]:
    """The columns that exist."""
    values = {
        "uuid": job.uuid,
        "connection": job.connection,
        "queue": job.queue,
        "payload": job.payload,
        "exception": job.exception,
        "failed_at": transaction.now,
    }
    return {name: value for name, value in values.items() if name in transaction.schema.failed_columns}


def _in_json(text: str) -> bytes:
    """A text as it stands within a JSON string."""
    return json.dumps(text)[1:-1].encode("ascii")
