"""The opened database: reading, and writing in one repeatable transaction. The drivers' exceptions end here."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import TypeVar

import sqlalchemy as sa

from faces.errors import StoreUnavailable
from faces.store import connect, driver_errors
from faces.store.schema import Schema

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Times that a transaction is tried when it conflicts with others, and seconds after which it is not tried again.
_TRIES = 12
_PATIENCE = 120.0

#: Parameters of one statement; SQLite's own limit is 32766, and before 3.32 it was 999.
_PARAMETERS = 900

_dice = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction in progress: what the table modules need to do their work. For one thread, and not kept."""

    connection: sa.Connection
    schema: Schema
    now: datetime
    """UTC without a zone, whole seconds, as Laravel writes it."""


class Store:
    """A database of images and faces, opened once for a process.

    Threads may share it: each reading and each write has its own connection.
    """

    def __init__(self, engine: sa.Engine, name: str, found: Schema, tables_database: str | None = None) -> None:
        self._engine, self._at_once = engine, connect.at_once_of(engine)
        self._writing = engine.execution_options(**{connect.WRITES: True})
        self.name = name
        self.schema = found
        self.is_file = engine.dialect.name == "sqlite"
        self.tables_database = None if self.is_file else tables_database

    @classmethod
    def open(
        cls, url: str, *, create: bool = False, tables_database: str | None = None, any_sidecar: bool = False
    ) -> Store:
        """Open the database and look what it has.

        Args:
            url: SQLAlchemy's, of MySQL, MariaDB or a SQLite file.
            create: a SQLite file that is not there is made.
            tables_database: another database of the same server that has our tables; a file has its own.
            any_sidecar: also where our tables cannot be used, for the verb that mends them; they are not used then.

        Raises:
            SettingsError: the URL is of no database that we can use, the file is not there, or `tables_database` has
                not got our tables.
            StoreUnavailable: the database does not answer.
            SchemaError: it lacks something essential, or a newer version of ours made it.
        """
        engine = connect.engine_of(url, create=create)
        name = connect.name_of(engine)
        try:
            with _translated(name):
                found = connect.prepare(engine, create=create, tables_database=tables_database, any_sidecar=any_sidecar)
        except BaseException:
            engine.dispose()
            raise
        if found.missing:
            log.info("the database %s has no %s; going on without", name, ", ".join(found.missing))
        return cls(engine, name, found, tables_database)

    def close(self) -> None:
        """Give the connections back."""
        self.drop_idle()

    def drop_idle(self) -> None:
        """Close the connections that are not in use, so that the next use asks anew where the database is."""
        self._engine.dispose()
        self._at_once.dispose()

    def ping(self) -> None:
        """See that the database answers.

        Raises:
            StoreUnavailable: it does not answer.
        """
        with self.reading() as transaction:
            transaction.connection.execute(sa.select(1))

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Statements that only read and lock nothing, each as the database is at its moment.

        Only on a SQLite file they are one transaction; elsewhere its end would cost one more round trip.

        Raises:
            StoreUnavailable: the database cannot be used, or was lost meanwhile.
        """
        with _translated(self.name), self._at_once.connect() as connection:
            yield Transaction(connection, self.schema, _now())

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction and commit; when it conflicts with others, run all of it again.

        `work` therefore must do nothing that the rollback does not undo.

        Raises:
            StoreUnavailable: the database cannot be used, or is too busy for long.
        """
        return self._patiently(work)

    def write_at_once(self, work: Callable[[Transaction], T]) -> T:
        """Run `work`, each of whose statements commits itself: what it wrote never waits for a commit of ours.

        When it conflicts with others, all of it is run again. A SQLite file gets a transaction: it has no such mode.

        Raises:
            StoreUnavailable: the database cannot be used, or is too busy for long.
        """
        return self._patiently(work, at_once=not self.is_file)

    def try_out(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` as `write` does and roll it back, whatever it wrote: whether the database would take it now.

        Raises:
            StoreUnavailable: the database cannot be used, takes no writes, or is too busy for long.
        """
        return self._patiently(work, keep=False)

    def _patiently(self, work: Callable[[Transaction], T], *, at_once: bool = False, keep: bool = True) -> T:
        start = time.monotonic()
        for number in range(1, _TRIES + 1):
            with _translated(self.name):
                try:
                    if at_once:
                        with self._at_once.connect() as connection:
                            return work(Transaction(connection, self.schema, _now()))
                    with self._writing.connect() as connection, connection.begin() as transaction:
                        done = work(Transaction(connection, self.schema, _now()))
                        if not keep:
                            transaction.rollback()
                        return done
                except sa.exc.DBAPIError as error:
                    if not driver_errors.is_conflict(error):
                        raise
                    log.debug("attempt %d of a transaction met another: %s", number, error.orig)
            if time.monotonic() - start > _PATIENCE:
                break
            time.sleep(_dice.uniform(0.2, 1) * min(0.01 * 2**number, 2))
        raise StoreUnavailable(f"the database {self.name} is too busy: other programs lock the same rows all the time")


def chunked(ids: Iterable[T]) -> Iterator[list[T]]:
    """Ids or words in lists that a statement can take as parameters."""
    rest = iter(ids)
    while chunk := list(islice(rest, _PARAMETERS)):
        yield chunk


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise driver_errors.ours(error, name) from error
    except connect.DRIVER_ERRORS as error:
        # Past SQLAlchemy: while it returns a connection that was lost just then.
        raise StoreUnavailable(f"the database {name} was lost: {error.args[-1]}") from error


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None, microsecond=0)
