"""Pages of faces that go on behind a place, not behind a face: it may be another's by now, or be gone. Only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from faces.errors import RequestError
from faces.people.kept_face import FaceState
from faces.store.database import Transaction
from faces.store.scan_marks import is_listed
from faces.store.sidecar.lists.face_order import Stretch, both

#: In which order states are listed: what a person has said first.
_IN_ORDER = (
    *(FaceState.CONFIRMED, FaceState.LINKED, FaceState.SUGGESTED),
    *(FaceState.UNKNOWN, FaceState.STRANGER, FaceState.NOT_FACE),
)

#: States of the faces that are a person's, or that the person is offered for.
OF_PERSON = _IN_ORDER[:3]


@dataclass(frozen=True, slots=True)
class FacePlace:
    """A face's place in a list: in which stretch of it, by which value there, and its id."""

    stretch: int
    value: datetime | float | None
    face_id: int


@dataclass(frozen=True, slots=True)
class Month:
    """The photos of a month by the camera's clock; of no month those without a time."""

    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class FaceChoice:
    """Which faces: of one group, or of these states, then perhaps of one person, and of a month where it is one's."""

    person: int | None = None
    group: int | None = None
    states: Collection[FaceState] = _IN_ORDER
    month: Month | None = None
    min_quality: float | None = None


def faces_behind(transaction: Transaction, choice: FaceChoice, place: FacePlace | None, limit: int) -> list[FacePlace]:
    """At most `limit` faces behind a place, each with its own: the next page begins behind the last one.

    A group's are ordered by quality, a person's and those of a state by state, then the newest photos first; offers,
    and the faces of whoever, the likeliest first.

    Raises:
        SchemaError: the database has no such tables.
        RequestError: the place is one of another list.
    """
    stretches = _stretches(choice)
    found: list[FacePlace] = []
    behind = None if place is None else _row_at(stretches, place)
    for number in range(place.stretch if place else 0, len(stretches)):
        stretch = stretches[number]
        query = _restricted(transaction, choice, stretch, behind).limit(limit - len(found))
        rows = transaction.connection.execute(query).mappings()
        found += [FacePlace(number, row[stretch.by], row["face_id"]) for row in rows]
        if len(found) == limit:
            break
        behind = None
    return found


def months_of_person(
    transaction: Transaction, person_id: int, states: Collection[FaceState]
) -> list[tuple[tuple[int, int] | None, int]]:
    """Year and month with how many faces of a person in these states have it, the newest first; last those without.

    Raises:
        SchemaError: the database has no such tables.
    """
    index = transaction.schema.require_sidecar().face_index
    year, month = (sa.extract(part, index.c.taken_at) for part in ("year", "month"))
    query = (
        sa.select(year, month, sa.func.count())
        .where(index.c.person_id == person_id, index.c.state.in_(sorted(states)))
        .where(is_listed(transaction.schema, index.c.image_id))
        .group_by(year, month)
    )
    rows = [tuple(row) for row in transaction.connection.execute(query)]
    dated = sorted(((int(row[0]), int(row[1])), int(row[2])) for row in rows if row[0] is not None)
    undated = [(None, int(row[2])) for row in rows if row[0] is None]
    return [*reversed(dated), *undated]


def _row_at(stretches: Sequence[Stretch], place: FacePlace) -> Mapping[str, Any]:
    """What a face at a place would have in the index."""
    stretch = stretches[place.stretch] if place.stretch < len(stretches) else None
    if stretch is not None and (place.value is not None) == stretch.with_value:
        is_time = isinstance(place.value, datetime)
        if place.value is None or is_time == (stretch.by == "taken_at"):
            return {stretch.by: place.value, "face_id": place.face_id}
    raise RequestError("found a place of another list, needed one of a page of this very list")


def _stretches(choice: FaceChoice) -> list[Stretch]:
    if choice.group is not None:
        return list(both({"group_id": choice.group}, "quality"))
    found: list[Stretch] = []
    for state in (state for state in _IN_ORDER if state in choice.states):
        if choice.person is None:
            # No index has all faces of a state by time.
            found += both({"state": state}, "probability")
            continue
        equal = {"person_id": choice.person, "state": state}
        if choice.month is not None:
            found.append(Stretch(equal, "taken_at", with_value=choice.month.since is not None))
        else:
            found += both(equal, "probability" if state is FaceState.SUGGESTED else "taken_at")
    return found


def _restricted(
    transaction: Transaction, choice: FaceChoice, stretch: Stretch, behind: Mapping[str, Any] | None
) -> sa.Select[Any]:
    index = transaction.schema.require_sidecar().face_index
    query = stretch.query(transaction, index, behind).where(is_listed(transaction.schema, index.c.image_id))
    if choice.month is not None and choice.month.since is not None:
        query = query.where(index.c.taken_at >= choice.month.since, index.c.taken_at < choice.month.before)
    return query if choice.min_quality is None else query.where(index.c.quality >= choice.min_quality)
