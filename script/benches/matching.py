"""The nearest of many known faces: as `/compare` of the reference server finds it, and as the worker does."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from faces.people.matching import Candidates, nearest
from tests.oracle.reference import face_recognition

CANDIDATES = (500, 2000, 10_000)
_THRESHOLD = 0.6


def measure(rounds: int) -> dict[str, Any]:
    """CPU seconds for one face among so many candidates, both ways in turns, and their ratio."""
    return {f"{count} candidates": _among(count, rounds) for count in CANDIDATES}


def _among(count: int, rounds: int) -> dict[str, Any]:
    dice = np.random.default_rng(count)
    known = dice.normal(0, 0.08, (count, 128))
    face = known[count // 2] + dice.normal(0, 0.01, 128)
    candidates = Candidates.of(range(count), range(count), list(known))
    as_sent = known.tolist()
    theirs: list[float] = []
    ours: list[float] = []
    for _ in range(rounds):
        theirs.append(_cpu(lambda: _reference(as_sent, face.tolist(), count // 2)))
        ours.append(_cpu(lambda: _ours(candidates, face, count // 2)))
    figures = {
        name: {"cpu_min": min(seconds), "cpu_median": median(seconds)}
        for name, seconds in (("reference", theirs), ("ours", ours))
    }
    return {**figures, "ratio": {name: figures["ours"][name] / figures["reference"][name] for name in figures["ours"]}}


def _reference(known: list[list[float]], face: list[float], wanted: int) -> None:
    """All candidates come as JSON numbers with each face; the nearest of the distances below the threshold."""
    distances = face_recognition().face_distance(np.array(known), np.array(face))
    assert int(np.argmin(distances)) == wanted and distances.min() < _THRESHOLD


def _ours(candidates: Candidates, face: np.ndarray, wanted: int) -> None:
    match = nearest(face, candidates, _THRESHOLD)
    assert match is not None and match.id == wanted


def _cpu(work: Callable[[], None]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start
