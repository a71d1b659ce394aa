"""What an attempt holds in the app's cache: its image's lock, and a mark that tells poison messages.

The lock is a lease, renewed for as long as the job works on the image: no other does the same work now. Only an orderly
end removes the mark: one that stays is of a job that killed its worker. Where the cache is in the job's own database,
both are given back in the transaction that ends the job.
"""

from __future__ import annotations

import logging
import random
import re
import string
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from faces.errors import FacesError, LockHeld
from faces.store.database import Transaction
from worker.laravel import serialized
from worker.laravel.app_cache import AppCache, Values

_log = logging.getLogger(__name__)

#: Beginning of the keys of the locks, as the app's own job has them.
LOCK_KEY = "face-processing:"

#: Seconds between two looks at a lock that is taken, as Laravel's `block`.
_POLL_SECONDS = 0.25

#: Seconds until a renewal that failed is tried again.
_RENEW_AGAIN_SECONDS = 1.0

#: An owner as Laravel's Str::random makes it.
_OWNER_LENGTH = 16
_OWNER_LETTERS = string.ascii_letters + string.digits

_dice = random.SystemRandom()

#: Beginning of the keys of the marks.
MARK_KEY = "face-crash:"

#: Beginning of the keys of the counts of dropped deliveries.
_DROPPED = "face-dropped:"

#: Seconds for which a mark counts.
_REMEMBERED = 24 * 3600


class Stopping(Protocol):
    """A shutdown request, which ends a wait; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether it was made."""

    def wait(self, seconds: float, /) -> bool:
        """Wait so long, or until it is made; returns whether it was."""


class ImageLock:
    """A lock that is ours until it runs out or another takes it. Without a cache there is none: the row alone decides.

    A thread of its own renews it. The lock saves work; where it is lost, the image's row decides.
    """

    def __init__(self, cache: AppCache | None, image_id: int, seconds: int) -> None:
        """Not taken yet; it runs out after `seconds` without a renewal."""
        self._cache, self._key, self._seconds = cache, f"{LOCK_KEY}{image_id}", seconds
        self._owner = "".join(_dice.choices(_OWNER_LETTERS, k=_OWNER_LENGTH))
        self._over = threading.Event()
        self._renewing = threading.Thread(
            target=self._keep, args=(cache,), name=f"lock of image {image_id}", daemon=True
        )
        self._may_be_ours = self._may_be_given_back = False

    def take(self) -> bool:
        """Try once; a lock that is taken is renewed at a third of its time.

        Raises:
            CacheUnavailable: the app's cache does not answer.
        """
        if self._cache is None:
            return True
        # True already while we ask: a second SIGTERM may end the asking between the answer and the next line.
        self._may_be_ours = True
        try:
            self._may_be_ours = self._cache.acquire(self._key, self._owner, self._seconds)
        except FacesError:
            self._may_be_ours = False
            raise
        if self._may_be_ours:
            self._renewing.start()
        return self._may_be_ours

    @property
    def is_held(self) -> bool:
        """Whether it was taken, as far as we know, and not given back; without a cache it always is."""
        return self._cache is None or self._may_be_ours

    def is_ours(self) -> bool:
        """Whether it still is ours, read again without locking anything.

        Raises:
            CacheUnavailable: the app's cache does not answer: it is not known.
        """
        if self._cache is None:
            return True
        return self._may_be_ours and self._cache.owner_of(self._key) == self._owner

    def give_back_within(self, transaction: Transaction) -> None:
        """Give it back as the last thing in the transaction that ends the job, if the locks are in its database.

        Others that want it wait until the commit. `given_back_within` is told of the commit; where there never is one,
        or the locks are elsewhere, `give_back` does it.
        """
        if self._cache and self._cache.transactional and self._may_be_ours:
            self._may_be_given_back = True
            self._cache.transactional.release(self._key, self._owner, transaction)

    def given_back_within(self) -> None:
        """The job's transaction was committed: if it gave the lock back, only the renewals are left to end."""
        if self._may_be_given_back:
            self._may_be_ours = False

    def give_back(self) -> None:
        """End the renewals and give it back; after the commit or a second time, there is nothing to give.

        Without an answer it runs out.
        """
        may_be_ours, self._may_be_ours = self._may_be_ours, False
        self._over.set()
        if self._renewing.ident is not None:
            self._renewing.join()
        if self._cache is None or not may_be_ours:
            return
        try:
            self._cache.release(self._key, self._owner)
        except FacesError as error:
            _log.warning("the lock %s was not given back and runs out in %d s: %s", self._key, self._seconds, error)

    def _keep(self, cache: AppCache) -> None:
        pause: float | None = self._seconds / 3
        while pause is not None and not self._over.wait(pause):
            pause = self._renewed(cache)

    def _renewed(self, cache: AppCache) -> float | None:
        """Renew once; returns the seconds until the next time, None if there is nothing to renew any more."""
        try:
            # One that a transaction gives back is gone, or is there again should that be rolled back.
            if cache.renew(self._key, self._owner, self._seconds) or self._may_be_given_back:
                return self._seconds / 3
        except FacesError as error:
            _log.debug("the lock %s could not be renewed yet: %s", self._key, error)
            return min(_RENEW_AGAIN_SECONDS, self._seconds / 3)
        _log.warning("the lock %s is not ours any more", self._key)
        return None


