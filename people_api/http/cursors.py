"""Where a list goes on: a place in its order as an opaque word, which stays right when rows before it come or go."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from faces.errors import RequestError
from faces.store.sidecar.lists.face_places import FacePlace
from faces.store.sidecar.lists.group_pages import GroupPlace
from faces.store.sidecar.lists.people_pages import PersonPlace

T = TypeVar("T")

#: What a row's id is at most, on every database.
_LARGEST = 2**63 - 1


class BadCursor(RequestError):
    """A cursor that no list of this kind has given."""

    code = "bad_cursor"


def write(*values: int | float | str | None) -> str:
    """A cursor of these values."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def of_face(place: FacePlace) -> str:
    """That of a list of faces."""
    value = place.value
    return write(place.stretch, value.isoformat() if isinstance(value, datetime) else value, place.face_id)


def face_place(cursor: str | None) -> FacePlace | None:
    """The place in a list of faces; None at its begin."""

    def read(stretch: Any, value: Any, face_id: Any) -> FacePlace:
        read_value = datetime.fromisoformat(value) if isinstance(value, str) else _number(value)
        return FacePlace(_whole(stretch), read_value, _whole(face_id))

    return _read(cursor, read)


def person_place(cursor: str | None) -> PersonPlace | None:
    """The place in a list of people."""
    return _read(cursor, lambda confirmed, person: (_whole(confirmed), _whole(person)))


def group_place(cursor: str | None) -> GroupPlace | None:
    """The place in a list of groups."""
    return _read(
        cursor,
        lambda person, size, group: (None if person is None else _whole(person), _whole(size), _whole(group)),
    )


def entry(cursor: str | None) -> int | None:
    """The entry of the ledger before which a page begins."""
    return _read(cursor, _whole)


def _read(cursor: str | None, read: Callable[..., T]) -> T | None:
    if cursor is None:
        return None
    try:
        return read(*json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadCursor(f"found the cursor {cursor[:64]!r}, needed `next` of a page of this very list") from error


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError(value)
    return value


def _number(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    if number != number or abs(number) == float("inf"):
        raise ValueError(value)
    return number
