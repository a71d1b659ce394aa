"""The accepting side of the photo queue: submits a photo and waits for the answer, of whichever process's engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from face_api.engines.photo_queue import Answer, PendingPhoto, PhotoQueue, Task
from face_api.server.metrics import Metrics
from faces.errors import EngineDied, EnginesBusy

#: Seconds between two looks at the engine of this process, while a photo waits.
_LOOK_EVERY = 1.0


class ClientGone(Exception):
    """The client disconnected before it had its answer."""


class PhotoSubmitter:
    """Submits the photos that this process accepted, a bounded number at a time (FACE_API_WAITING).

    Called by the routes, in the event loop only, which its waits do not block.
    """

    def __init__(self, queue: PhotoQueue, most_waiting: int, metrics: Metrics, has_failed: Callable[[], bool]) -> None:
        """At most `most_waiting` photos wait at a time, and none once this process's engine `has_failed`."""
        self._queue, self._most_waiting, self._metrics, self._has_failed = queue, most_waiting, metrics, has_failed
        self._waiting = 0

    async def submit(self, task: Task, photo: int, disconnected: asyncio.Future[None]) -> Answer:
        """Have an engine work on the photo (an open file). `disconnected` is done when the client has left.

        Raises:
            EnginesBusy: too many wait already.
            EngineDied: the process that worked on it ended, or the accepting one is about to.
            ClientGone: the client disconnected; a photo that no engine had in hand yet will not be worked on.
        """
        answer = asyncio.ensure_future(self._submit(task, photo))
        try:
            either: set[asyncio.Future[Any]] = {answer, disconnected}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ClientGone
            return answer.result()
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)

    async def _submit(self, task: Task, photo: int) -> Answer:
        if self._waiting >= self._most_waiting:
            raise EnginesBusy(
                f"{self._waiting} photos wait in this process already, and no more may (FACE_API_WAITING); try again"
            )
        with self._queue.offer(task, photo) as pending:
            self._count(+1)
            try:
                await self._until_taken(pending)
            finally:
                self._count(-1)
            return await pending.answer()

    async def _until_taken(self, pending: PendingPhoto) -> None:
        """Wait until an engine of any process has the photo in hand; no longer than this process's own engine lives."""
        taken = asyncio.ensure_future(pending.taken())
        try:
            while not (await asyncio.wait({taken}, timeout=_LOOK_EVERY))[0]:
                if self._has_failed():
                    raise EngineDied("the engine of the process that accepted the photo has ended; try again")
            taken.result()
        finally:
            taken.cancel()
            await asyncio.gather(taken, return_exceptions=True)

    def _count(self, more: int) -> None:
        self._waiting += more
        self._metrics.set_waiting(self._waiting)
