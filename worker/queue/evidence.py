"""Whose fault a refusal is, judged by other jobs: a server's costs the job nothing, its own counts as a try.

A job that a server refused is put at the queue's tail, so that others are tried. While none of them is done either, it
is the server, however long that takes. Refused again and again while another was done, the job itself is to blame, as
long as no new one is refused, too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from faces.errors import EngineError, FaceApiUnavailable, FacesError, UnreadableMessage
from worker.laravel import serialized
from worker.laravel.app_cache import Values

_log = logging.getLogger(__name__)

#: Seconds at the tail after the first, second, … refusal; the last one stays.
TAIL_SECONDS = (10, 60, 300)

#: Refusals that a job must have met, while others were done, to be the one to blame.
_REFUSALS = 3

#: Different photos in a row over which the API must fail to be to blame, and seconds for which it is.
_PHOTOS = 3
_BLAMED_SECONDS = 600.0

#: Refused jobs that a worker remembers, far more than can be told apart.
_JOBS = 1000

#: Beginning of the keys of refused jobs, the key of the time at which any worker was last done with a job, and seconds
#: for which both are kept.
_REFUSED = "face-refused:"
_DONE = "face-done"
_REMEMBERED = 24 * 3600


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a refusal means for its job."""

    counts_as_try: bool
    """Whether the job itself is to blame. If not, the refusal costs it nothing."""
    delay: int
    """Seconds that it waits at the tail, where the refusal costs nothing."""


class Evidence:
    """What one worker knows of jobs that were done and refused, shared with the others through the app's cache.

    Asked by the attempt and by the handling of a delivery, both in the main thread. Times are Unix seconds: workers
    compare them.
    """

    def __init__(self, values: Values, now: Callable[[], float] = lambda: time.time()) -> None:
        self._values, self._now = values, now
        self._done_at, self._shared = 0.0, 0.0
        self._refused: dict[str, tuple[float, int]] = {}
        """Jobs that were refused here: when last, and how often in all. The latest at the end."""
        self._failing: set[str] = set()
        self._blamed_at: float | None = None

    def done(self) -> None:
        """A job was done, all of it and just now: every server is available."""
        self._done_at = self._now()
        self._failing.clear()
        self._blamed_at = None

    def share(self) -> None:
        """Tell the other workers what was done since the last time.

        Raises:
            CacheUnavailable: the app's cache does not answer.
        """
        if self._done_at > self._shared:
            self._values.put(_DONE, serialized.write(repr(self._done_at)), _REMEMBERED)
            self._shared = self._done_at

    def refused(self, job: str, error: FacesError) -> Verdict:
        """A job was refused once more; `job` is what it is counted under.

        Where the app's cache does not answer, nothing is counted, and the job waits as after its first refusal.
        """
        try:
            return self._counted(job, error)
        except FacesError as unavailable:
            _log.debug("a refusal of job %s is not counted: %s", job, unavailable)
            return Verdict(False, TAIL_SECONDS[0])

    def settled(self, job: str, *, came_again: bool) -> None:
        """A job is done or failed: its refusals, if it met any, are forgotten. Never raises.

        `came_again`: whether it waited in a delay queue before, as those do that another worker may have counted.
        """
        if self._refused.pop(job, None) is None and not came_again:
            return
        try:
            self._values.forget(_REFUSED + job)
        except FacesError as unavailable:
            _log.debug("the refusals of job %s are not forgotten: %s", job, unavailable)

    def blames_api(self, job: str, error: Exception) -> bool:
        """Whether the face API is to blame for failing over a photo: it failed over three in a row.

        For ten minutes; then failures count as tries again, or a photo that no API can do would come back for ever.
        """
        if not (isinstance(error, EngineError) and error.of_the_api):
            return False
        self._failing.add(job)
        if len(self._failing) < _PHOTOS:
            return False
        self._blamed_at = self._now() if self._blamed_at is None else self._blamed_at
        return self._now() - self._blamed_at < _BLAMED_SECONDS

    def _counted(self, job: str, error: FacesError) -> Verdict:
        count, since = self._read(job)
        count += 1
        self._remember(job, count)
        self._values.put(_REFUSED + job, serialized.write(f"{count}:{since!r}"), _REMEMBERED)
        # The API's word that it takes no photos now is never a job's own fault.
        says_closed = isinstance(error, FaceApiUnavailable) and error.answered
        counts_as_try = count >= _REFUSALS and not says_closed and self._others_are_done(job, since)
        return Verdict(counts_as_try, TAIL_SECONDS[min(count, len(TAIL_SECONDS)) - 1])

    def _remember(self, job: str, count: int) -> None:
        self._refused.pop(job, None)
        self._refused[job] = self._now(), count
        if len(self._refused) > _JOBS:
            del self._refused[next(iter(self._refused))]

    def _others_are_done(self, job: str, since: float) -> bool:
        """Whether another job was done since then, and no new one was refused after that: the servers still work.

        Jobs that were refused as often as this one are no evidence: they may be as much to blame.
        """
        refused = reversed(self._refused.items())
        new = (at for other, (at, count) in refused if other != job and count < _REFUSALS)
        return self._last_done() > max(since, next(new, 0.0))

    def _last_done(self) -> float:
        return max(self._done_at, _number(_text(self._values.get(_DONE))))

    def _read(self, job: str) -> tuple[int, float]:
        """How often it was refused, and since when that counts."""
        count, _, since = _text(self._values.get(_REFUSED + job)).partition(":")
        return (int(count), _number(since)) if count.isdecimal() else (0, self._now())


def _text(value: bytes | None) -> str:
    """A text that PHP serialized; empty where there is none."""
    try:
        found = serialized.read(value) if value else ""
    except UnreadableMessage:
        return ""
    return found if isinstance(found, str) else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
