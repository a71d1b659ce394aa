"""The one row of `library`: the change number that processes follow, and what holds for all groups at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.people.groups.alarm import Alarm
from faces.people.products import Matrix
from faces.photo.face import ENCODING_LENGTH
from faces.store.database import Transaction
from faces.store.sidecar.tables import SidecarTables

_ONE = 1


@dataclass(frozen=True, slots=True)
class LibraryState:
    """What a process follows by; read in one query."""

    change: int
    number: int
    """Of the neighbourhood in force; 0: some of the first faces stand in for groups."""
    alarm: Alarm
    alarm_strength: float
    """As it was when the neighbourhood in force was made."""
    joined_at_faces: int
    """How many faces were in groups when groups were joined last."""
    never_change: int
    not_face_change: int
    """By which a face came to be none, or ceased to, last."""
    not_face_looked: int
    """Up to which of these all other faces were compared."""
    cohort: str | None
    """The version of the cohort that the neighbourhood in force was made with."""


@dataclass(frozen=True, slots=True)
class LastLook:
    """At what the app changed: UTC without a zone."""

    at: datetime | None
    """When a process began it."""
    until: datetime | None
    """The time of change, as the app wrote it, of the rows up to which nothing is left."""


def tables_of(transaction: Transaction) -> SidecarTables:
    """Our tables; asked for only where there are some."""
    tables = transaction.schema.sidecar
    if tables is None:
        raise AssertionError("found no tables of people and groups, needed are some: the caller looks first")
    return tables


def read(transaction: Transaction) -> LibraryState:
    """The row as it is."""
    library = tables_of(transaction).library
    names = (
        *("change", "number", "alarm_steps", "alarm_faces", "alarm_strength"),
        *("joined_at_faces", "never_change", "not_face_change", "not_face_looked", "cohort"),
    )
    row = transaction.connection.execute(sa.select(*(library.c[name] for name in names))).one()
    return LibraryState(
        change=int(row.change),
        number=row.number,
        alarm=Alarm(int(row.alarm_steps), int(row.alarm_faces)),
        alarm_strength=row.alarm_strength,
        joined_at_faces=int(row.joined_at_faces),
        never_change=int(row.never_change),
        not_face_change=int(row.not_face_change),
        not_face_looked=int(row.not_face_looked),
        cohort=row.cohort,
    )


def read_own_middles(transaction: Transaction) -> Matrix:
    """The middles of the own groups in the neighbourhood in force, largest first, shape (n, 128)."""
    data = transaction.connection.execute(sa.select(tables_of(transaction).library.c.own_middles)).scalar()
    return np.frombuffer(data or b"", "<f4").reshape(-1, ENCODING_LENGTH).astype(np.float32)


def hold(transaction: Transaction) -> None:
    """Lock the row: of several processes that would add the same person one adds it, and the others find it."""
    library = tables_of(transaction).library
    transaction.connection.execute(sa.select(library.c.id).with_for_update()).all()


def next_change(
    transaction: Transaction, alarm: Alarm | None = None, *, refusals: bool = False, not_faces: bool = False
) -> int:
    """Count a change, the last thing to lock in a transaction: so numbers are seen in the order of commits.

    Args:
        transaction: the one that changes people or groups.
        alarm: what it adds to the alarm of all faces in groups; numbers may be below 0.
        refusals: whether a refusal came or went.
        not_faces: whether a face came to be none, or ceased to.
    """
    library = tables_of(transaction).library
    values: dict[str, Any] = {"change": library.c.change + 1}
    if alarm is not None and (alarm.faces or alarm.steps):
        values["alarm_steps"] = library.c.alarm_steps + alarm.steps
        values["alarm_faces"] = library.c.alarm_faces + alarm.faces
    _update(transaction, values)
    change = int(transaction.connection.execute(sa.select(library.c.change)).scalar_one())
    told = {"never_change": refusals, "not_face_change": not_faces}
    if values := {name: change for name, is_so in told.items() if is_so}:
        _update(transaction, values)
    return change


def publish(transaction: Transaction, number: int, cohort: str, own_middles: Matrix, alarm_strength: float) -> bool:
    """Put the neighbourhood of this number in force; False where another process has put one there meanwhile."""
    library = tables_of(transaction).library
    values = {
        "number": number,
        "cohort": cohort,
        "own_middles": np.ascontiguousarray(own_middles, "<f4").tobytes(),
        "alarm_strength": alarm_strength,
        "change": library.c.change + 1,
    }
    query = sa.update(library).where(library.c.number == number - 1).values(**values)
    return bool(transaction.connection.execute(query).rowcount)


def take_joining(transaction: Transaction, process: str, seconds: int) -> bool:
    """Take, or keep, the right to join groups for so long; False while another process has it."""
    library = tables_of(transaction).library
    free = sa.or_(
        library.c.joining_until.is_(None),
        library.c.joining_until < transaction.now,
        library.c.joining_by == process,
    )
    values = {"joining_until": transaction.now + timedelta(seconds=seconds), "joining_by": process}
    return bool(transaction.connection.execute(sa.update(library).where(free).values(**values)).rowcount)


def give_up_joining(transaction: Transaction, process: str, joined_at_faces: int | None = None) -> None:
    """Give the right back and, where groups have been joined, say at how many faces."""
    library = tables_of(transaction).library
    values: dict[str, Any] = {"joining_until": None, "joining_by": None}
    if joined_at_faces is not None:
        values["joined_at_faces"] = joined_at_faces
    transaction.connection.execute(sa.update(library).where(library.c.joining_by == process).values(**values))


def take_look(transaction: Transaction, seconds: float) -> bool:
    """Take the right to look at what the app changed; False where a process has looked in the last `seconds`."""
    library = tables_of(transaction).library
    # One in the future is of a clock that was set back since.
    lately = library.c.looked_at.between(transaction.now - timedelta(seconds=seconds), transaction.now)
    is_due = sa.or_(library.c.looked_at.is_(None), sa.not_(lately))
    query = sa.update(library).where(library.c.id == _ONE, is_due).values(looked_at=transaction.now)
    return bool(transaction.connection.execute(query).rowcount)


def last_look(transaction: Transaction) -> LastLook:
    """When a process began to look at what the app changed last, and how far it came."""
    library = tables_of(transaction).library
    row = transaction.connection.execute(sa.select(library.c.looked_at, library.c.looked_until)).one()
    return LastLook(row.looked_at, row.looked_until)


def note_look(transaction: Transaction, until: datetime | None) -> None:
    """Note up to which time of change the app's rows have been looked at."""
    _update(transaction, {"looked_until": until})


def match_rule(transaction: Transaction) -> str:
    """What links by itself where the settings do not say."""
    rule = transaction.connection.execute(sa.select(tables_of(transaction).library.c.match_rule)).scalar_one()
    return str(rule)


def _update(transaction: Transaction, values: dict[str, Any]) -> None:
    library = tables_of(transaction).library
    transaction.connection.execute(sa.update(library).where(library.c.id == _ONE).values(**values))
