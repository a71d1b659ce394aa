"""People whom the app keeps itself: their names, and middles that stand in for them, taken over into our people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faces.library.library import Library
from faces.people.encoding_sum import EncodingSum
from faces.store.database import Store, Transaction
from faces.store.sidecar import library_row, people_of_app, people_rows
from faces.store.sidecar.people_of_app import AppPerson
from faces.store.sidecar.people_rows import NOTHING

#: Persons read at a time: a megabyte of centroids.
_BATCH = 400


@dataclass(slots=True)
class AppPersons:
    """Follows the app's persons, where its version has them. For one thread at a time."""

    store: Store
    library: Library
    _seen: tuple[Any, ...] | None = None
    _summary: tuple[Any, ...] | None = None
    _after: int = 0

    def follow(self, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Take over what is new, from where the last call stopped; False where it was over before all was done.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        with self.store.reading() as transaction:
            if not people_of_app.has_any(transaction):
                return True
            if not self._after:
                self._summary = people_of_app.summary(transaction)
                if self._summary is not None and self._summary == self._seen:
                    return True
        while not is_over():
            with self.store.reading() as transaction:
                persons = people_of_app.in_order(transaction, self._after, _BATCH)
                changed = _changed(transaction, persons)
                if changed:
                    self.library.follow(transaction)
            if changed:
                self.store.write(lambda transaction, ids=changed: self.take_over(transaction, ids))  # type: ignore[misc]
            if len(persons) < _BATCH:
                self._after, self._seen = 0, self._summary
                self._forget_gone()
                return True
            self._after = persons[-1].id
        return False

    def differing(self) -> list[int]:
        """The app's ids of all persons of whom our people say something else; of those who are gone none."""
        found: list[int] = []
        after: int | None = 0
        while after is not None:
            with self.store.reading() as transaction:
                has_any = people_of_app.has_any(transaction)
                persons = people_of_app.in_order(transaction, after, _BATCH) if has_any else []
                found += _changed(transaction, persons)
            after = persons[-1].id if persons else None
        return found

    def take_over(self, transaction: Transaction, app_ids: list[int]) -> None:
        """Make our people say what these persons' rows say now; adds those whom nobody knows where faces are theirs."""
        library_row.hold(transaction)
        persons = people_of_app.read(transaction, app_ids)
        known = people_of_app.people_of(transaction, app_ids)
        if people_of_app.keeps_middles(transaction):
            for app_id in sorted(persons.keys() - known.keys()):
                known[app_id] = people_of_app.add(transaction, app_id)
        people_rows.lock(transaction, known.values())
        rows = people_rows.read(transaction, known.values())
        totals = (
            people_of_app.made_anew(transaction, known.values()) if people_of_app.keeps_middles(transaction) else {}
        )
        for app_id, person_id in sorted(known.items()):
            if app_id in persons and persons[app_id].name != rows[person_id].name:
                people_rows.rename(transaction, person_id, persons[app_id].name)
            if person_id in totals and totals[person_id] != rows[person_id].total:
                self._write_total(transaction, person_id, totals[person_id])
        if known:
            people_rows.stamp(transaction, known.values(), library_row.next_change(transaction))

    def _forget_gone(self) -> None:
        """Middles of persons that the app has not got any more stand for nobody."""

        def work(transaction: Transaction) -> None:
            people = people_of_app.gone(transaction)
            people_rows.lock(transaction, people)
            rows = people_rows.read(transaction, people)
            totals = people_of_app.made_anew(transaction, people)
            changed = [one for one in people if totals[one] != rows[one].total]
            for one in changed:
                self._write_total(transaction, one, totals[one])
            if changed:
                people_rows.stamp(transaction, changed, library_row.next_change(transaction))

        with self.store.reading() as transaction:
            some = people_of_app.gone(transaction) if people_of_app.keeps_middles(transaction) else []
            if some:
                self.library.follow(transaction)
        if some:
            self.store.write(work)

    def _write_total(self, transaction: Transaction, person_id: int, total: EncodingSum) -> None:
        around = self.library.around(total) if total.count else None
        people_rows.write(transaction, person_id, people_rows.total_columns(total, around))


def _changed(transaction: Transaction, persons: list[AppPerson]) -> list[int]:
    """Those of whom our people say something else."""
    known = people_of_app.people_of(transaction, [person.id for person in persons])
    rows = people_rows.read(transaction, known.values())
    if not people_of_app.keeps_middles(transaction):
        return [one.id for one in persons if one.id in known and rows[known[one.id]].name != one.name]
    totals = people_of_app.made_anew(transaction, known.values())
    found = []
    for person in persons:
        row = rows.get(known.get(person.id, 0))
        total = totals.get(known.get(person.id, 0), NOTHING)
        if row is None or row.name != person.name or row.total != total:
            found.append(person.id)
    return found
