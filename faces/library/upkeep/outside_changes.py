"""What the app changed behind our back: each half minute a look at its rows, which our tables are to follow.

Names, statuses, soft deletes and restored faces are found by `faces.updated_at`; rows that are gone, and rows without
that time, by the number and the sum of their ids; persons by a sum over their rows. Then what is noted as pending is
worked off: what hangs on these faces, what a killed process left, and images whose metadata has come.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from faces.errors import FacesError
from faces.library.arrivals import Arrivals
from faces.library.upkeep.app_persons import AppPersons
from faces.library.upkeep.differences import images_that_differ
from faces.library.upkeep.pending_updates import PendingUpdates
from faces.store.sidecar import library_row
from faces.store.sidecar.library_row import LastLook
from faces.store.sidecar.upkeep import watched_rows
from faces.store.sidecar.upkeep.watched_rows import Balance, Moment

_log = logging.getLogger(__name__)

#: Seconds between two looks, of whichever process.
EACH_SECONDS = 30.0

#: Part of a core that looks may take: the next comes so many times later as the last took.
_PART = 0.02

#: Seconds that a look between two jobs takes at most, one image more or less; the rest is done in the next.
_BUDGET = 0.25

#: A row may be committed after a row with a later time.
_OVERLAP = timedelta(seconds=2)

#: Rows compared at a time: half a megabyte of encodings.
_ROWS = 200


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of a look."""

    updated: int
    """Images that our tables were brought up to date with."""
    complete: bool
    """Whether nothing is left for the next."""
    seconds: float


