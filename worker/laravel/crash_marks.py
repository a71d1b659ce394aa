"""Poison messages: a mark while a job runs, which only an orderly end removes, tells which jobs killed their worker.

Laravel counts no attempt of a job whose worker was killed: it would come back endlessly. So would a delivery whose
handling broke, so that its channel had to be dropped: that is counted, too.
"""

from __future__ import annotations

import logging
import re

from faces.errors import FacesError
from faces.store.database import Transaction
from worker.laravel import serialized
from worker.laravel.app_cache import Values

_log = logging.getLogger(__name__)

#: Beginning of the keys of the marks.
KEY = "face-crash:"

#: Beginning of the keys of the counts of dropped deliveries.
_DROPPED = "face-dropped:"

#: Seconds for which a mark counts.
_REMEMBERED = 24 * 3600


class CrashMarks:
    """The marks of one worker, for jobs whose lock it holds: no other worker marks the same job meanwhile."""

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
        if not self._values.add(f"{KEY}{uuid}", mark, _REMEMBERED):
            owner, count = self._find(uuid)
            count += owner not in {None, self._worker_id}
            mark = serialized.write(f"{count}:{self._worker_id}")
            self._values.put(f"{KEY}{uuid}", mark, _REMEMBERED)
        self._ours[uuid] = mark
        return count

    def end_within(self, transaction: Transaction, uuid: str) -> None:
        """Remove our mark as part of the transaction that ends the job, if the marks are in its database.

        `ended_within` is told of the commit. Where there never is one, or the marks are elsewhere, `end` does it.
        """
        if self._values.transactional and uuid in self._ours:
            self._ending.add(uuid)
            self._values.transactional.forget_this(f"{KEY}{uuid}", self._ours[uuid], transaction)

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
            self._values.forget_this(f"{KEY}{uuid}", mark)
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
        value = self._values.get(f"{KEY}{uuid}") or b""
        match = re.fullmatch(r's:\d+:"(\d+):(.*)";', value.decode(errors="replace"))
        return (match[2], int(match[1])) if match else (None, 0)
