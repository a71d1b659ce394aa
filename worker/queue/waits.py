"""What a worker waits for and since when, in seconds since boot, which no change of the machine's clock moves."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from faces.errors import (
    BrokerRefused,
    BrokerUnavailable,
    CacheUnavailable,
    EngineError,
    FaceApiUnavailable,
    FacesError,
    SchemaError,
    StoreUnavailable,
)
from worker.amqp.report import BrokerReport

#: What may be waited for, the most telling first: `broker` (not connected), `blocked` (it takes no messages), `queue`
#: (nothing can be taken from it), then the rest of the world. Labels of the metrics, too.
OF_BROKER = ("broker", "blocked", "queue")
OF_WORLD = ("database", "cache", "face_api", "start", "other")
ALL = (*OF_BROKER, *OF_WORLD)

#: A wait that begins again within so many seconds is still the same one: a broker that lets us in only to throw us out
#: again, a job that is tried in between.
_SAME_SECONDS = 15.0

_BY_ERROR: tuple[tuple[type[FacesError], str], ...] = (
    (FaceApiUnavailable, "face_api"),
    (EngineError, "face_api"),
    (StoreUnavailable, "database"),
    (SchemaError, "database"),
    (CacheUnavailable, "cache"),
    (BrokerUnavailable, "broker"),
    (BrokerRefused, "broker"),
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that is waited for: one of `ALL`, why in words, and since when (seconds since boot)."""

    what: str
    why: str
    since: float


def boot_seconds() -> float:
    """Seconds since the machine started, sleep included; the same for all its processes."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def waited_for(error: FacesError, otherwise: str = "other") -> str:
    """Which part of the world an error says is away."""
    return next((what for kind, what in _BY_ERROR if isinstance(error, kind)), otherwise)


def of_broker(report: BrokerReport, queues: Iterable[str]) -> dict[str, str]:
    """What of RabbitMQ keeps a worker of these queues from its jobs, and why; of several queues one may be missing."""
    if not report.connected:
        return {"broker": report.reason or "not connected yet"}
    found = {"blocked": report.blocked} if report.blocked else {}
    if report.refused:
        found["queue"] = report.refused
    elif report.missing and set(queues) <= set(report.missing):
        found["queue"] = f"there is no queue {', '.join(report.missing)}"
    return found


class Waits:
    """What is waited for now."""

    def __init__(self) -> None:
        """Nothing."""
        self._waits: dict[str, Waiting] = {}
        self._ended: dict[str, tuple[Waiting, float]] = {}

    def all(self) -> list[Waiting]:
        """In the order of `ALL`."""
        return [self._waits[what] for what in ALL if what in self._waits]

    def waits_for(self, among: Iterable[str]) -> bool:
        """Whether any of these is waited for."""
        return any(what in self._waits for what in among)

    def are(self, found: Mapping[str, str], among: Iterable[str], now: float, began: float | None = None) -> None:
        """From now on, `among` these, what was found is waited for and nothing else.

        Args:
            found: what, and why in words; other words for the same thing are no new wait.
            among: what was looked at.
            now: seconds since boot.
            began: when what is new began; None: now.
        """
        for what in among:
            if what in found:
                self._waits[what] = Waiting(what, found[what], self._since(what, now, now if began is None else began))
            elif ended := self._waits.pop(what, None):
                self._ended[what] = (ended, now)

    def forget(self, among: Iterable[str]) -> None:
        """None of these is waited for, and what begins from now on is new: the world was there."""
        for what in among:
            self._waits.pop(what, None)
            self._ended.pop(what, None)

    def _since(self, what: str, now: float, began: float) -> float:
        if what in self._waits:
            return self._waits[what].since
        ended, at = self._ended.get(what, (None, 0.0))
        return ended.since if ended and now - at < _SAME_SECONDS else began
