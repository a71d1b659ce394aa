"""Tries what jobs will write, and takes it back: all of it at a worker's start, anything at all while it waits."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
import sqlalchemy as sa

from faces.errors import SchemaError, StoreUnavailable
from faces.photo.face import ENCODING_LENGTH, Quality, RatioBox
from faces.store import catalogue, driver_errors, faces, failed_jobs, images, queues
from faces.store.cache import DatabaseCache
from faces.store.database import Store, Transaction
from faces.store.failed_jobs import FailedJob
from faces.store.schema import faces as faces_table
from faces.store.schema import images as images_table
from faces.store.sidecar import beside
from faces.store.sidecar.tables import SidecarTables
from faces.store.who import identities_of

#: Seconds for which the rows of the cache would be valid.
_SECONDS = 60

#: An ordinary face.
_QUALITY = Quality(total=50.0, size=12.5, sharpness=17.5, brightness=10.0, contrast=10.0)
_BOX = RatioBox(top=0.25, right=0.75, bottom=0.75, left=0.25)

#: What the driver's codes ask for. All of them are the database's own refusals, however the driver sorts them.
_REMEDIES = {
    **dict.fromkeys((1142, 1143, 1227, 1370), "this user needs the right to it"),
    **dict.fromkeys((1364, 1048), "that column needs a default value, or to be nullable"),
    **dict.fromkeys((1146, 1054), "the app's migrations make it"),
    **dict.fromkeys((3819, 4025), "the constraint must let through what the job writes"),
    **dict.fromkeys((1644, 1442, 1449, 1305), "the trigger must let through what the job writes"),
}

#: A row that refers to one that is not there.
_NO_SUCH_ROW = frozenset({1452, 1216})

#: Codes of NOWAIT for a row that another transaction has locked: MariaDB, MySQL 8; and of a server without NOWAIT.
_LOCKED = frozenset({1205, 3572})
_SYNTAX = 1064


@dataclass(frozen=True, slots=True)
class Needed:
    """What a worker writes beside `images`, `faces` and `queues`; None: nothing there."""

    failed_jobs: tuple[str, ...] | None
    """Columns of `failed_jobs` without which no failure can be recorded."""
    cache_table: str | None
    lock_table: str | None


def try_statements(store: Store, needed: Needed) -> list[str]:
    """Run every statement that this configuration needs in one transaction, which is rolled back.

    Returns:
        What is allowed and yet will hinder some jobs, one sentence each.

    Raises:
        SchemaError: something is missing or refused; the sentence lists all of it by table and column.
        StoreUnavailable: the database does not answer, is read-only or full.
    """
    faults = store.try_out(lambda transaction: _Trial(transaction).run(needed, store))
    if faults:
        raise SchemaError(f"the database {store.name} does not take what the worker writes: {'; '.join(faults)}")
    with store.reading() as transaction:
        return list(_warnings(transaction.connection))


def require_writes(store: Store) -> None:
    """See that the database takes writes, where an answer alone does not tell: it may be read-only, or full.

    A row that only its table refuses, for a right or a column, is no error: the server takes others.

    Raises:
        StoreUnavailable: it takes none, or cannot be used at all.
    """
    store.try_out(_write_anything)


def _write_anything(transaction: Transaction) -> None:
    """A row of `failed_jobs`, or where there is no such table an image's."""
    try:
        if "failed_jobs" in transaction.schema.tables:
            failed_jobs.record(transaction, FailedJob(str(uuid4()), "probe", "probe", "{}", "rolled back"))
        else:
            nowhere = sa.update(images_table).where(images_table.c.id == 0)
            transaction.connection.execute(nowhere.values(updated_at=images_table.c.updated_at))
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated or driver_errors.is_unavailable(error):
            raise