@contextmanager
def image_lock(cache: AppCache | None, image_id: int, seconds: int, wait: float, stop: Stopping) -> Iterator[ImageLock]:
    """Hold the image's lock for the block; waits at most `wait` seconds for it, and not after a shutdown request.

    Raises:
        LockHeld: another holds it.
        CacheUnavailable: the app's cache does not answer.
    """
    lock = ImageLock(cache, image_id, seconds)
    try:
        end = time.monotonic() + wait
        while not lock.take():
            if time.monotonic() >= end or stop.wait(_POLL_SECONDS):
                raise LockHeld(f"somebody else works on image {image_id} now")
        yield lock
    finally:
        lock.give_back()


class CrashMarks:
    """The marks of one worker, for jobs whose lock it holds: no other worker marks the same job meanwhile.

    Laravel counts no attempt of a job whose worker was killed: it would come back endlessly. So would a delivery whose
    handling broke, so that its channel had to be dropped: that is counted, too.
    """

    def __init__(self, values: Values, worker_id: str) -> None:
        """`worker_id` is of this process alone."""
        self._values, self._worker_id = values, worker_id
        self._ours: dict[str, bytes] = {}
        """The marks of the jobs in hand, as they are kept."""
        self._ending: set[str] = set()
        """The jobs whose marks a transaction has tried to remove."""
        self._left: dict[str, bytes] = {}
        """The marks of jobs that have ended."""

    def begin(self, uuid: str) -> int:
        """Mark the job as ours; returns how many workers it has ended by now.

        A mark of another worker means that it ended there: one more.

        Raises:
            CacheUnavailable: the app's cache does not answer; nothing is marked.
        """
        self.remove_left()
        count, mark = 0, serialized.write(f"0:{self._worker_id}")
        if not self._values.add(f"{MARK_KEY}{uuid}", mark, _REMEMBERED):
            owner, count = self._find(uuid)
            count += owner not in {None, self._worker_id}
            mark = serialized.write(f"{count}:{self._worker_id}")
            self._values.put(f"{MARK_KEY}{uuid}", mark, _REMEMBERED)
        self._ours[uuid] = mark
        return count

    def end_within(self, transaction: Transaction, uuid: str) -> None:
        """Remove our mark as part of the transaction that ends the job, if the marks are in its database.

        `ended_within` is told of the commit. Where there never is one, or the marks are elsewhere, `end` does it.
        """
        if self._values.transactional and uuid in self._ours:
            self._ending.add(uuid)
            self._values.transactional.forget_this(f"{MARK_KEY}{uuid}", self._ours[uuid], transaction)

    def ended_within(self, uuid: str) -> None:
        """The job's transaction was committed: if it removed the mark, there is nothing left to `end`."""
        if uuid in self._ending:
            self._ours.pop(uuid, None)

    def end(self, uuid: str) -> None:
        """Remove our mark, if there still is one: the job came to an orderly end.

        While the cache does not answer, it is remembered for `remove_left`.
        """
        self._ending.discard(uuid)
        if uuid in self._ours:
            self._left[uuid] = self._ours.pop(uuid)
        try:
            self.remove_left()
        except FacesError as error:
            _log.debug("the marks of %d ended jobs are removed later: %s", len(self._left), error)

    def remove_left(self) -> None:
        """Remove the marks of jobs that ended while the app's cache did not answer.

        Raises:
            CacheUnavailable: it still does not.
        """
        for uuid, mark in sorted(self._left.items()):
            self._values.forget_this(f"{MARK_KEY}{uuid}", mark)
            del self._left[uuid]

    def count_dropped(self, uuid: str) -> None:
        """A delivery of the job was dropped.

        Raises:
            CacheUnavailable: the app's cache does not answer; nothing is counted.
        """
        self._values.increment(f"{_DROPPED}{uuid}", _REMEMBERED)

    def dropped(self, uuid: str) -> int:
        """How many deliveries of the job were dropped.

        Raises:
            CacheUnavailable: the app's cache does not answer.
        """
        count = re.fullmatch(rb"i:(\d+);", self._values.get(f"{_DROPPED}{uuid}") or b"")
        return int(count[1]) if count else 0

    def forget_dropped(self, uuid: str) -> None:
        """The job is settled. While the cache does not answer, the count stays; a day later it is gone."""
        try:
            self._values.forget(f"{_DROPPED}{uuid}")
        except FacesError as error:
            _log.debug("the count of dropped deliveries of job %s stays: %s", uuid, error)

    def _find(self, uuid: str) -> tuple[str | None, int]:
        value = self._values.get(f"{MARK_KEY}{uuid}") or b""
        match = re.fullmatch(r's:\d+:"(\d+):(.*)";', value.decode(errors="replace"))
        return (match[2], int(match[1])) if match else (None, 0)
