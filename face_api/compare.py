"""Distances of one encoding to many candidates, as the app's PHP reads them."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from face_api.compare_body import Comparison
from face_api.schemas import CompareReply
from faces.matching import distances

#: What a candidate that cannot be compared is away. Never null: PHP's min() takes null for the smallest.
INVALID_DISTANCE = 1e9


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
