"""All facts of a library as a text: rows of faces, who is who, groups, answers and refusals; not what only counts."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

#: Letters of a text that is told whole.
_LONGEST = 100

#: Columns of each table that are no facts, or only count changes.
_SKIPPED = {
    "groups": {"revision", "change", "unsettled", "offered_person_id", "probability", "around", "cohort_number"},
    "group_members": set[str](),
    "answers": set[str](),
    "never": set[str](),
    "vectors": set[str](),
}


def all_facts(read: Callable[..., list[dict[str, Any]]]) -> dict[str, list[str]]:
    """By table, a row a text; `read` asks the database, and `{groups}` is a table of ours."""
    # A face that was added is taken back by removing it.
    added = read("SELECT face_id FROM {ledger_faces} WHERE entry IN (SELECT id FROM {ledger} WHERE kind = 'added')")
    ids = {row["face_id"] for row in added}
    rows = [row for row in read("SELECT * FROM faces") if row["deleted_at"] is None or row["id"] not in ids]
    found = {"faces": _texts(rows, {"updated_at"})}
    for name, skipped in _SKIPPED.items():
        # What has no faces any more is no group, and keeps its number.
        there = " WHERE size > 0 OR joined_to IS NOT NULL" if name == "groups" else ""
        found[name] = _texts(read(f"SELECT * FROM {{{name}}}{there}"), skipped)
    columns = "id, name, name_key, k, sum, confirmed, linked, master_face_id, joined_to, hidden, favourite, cover"
    people = read(f"SELECT {columns} FROM {{people}}")
    found["people"] = _texts([row for row in people if row["name"] is not None or row["confirmed"]], set())
    index = read("SELECT face_id, image_id, group_id, state, person_id FROM {face_index}")
    found["face_index"] = _texts([_without_offer(row) for row in index], set())
    return found


def differing(before: dict[str, list[str]], after: dict[str, list[str]]) -> str:
    """What is another, as JSON for a failing test's message; empty where nothing is."""
    pairs = {name: sorted(set(before[name]) ^ set(after[name])) for name in before if before[name] != after[name]}
    return json.dumps(pairs, indent=1) if pairs else ""


def _texts(rows: list[dict[str, Any]], skipped: set[str]) -> list[str]:
    return sorted(str({name: _short(value) for name, value in row.items() if name not in skipped}) for row in rows)


def _short(value: Any) -> Any:
    """Sums and encodings are long; a sum of nothing is none."""
    if isinstance(value, bytes):
        return zlib.crc32(value) if any(value) else None
    return zlib.crc32(value.encode()) if isinstance(value, str) and len(value) > _LONGEST else value


def _without_offer(row: dict[str, Any]) -> dict[str, Any]:
    """Who is offered is asked anew."""
    return row | {"state": 0, "person_id": None} if row["state"] == 1 else row
