"""What is due when faces have come: groups join, and each that has changed is asked about once more.

Beside the jobs, never in their transactions: whatever stops it, is taken up where it was. One process at a time does it
for all, under a lease of the library's row.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from threading import Lock

from faces.errors import SchemaError, StoreUnavailable
from faces.library.groups.group_joins import GroupJoins
from faces.library.groups.group_links import Asked, GroupLinks
from faces.library.groups.group_questions import GroupAnswer, GroupQuestions, ProbableGroup
from faces.library.groups.joining_lease import JoiningLease, LeaseLost
from faces.library.groups.relearning import relearn
from faces.library.library import Library
from faces.library.upkeep.older_finds import OlderFinds
from faces.people.groups.growing import FIRST, SLICE, next_batch
from faces.store.database import Store, Transaction
from faces.store.sidecar import group_rows, library_row, unsettled_groups, unsettled_people
from faces.store.sidecar.unsettled_people import read_unsettled
from faces.store.who import identities_of

_log = logging.getLogger(__name__)

#: Seconds after which settling between two jobs makes way for the next one.
_PATIENCE = 5.0

#: Seconds after which it is tried again where the database could not be used, or another process settles.
_PAUSE = 10.0

#: Groups near changed people that are asked about before it is noted that they were.
_TOGETHER = 500

#: Groups that are listed at a time where all are asked about.
_PAGE = 5000


class _Stopped(Exception):
    """Told to make way: what is done stays, the rest is taken up the next time."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling did."""

    joined: int
    """Groups that went into others."""
    asked: Asked


