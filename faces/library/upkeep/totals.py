"""Sums, counters and neighbourhoods of people and groups, and the alarm: made anew, and what of it was another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from faces.library.library import Library
from faces.library.people_of_rows import PeopleOfRows
from faces.people.encoding_sum import EncodingSum
from faces.people.groups.alarm import Alarm
from faces.store.database import Store, Transaction
from faces.store.sidecar import group_rows, known_encodings, library_row, people_of_app, people_rows
from faces.store.sidecar.group_rows import GroupRow
from faces.store.sidecar.people_rows import Around
from faces.store.sidecar.upkeep import counted

#: Members whose encodings are measured at a time: two megabytes.
_MEMBERS = 4096


@dataclass(frozen=True, slots=True)
class Totals:
    """Makes them anew, row by row under the row's lock: workers may change others meanwhile."""

    store: Store
    library: Library

    def remake_people(
        self, transaction: Transaction, ids: Sequence[int], before: Mapping[int, Mapping[str, Any]]
    ) -> list[int]:
        """Sums, counters and masters of some people; returns those of whom something was another.

        `before` is what was kept of those whose faces were just mended, which has changed it.
        """
        people_rows.lock(transaction, ids)
        totals = people_of_app.made_anew(transaction, ids)
        counts = counted.people(transaction, ids)
        known = counted.kept(transaction, ids)
        people = PeopleOfRows(transaction)
        wrong, renewed = [], []
        for person in ids:
            expected = {**counts[person], "k": totals[person].count, "sum": totals[person].to_bytes()}
            kept, was = known[person], before.get(person, known[person])
            differs = any(not _same(kept[name], value) for name, value in expected.items())
            around = self._around(totals[person], kept["around"], kept["cohort_number"], differs=differs)
            # While its faces were mended another may have stood in for the master.
            if (master := was["master_face_id"]) and people_rows.is_master(transaction, person, master):
                people_rows.set_master(transaction, person, master)
            people.see_to_master(person)
            master = people_rows.read(transaction, [person])[person].master_face_id
            if differs or around is not None:
                measured = around or Around(kept["around"], kept["cohort_number"])
                columns = people_rows.total_columns(totals[person], measured if totals[person].count else None)
                people_rows.write(transaction, person, {**counts[person], **columns})
                renewed.append(person)
            if any(not _same(was[name], value) for name, value in {**expected, "master_face_id": master}.items()):
                wrong.append(person)
        if renewed:
            people_rows.stamp(transaction, renewed, library_row.next_change(transaction))
        return wrong

    def remake_groups(self, transaction: Transaction, ids: Sequence[int]) -> list[int]:
        """Sizes and sums of some groups; returns those of which something was another. Offers are `settling`'s."""
        rows = group_rows.lock(transaction, ids)
        members = group_rows.members_of(transaction, ids)
        encodings = known_encodings.kept_of(transaction, [face for faces in members.values() for face, _ in faces])
        wrong, renewed = [], []
        for group, row in rows.items():
            numbers = [encodings[face].numbers for face, _ in members[group] if face in encodings]
            total = EncodingSum.of(np.stack(numbers)) if numbers else people_rows.NOTHING
            differs = total != row.total
            around = self._around(total, *_measured(row), differs=differs)
            if differs or around is not None:
                measured = around or row.around
                group_rows.write_measured(transaction, group, total, measured if total.count else None)
                renewed.append(group)
            if differs:
                wrong.append(group)
        if renewed:
            group_rows.stamp(transaction, renewed, library_row.next_change(transaction))
        return wrong

    def remake_alarm(self, *, keep: bool) -> bool:
        """The alarm of all faces in groups; whether it was another.

        Most of it is measured without a lock; what has joined and left meanwhile is then, under the library's.
        """
        measured: dict[tuple[int, int], int] = {}
        with self.store.reading() as transaction:
            self._measure(transaction, measured)

        def work(transaction: Transaction) -> bool:
            library_row.hold(transaction)
            there = self._measure(transaction, measured)
            alarm = Alarm(sum(measured[one] for one in there), len(there))
            state = library_row.read(transaction)
            if alarm == state.alarm:
                return False
            library_row.next_change(transaction, alarm - state.alarm)
            return True

        return self.store.write(work) if keep else self.store.try_out(work)

    def _measure(self, transaction: Transaction, measured: dict[tuple[int, int], int]) -> list[tuple[int, int]]:
        """All faces in groups with their encodings' CRC-32; those that are new are measured."""
        there = counted.members(transaction)
        new = [one for one in there if one not in measured]
        for start in range(0, len(new), _MEMBERS):
            part = new[start : start + _MEMBERS]
            kept = known_encodings.kept_of(transaction, [face for face, _ in part])
            part = [(face, crc) for face, crc in part if face in kept]
            alone = self.library.neighbourhood.shipped_alone(np.stack([kept[face].numbers for face, _ in part]))
            measured |= {one: Alarm.of(alone[at : at + 1]).steps for at, one in enumerate(part)}
        return [one for one in there if one in measured]

    def _around(self, total: EncodingSum, value: float | None, number: int, *, differs: bool) -> Around | None:
        """How crowded it is there, where the sum is another or it was measured with another neighbourhood; else None.

        Of the first faces some stand in for groups, and with each further one all is measured anew in memory: then
        what is kept need not be that.
        """
        if not total.count or not (differs or value is None or number != self.library.groups.number):
            return None
        return self.library.around(total)


def _measured(row: GroupRow) -> tuple[float | None, int]:
    return (row.around.value, row.around.number) if row.around else (None, 0)


def _same(kept: Any, expected: Any) -> bool:
    """An empty sum may be kept as nothing at all."""
    return bool(kept == expected) or (kept is None and isinstance(expected, bytes) and not any(expected))