class OutsideChanges:
    """Looks at what the app changed, for one process. Threads may share it: one looks, the others go on.

    In a database without our tables there is none of these.
    """

    def __init__(self, arrivals: Arrivals, clock: Callable[[], float] = time.monotonic) -> None:
        self._arrivals, self._clock = arrivals, clock
        self.tell: Callable[[float], None] = lambda age: None
        """Called with the seconds since any process looked, whenever this one has asked for it."""
        self._persons = AppPersons(arrivals.store, arrivals.library)
        self._pending = PendingUpdates(arrivals, clock)
        self._mutex = threading.Lock()
        self._next = -1.0
        self._interval = EACH_SECONDS
        self._left_at: Moment | None = None
        self._balance: Balance | None = None

    def look_if_due(self) -> Looked | None:
        """Look where no process has in the last half minute, a quarter of a second at most; None where it is not due.

        Raises nothing of the database's: what is done stays, and the rest is looked at the next time.
        """
        if self._clock() < self._next or not self._mutex.acquire(blocking=False):
            return None
        try:
            return self._take_turn()
        except FacesError as error:
            _log.warning("what the app changed was not looked at: %s", error)
            return None
        finally:
            self._next = self._clock() + self._interval
            self._mutex.release()

    def look(self) -> Looked:
        """Look now, at all there is: for a verb that settles.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        with self._mutex:
            last, _ = self._take(0)
            return self._look(last, None)

    def _take(self, seconds: float) -> tuple[LastLook, bool]:
        """How far looks have come, and whether the next is ours."""
        is_ours = self._arrivals.store.write(lambda transaction: library_row.take_look(transaction, seconds))
        with self._arrivals.store.reading() as transaction:
            last = library_row.last_look(transaction)
            if last.at:
                self.tell(max(0.0, (transaction.now - last.at).total_seconds()))
        return last, is_ours

    def _take_turn(self) -> Looked | None:
        last, is_ours = self._take(self._interval)
        if not is_ours:
            return None
        looked = self._look(last, self._clock() + _BUDGET)
        # What is left over waits no longer than it must.
        self._interval = max(EACH_SECONDS if looked.complete else 0.0, looked.seconds / _PART)
        return looked

    def _look(self, last: LastLook, end: float | None) -> Looked:
        begin = self._clock()
        one = _LookInProgress(self._arrivals, self._clock, end, self._balance)
        complete = self._persons.follow(one.is_over) and one.over_rows(last, self._left_at)
        self._left_at = None if complete else one.moment
        complete = complete and one.over_missing()
        updated_before = self._pending.updated
        complete = self._pending.follow(one.is_over, all_awaited=end is None) and complete
        self._balance = one.balance
        updated = self._pending.updated - updated_before + one.updated
        return Looked(updated, complete, self._clock() - begin)


@dataclass(slots=True)
class _LookInProgress:
    """One look."""

    arrivals: Arrivals
    clock: Callable[[], float]
    end: float | None
    """When it must be over; None: when all is done."""
    balance: Balance | None
    """At which no row was missing on either side."""
    moment: Moment | None = None
    """Behind which rows are to be looked at still."""
    updated: int = 0

    def is_over(self) -> bool:
        return self.end is not None and self.clock() >= self.end

    def over_rows(self, last: LastLook, left_at: Moment | None) -> bool:
        """Rows in the order of changes; False where it was over before all were seen.

        Args:
            last: how far all processes came.
            left_at: where this one had to stop the last time, perhaps in the middle of one second's rows.
        """
        complete = False
        self.moment = left_at if left_at is not None and not _is_behind(left_at, last) else _start(last)
        while not complete and not self.is_over():
            with self.arrivals.store.reading() as transaction:
                rows = watched_rows.changed_after(transaction, self.moment, _ROWS)
                images = images_that_differ(transaction, rows)
                now = transaction.now
            if not self._update(images):
                break
            complete = len(rows) < _ROWS
            if rows and rows[-1].updated_at is not None:
                self.moment = Moment(rows[-1].updated_at, rows[-1].face.id)
                self._note(rows[-1].updated_at, now, last)
        return complete

    def over_missing(self) -> bool:
        """Rows that the app removed for good, and those without a time of change."""
        with self.arrivals.store.reading() as transaction:
            balance = watched_rows.balance(transaction)
            if balance == self.balance or balance == watched_rows.soft_deleted(transaction):
                self.balance = balance
                return True
        return all(self._update(images) for images in self._missing())

    def _missing(self) -> Iterator[list[int]]:
        """The images of faces that only one side has: ranges of ids are counted, and only those that differ read."""
        with self.arrivals.store.reading() as transaction:
            span = watched_rows.span(transaction)
        ranges = [span] if span else []
        while ranges:
            first, last = ranges.pop()
            with self.arrivals.store.reading() as transaction:
                if watched_rows.is_few(first, last):
                    images = sorted(watched_rows.differing_images(transaction, first, last))
                else:
                    images = []
                    ranges += reversed(watched_rows.differing_ranges(transaction, first, last))
            yield images

    def _update(self, images: list[int]) -> bool:
        """Bring images up to date; False where it was over before all were."""
        for image_id in images:
            if self.is_over():
                return False
            self.arrivals.follow()
            # What hangs on its faces may be thousands: that is worked off as what is pending.
            self.arrivals.update_alone(image_id)
            self.updated += 1
        return True

    def _note(self, seen: datetime, now: datetime, last: LastLook) -> None:
        """Let other processes begin here. A time in the future, of a wrong clock, must not hide what comes after it."""
        until = min(seen, now)
        if last.until is None or until > last.until:
            self.arrivals.store.write(lambda transaction: library_row.note_look(transaction, until))


def _start(last: LastLook) -> Moment:
    """A row may be committed after one with a later time: two seconds are looked at again."""
    if last.until is None:
        return Moment()
    # One after the look itself is of a clock that was wrong.
    return Moment(min(last.until, last.at or last.until) - _OVERLAP)


def _is_behind(moment: Moment, last: LastLook) -> bool:
    """Whether other processes have come farther."""
    start = _start(last)
    return start.at is not None and (moment.at is None or moment.at < start.at)
