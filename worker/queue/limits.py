"""How often a job is tried and when: what its message says, and our settings where it says nothing."""

from __future__ import annotations

from dataclasses import dataclass

from faces.settings import Settings
from worker.laravel.limits import JobLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """A job's limits as Laravel's worker reads them; attempts count from 1, times are Unix seconds."""

    tries: int
    """0: no limit."""
    backoff: tuple[int, ...]
    """Seconds before the second attempt, the third …; the last one holds for all further ones."""
    timeout: float
    """Seconds for the work itself; waiting for the lock is not counted."""
    retry_until: float | None = None
    max_exceptions: int | None = None
    fail_on_timeout: bool = False

    @classmethod
    def of(cls, said: JobLimits, settings: Settings) -> Limits:
        """What the message says, else the settings."""
        delay = None if said.delay is None else (said.delay,)
        return cls(
            tries=settings.worker_tries if said.max_tries is None else said.max_tries,
            backoff=said.backoff or delay or settings.worker_backoff,
            timeout=said.timeout or settings.worker_timeout,
            retry_until=said.retry_until or None,
            max_exceptions=said.max_exceptions or None,
            fail_on_timeout=said.fail_on_timeout,
        )

    def forbid(self, attempt: int, now: float) -> bool:
        """Whether this attempt may not even begin; a moment to retry until replaces the number of tries."""
        if self.retry_until is not None:
            return now > self.retry_until
        return 0 < self.tries < attempt

    def are_spent(self, attempt: int, now: float, exceptions: int) -> bool:
        """Whether an attempt that ended in an error was the last; `exceptions` counts all of the job's errors."""
        if self.max_exceptions is not None and exceptions >= self.max_exceptions:
            return True
        if self.retry_until is not None:
            return now >= self.retry_until
        return 0 < self.tries <= attempt

    def delay_after(self, attempt: int) -> int:
        """Seconds until the next attempt."""
        return self.backoff[min(attempt, len(self.backoff)) - 1] if self.backoff else 0

    def attempt_of(self, attempt: int) -> str:
        """Words for a person: which attempt of how many."""
        return f"attempt {attempt} of {self.tries}" if self.tries and self.retry_until is None else f"attempt {attempt}"
