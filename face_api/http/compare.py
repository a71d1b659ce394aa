"""Distances of one encoding to many candidates, as the app's PHP reads them."""

from __future__ import annotations

import asyncio
from typing import BinaryIO

import numpy as np

from face_api.http.compare_body import Comparison
from face_api.http.schemas import CompareReply
from faces.errors import EnginesBusy
from faces.people.matching import distances

#: What a candidate that cannot be compared is away. Never null: PHP's min() takes null for the smallest.
INVALID_DISTANCE = 1e9


#: Comparisons that compute at a time in each process; more wait, so that their matrices do not add up.
COMPARING = 2


class Comparisons:
    """The comparisons of one process: a few at a time, in threads, and a bounded number that wait."""

    def __init__(self, most_waiting: int) -> None:
        """At most `most_waiting` wait."""
        self._most_waiting, self._waiting = most_waiting, 0
        self._slots = asyncio.Semaphore(COMPARING)

    async def compare(self, body: BinaryIO) -> bytes:
        """As the function `compare`, without holding up the event loop.

        Raises:
            EnginesBusy: too many wait already.
        """
        if self._slots.locked() and self._waiting >= self._most_waiting:
            raise EnginesBusy(f"{self._waiting} comparisons wait in this process already (FACE_API_WAITING); try again")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            return await asyncio.to_thread(compare, body)
        finally:
            self._slots.release()


def compare(body: BinaryIO) -> bytes:
    """Read the request, return the reply's JSON. Takes seconds for 100,000 candidates: not for an event loop.

    Raises:
        BadBody: as `Comparison.read`.
        WrongField: as `Comparison.read`.
    """
    asked = Comparison.read(body)
    apart = np.full(asked.count, INVALID_DISTANCE)
    apart[asked.places] = distances(asked.encoding, asked.valid)
    # Finite numbers too far apart for float64: JSON has no word for infinity.
    apart[~np.isfinite(apart)] = INVALID_DISTANCE
    known = np.zeros(asked.count, dtype=np.bool_)
    known[asked.places] = apart[asked.places] < INVALID_DISTANCE
    reply = CompareReply(distances=apart.tolist(), invalid=np.flatnonzero(~known).tolist())
    return reply.model_dump_json().encode()