@dataclass(slots=True)
class _Trial:
    """One transaction; `faults` is what was refused in it."""

    transaction: Transaction
    faults: list[str] = field(default_factory=list)

    def run(self, needed: Needed, store: Store) -> list[str]:
        self._try_images_and_faces()
        with self._statement("DELETE", "queues"):
            queues.forget(self.transaction, secrets.token_bytes(16))
        if needed.failed_jobs is not None:
            self._try_failed_jobs(needed.failed_jobs)
        if needed.cache_table:
            self._try_cache(DatabaseCache(store, "", table=needed.cache_table), needed.cache_table)
        if needed.lock_table:
            self._try_locks(DatabaseCache(store, "", locks=needed.lock_table), needed.lock_table)
        if self.transaction.schema.sidecar and not self.transaction.schema.ours:
            self._try_our_tables(self.transaction.schema.sidecar)
        return self.faults

    def _try_images_and_faces(self) -> None:
        """In the job's order of locks. Without any image, a face that refers to none is as far as it can get."""
        image_id = 0
        with self._statement("UPDATE", "images"):
            image_id = self._an_image()
            changes = {"faces_checked": 1, "debug_filename": "debug_a.jpg", "last_error": None}
            self._update(images_table, image_id, changes)
        face_id = 0
        with self._statement("INSERT", "faces"):
            face_id = self._insert_face(image_id)
        with self._statement("UPDATE", "faces"):
            self._update(faces_table, face_id, self._face(image_id) | {"deleted_at": self.transaction.now})

    def _an_image(self) -> int:
        """The newest image that waits for its job, or else the newest, locked; 0 where there is none that is free."""
        query = sa.select(images_table.c.id).order_by(images_table.c.faces_checked, images_table.c.id.desc()).limit(1)
        found: int = self._run(query).scalar() or 0
        locked = sa.select(images_table.c.id).where(images_table.c.id == found)
        try:
            # A worker that has the image keeps it as long as its transaction takes: no start waits for that.
            self._run(locked.with_for_update(nowait=True))
        except sa.exc.DBAPIError as error:
            code, _ = driver_errors.told(error)
            if code in _LOCKED:
                return 0
            if code != _SYNTAX:
                raise
            images.lock(self.transaction, found)
        return found

    def _insert_face(self, image_id: int) -> int:
        """The id of a new row; 0 if there is no image for it."""
        try:
            return faces.insert(self.transaction, image_id, self._face(image_id))
        except sa.exc.IntegrityError as error:
            code, text = driver_errors.told(error)
            if not image_id and (code in _NO_SUCH_ROW or "FOREIGN KEY" in text):
                return 0
            raise

    def _face(self, image_id: int) -> dict[str, Any]:
        """What the job writes into a face's row, as far as the database has it: at the first number that is free."""
        taken = {row.face_index for row in faces.lock_of_image(self.transaction, image_id)}
        values = {
            "face_index": min(set(range(256)) - taken, default=255),
            "encoding": faces.write_encoding(np.zeros(ENCODING_LENGTH)),
            "quality_score": _QUALITY.total,
            "quality_details": faces.write_quality_details(_QUALITY),
            "box": faces.write_box(_BOX),
        }
        there = {name: value for name, value in values.items() if name in self.transaction.schema.face_columns}
        return there | identities_of(self.transaction.schema).try_link(self.transaction)

    def _try_failed_jobs(self, columns: tuple[str, ...]) -> None:
        there = self.transaction.schema.failed_columns
        lacking = [f"failed_jobs.{name}" for name in columns if name not in there]
        if lacking:
            self.faults.append(f"it lacks {', '.join(lacking)}{_remedy(1054)}")
            return
        row = {
            **{"uuid": str(uuid4()), "connection": "rabbitmq", "queue": "faces", "payload": "{}"},
            **{"exception": "tried at a worker's start", "failed_at": self.transaction.now},
        }
        table = sa.table("failed_jobs", *(sa.column(name) for name in row))
        with self._statement("INSERT", "failed_jobs"):
            self._run(sa.insert(table).values({name: value for name, value in row.items() if name in there}))

    def _try_cache(self, cache: DatabaseCache, table: str) -> None:
        key = f"face-sidecar-trial:{secrets.token_hex(8)}"
        with self._statement("INSERT, UPDATE and DELETE", table):
            # The second one finds the first.
            cache.increment(key, _SECONDS, self.transaction)
            cache.increment(key, _SECONDS, self.transaction)
            cache.forget(key, self.transaction)

    def _try_locks(self, cache: DatabaseCache, table: str) -> None:
        key = f"face-sidecar-trial:{secrets.token_hex(8)}"
        with self._statement("INSERT, UPDATE and DELETE", table):
            cache.acquire(key, "trial", _SECONDS, self.transaction)
            cache.renew(key, "trial", _SECONDS, self.transaction)
            cache.release(key, "trial", self.transaction)

    def _try_our_tables(self, tables: SidecarTables) -> None:
        """Of no row, which needs the same rights and spends no number; those of one table are told together."""
        for table in tables.metadata.sorted_tables:
            key = next(iter(table.primary_key))
            none = sa.select(table).where(key != key)
            before = len(self.faults)
            for kind, statement in {
                "SELECT": none,
                "INSERT": sa.insert(table).from_select(list(table.c), none),
                "UPDATE": sa.update(table).where(key != key).values({key: key}),
                "DELETE": sa.delete(table).where(key != key),
            }.items():
                with self._statement(kind, table.name):
                    self._run(statement)
            if any(_REMEDIES[1142] in fault for fault in self.faults[before:]):
                place = beside.place_of(self.transaction.connection, table.schema, table.name)
                self.faults.append(beside.grant(self.transaction.connection, beside.RIGHTS, place))

    def _update(self, table: sa.Table, row: int, changes: dict[str, Any]) -> None:
        """Rights and columns are looked at also where there is no such row."""
        values = {**changes, "updated_at": self.transaction.now}
        self._run(sa.update(table).where(table.c.id == row).values(**values))

    def _run(self, statement: sa.Executable) -> sa.CursorResult[Any]:
        return self.transaction.connection.execute(statement)

    @contextmanager
    def _statement(self, kind: str, table: str) -> Iterator[None]:
        """Note a refusal and go on: all of them are told at once. What says nothing about the tables ends the trial."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            code, text = driver_errors.told(error)
            is_refusal = code in _REMEDIES or not isinstance(driver_errors.ours(error, ""), StoreUnavailable)
            if driver_errors.is_conflict(error) or not is_refusal:
                raise
            self.faults.append(f"{kind} on {table} refused: {text}{_remedy(code)}")


def _remedy(code: int | None) -> str:
    return f" ({_REMEDIES[code]})" if code in _REMEDIES else ""


def _warnings(connection: sa.Connection) -> Iterator[str]:
    for index in catalogue.indexes(connection, "faces"):
        if index.is_unique and set(index.columns) == {"image_id", "face_index"}:
            yield (
                "found a UNIQUE index over faces.image_id and faces.face_index, which no migration of the app makes: "
                "a removed (soft-deleted) face keeps its number there, so that the database refuses a new face at that "
                "number, and its job fails"
            )