class Settling:
    """Settles a library. Threads may share it; one of them at a time does it."""

    def __init__(self, store: Store, library: Library, *, links: bool) -> None:
        """Do nothing yet.

        Args:
            store: where our tables are.
            library: that follows it.
            links: whether groups are linked by themselves: FACE_MATCH=calibrated.
        """
        self.store, self.library = store, library
        self._lease = JoiningLease(store)
        self._joins = GroupJoins(store, library, self._go_on)
        self._older_finds = OlderFinds(store, library, self._go_on)
        self._questions = GroupQuestions(store, library)
        self._links = GroupLinks(self._questions, identities_of(store.schema), links, self._go_on)
        self._one = Lock()
        self._is_told_to_stop: Callable[[], bool] = _never
        self._until: float | None = None
        self._is_unfinished = False
        self._not_before = 0.0
        self._near_changed: dict[int, None] = {}
        self._changed: dict[int, int] = {}

    def settle_some(self, is_told_to_stop: Callable[[], bool] = lambda: False, patience: float = _PATIENCE) -> None:
        """Do what is due, between two jobs: nothing, mostly, and that without a query. Never raises for the database.

        Groups are due after as many faces as `next_batch` says, and those near a person whose confirmed faces have
        changed. In between the neighbourhoods of some thousand groups are measured anew, where they wait for it.
        `is_told_to_stop` is asked between two steps; after `patience` seconds the rest is left for the next time.
        """
        if not self._one.acquire(blocking=False):
            return
        try:
            self._until, self._is_told_to_stop = time.monotonic() + patience, is_told_to_stop
            if self._is_due() or self._is_news():
                if time.monotonic() >= self._not_before:
                    self._settle_what_is_due()
            elif self.library.follows:
                self.library.renew(SLICE)
        except (StoreUnavailable, SchemaError) as error:
            self._not_before = time.monotonic() + _PAUSE
            _log.warning("groups are joined and asked about later: %s", error)
        finally:
            self._one.release()

    def join(self) -> int:
        """Join groups where that is due, and return how many went into others; for who takes in a whole library.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        if not self._is_due():
            return 0
        with self._at_leisure():
            if not self._is_due():
                return 0
            with self._lease.held():
                joined = self._join()
            self._renew_all()
            return joined

    def settle_rest(self) -> Settled:
        """Join groups and ask about those that have changed, or are near who has; waits while another process settles.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        with self._at_leisure(), self._lease.held():
            joined = self._join()
            self._renew_all()
            relearn(self.store, self.library)
            self._older_finds.look()
            asked = self._links.ask(self._unsettled()) + self._ask_near_changed_people()
            self._is_unfinished = False
            return Settled(joined, asked)

    def settle_all(self) -> Settled:
        """Join groups, learn, and ask about all of them, now; waits while another process settles.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        with self._at_leisure(), self._lease.held():
            joined = self._join()
            self._renew_all()
            relearn(self.store, self.library)
            self._older_finds.look()
            self._take_changed_people()
            asked = sum((self._links.ask(self._not_silent(groups)) for groups in self._all_groups()), Asked())
            self._near_changed.clear()
            self._note_asked()
            self._is_unfinished = False
            return Settled(joined, asked)

    def look(self) -> Iterator[ProbableGroup]:
        """What `settle_all` would ask about the groups as they are now, without joining any; changes nothing."""
        for groups in self._all_groups():
            yield from self._questions.look(groups)

    def answer_now(self, transaction: Transaction, group_id: int) -> GroupAnswer | None:
        """Who a group is by what the library has followed, and what would be done with that; changes nothing."""
        return self._questions.answer_now(transaction, group_id)

    # --- when ---

    @contextmanager
    def _at_leisure(self) -> Iterator[None]:
        """Without a limit of time, when no other thread settles."""
        with self._one:
            self._until, self._is_told_to_stop = None, _never
            self._follow()
            yield

    def _is_due(self) -> bool:
        if self._is_unfinished or not self.library.follows:
            return self._is_unfinished
        state = self.library.state
        faces = state.alarm.faces + self.library.arrived
        return abs(faces - state.joined_at_faces) >= next_batch(min(faces, state.joined_at_faces))

    def _is_news(self) -> bool:
        """Whether a person's faces have changed, or what is no face, and others are to be asked about for that."""
        has_news = bool(self.library.changed_people or self._near_changed)
        return has_news or (self.library.follows and self._older_finds.is_due)

    def _settle_what_is_due(self) -> None:
        """Settle, unless another process is doing it, or has done it meanwhile."""
        self._follow()
        is_due = self._is_due()
        if not (is_due or self._is_news()):
            return
        if not self._lease.take():
            self._not_before = time.monotonic() + _PAUSE
            return
        try:
            self._older_finds.look()
            if is_due:
                self._is_unfinished = True
                self._join()
                relearn(self.store, self.library)
                self._links.ask(self._unsettled())
                self._is_unfinished = False
            self._ask_near_changed_people()
        except LeaseLost:
            _log.info("another process joins groups by now: this one leaves it to that one")
        except _Stopped:
            pass
        finally:
            self._lease.give_back()

    def _go_on(self) -> None:
        """Between two steps: keep the lease, or make way."""
        if self._is_told_to_stop() or (self._until is not None and time.monotonic() > self._until):
            raise _Stopped
        self._lease.keep()

    # --- what ---

    def _join(self) -> int:
        """Join groups, by a neighbourhood of the groups before, and say at how many faces it was done."""
        faces = self.library.state.alarm.faces
        with self.store.reading() as transaction:
            changed = unsettled_groups.not_joined(transaction)
        if faces > FIRST and changed:
            self._publish()
        # Of few groups all at once; of many those that have changed, and the others in slices between jobs.
        at_once = SLICE if len(self.library.groups) <= SLICE else 0
        self.library.renew(at_once, changed)
        joined = self._joins.join(changed)
        self._follow()
        if faces >= FIRST and len(self.library.groups) <= SLICE and (joined or self.library.is_leading):
            self._publish()
        self.library.renew(at_once)
        self._lease.joined_at(faces)
        return joined

    def _ask_near_changed_people(self) -> Asked:
        """Ask about the groups of people whose confirmed faces have changed, and those that might be theirs."""
        if people := self._take_changed_people():
            with self.store.reading() as transaction:
                theirs = group_rows.of_people(transaction, people)
            self._near_changed |= dict.fromkeys([*theirs, *self._not_silent(self.library.groups_near(people))])
        asked = Asked()
        while some := list(islice(self._near_changed, _TOGETHER)):
            asked += self._links.ask(some)
            for group in some:
                del self._near_changed[group]
        self._note_asked()
        return asked

    def _take_changed_people(self) -> set[int]:
        """The people whose confirmed faces have changed, without those that another process has asked about since."""
        with self.library.mutex:
            people, self.library.changed_people = self.library.changed_people, set()
        with self.store.reading() as transaction:
            waiting = read_unsettled(transaction) if people else {}
            # After that: what it follows is then no older than what was counted.
            self.library.follow(transaction)
        self._changed |= {person: waiting[person] for person in people & waiting.keys()}
        return people & waiting.keys()

    def _note_asked(self) -> None:
        """All is asked that is near these people: another process need not, nor this one after a new start."""
        changed, self._changed = self._changed, {}
        if changed:
            self.store.write(partial(unsettled_people.settle, changes=changed))

    def _publish(self) -> bool:
        """Put the neighbourhood in force that the groups make now; False where another process was first."""
        measured, number = self.library.measured_now(), self.library.state.number + 1

        def publish(transaction: Transaction) -> bool:
            cohort = self.library.cohort.version
            return library_row.publish(transaction, number, cohort, measured.own, measured.alarm)

        is_ours = self.store.write(publish)
        self._follow()
        return is_ours

    def _renew_all(self) -> None:
        while self.library.renew(SLICE):
            pass

    def _follow(self) -> None:
        with self.store.reading() as transaction:
            self.library.follow(transaction)

    def _not_silent(self, groups: list[int]) -> list[int]:
        """These without those that nobody was offered for when they were asked about last, nor is now: nearly all."""
        with self.store.reading() as transaction:
            self.library.follow(transaction)
            asked = unsettled_groups.not_silent(transaction, groups)
        return sorted(asked | self.library.likely([group for group in groups if group not in asked]))

    def _unsettled(self) -> list[int]:
        with self.store.reading() as transaction:
            return unsettled_groups.all_unsettled(transaction)

    def _all_groups(self) -> Iterator[list[int]]:
        last = 0
        while True:
            with self.store.reading() as transaction:
                groups = group_rows.there_after(transaction, last, _PAGE)
            if not groups:
                return
            yield groups
            last = groups[-1]


def _never() -> bool:
    return False
