"""The accepting side: puts a photo into the queue of all engines and waits for its answer. Bounded, never blocking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from face_api.engines.photo_queue import Answer, Line, PhotoQueue, Task
from face_api.server.metrics import Metrics
from faces.errors import EngineDied, EnginesBusy

#: Seconds between two looks at the engine of this process, while a photo waits.
_ROUND = 1.0


class ClientGone(Exception):
    """Nobody waits for this answer any more."""


class Engines:
    """All engines of all processes, as one process sees them. For its event loop only."""

    def __init__(self, queue: PhotoQueue, most_waiting: int, metrics: Metrics, has_failed: Callable[[], bool]) -> None:
        """At most `most_waiting` photos wait at a time, and none once `has_failed` says so of this process's engine."""
        self._queue, self._most_waiting, self._metrics, self._has_failed = queue, most_waiting, metrics, has_failed
        self._waiting = 0

    async def ask(self, task: Task, photo: int, gone: asyncio.Future[None]) -> Answer:
        """Have an engine work on the photo (an open file). `gone` is done when the client leaves.

        Raises:
            EnginesBusy: too many wait already.
            EngineDied: the process that worked on it ended, or will end before it.
            ClientGone: the client left; a photo that no engine had in hand yet will not be worked on.
        """
        answer = asyncio.ensure_future(self._ask(task, photo))
        try:
            either: set[asyncio.Future[Any]] = {answer, gone}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ClientGone
            return answer.result()
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)

    async def _ask(self, task: Task, photo: int) -> Answer:
        if self._waiting >= self._most_waiting:
            raise EnginesBusy(
                f"{self._waiting} photos wait in this process already, and no more may (FACE_API_WAITING); try again"
            )
        with self._queue.offer(task, photo) as line:
            self._count(+1)
            try:
                await self._taken(line)
            finally:
                self._count(-1)
            return await line.answer()

    async def _taken(self, line: Line) -> None:
        """Wait until an engine of any process has the photo in hand; for no longer than this process has one."""
        taken = asyncio.ensure_future(line.taken())
        try:
            while not (await asyncio.wait({taken}, timeout=_ROUND))[0]:
                if self._has_failed():
                    raise EngineDied("the engine of the process that accepted the photo has ended; try again")
            taken.result()
        finally:
            taken.cancel()
            await asyncio.gather(taken, return_exceptions=True)

    def _count(self, more: int) -> None:
        self._waiting += more
        self._metrics.set_waiting(self._waiting)
