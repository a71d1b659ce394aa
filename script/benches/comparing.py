"""/compare with the same candidates as lists of numbers and as base64: CPU seconds of the API for the whole request."""

from __future__ import annotations

import base64
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import numpy as np

from tests.servers.running_api import RunningApi

CANDIDATES = (500, 20_000)

#: Requests in a row: the kernel counts a process's CPU in hundredths of a second.
_REQUESTS = {"reference": 1, "ours": 10}

#: Largest difference of the two forms' distances: float32 has seven digits.
_SAME = 1e-6


def measure(rounds: int) -> dict[str, Any]:
    """CPU and wall seconds and megabytes of one request, lists (`reference`) and base64 (`ours`) in turns."""
    with tempfile.TemporaryDirectory() as folder:
        api = RunningApi(Path(folder), {"FACE_API_PROCESSES": "1"})
        try:
            api.wait_until_ready()
            return {f"/compare, {count} candidates": _both(api, count, rounds) for count in CANDIDATES}
        finally:
            api.stop()


def _both(api: RunningApi, count: int, rounds: int) -> dict[str, Any]:
    bodies = _bodies(count)
    _check(api, bodies)
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in bodies}
    for _ in range(rounds):
        for name, body in bodies.items():
            taken[name].append(_cost(api, body, _REQUESTS[name]))
    figures = {name: {key: median(one[key] for one in many) for key in many[0]} for name, many in taken.items()}
    return {**figures, "ratio": {key: figures["ours"][key] / figures["reference"][key] for key in figures["ours"]}}


def _bodies(count: int) -> dict[str, bytes]:
    """One face and its candidates, as the app's PHP sends them, and as base64 of PHP: each slash with a backslash."""
    dice = np.random.default_rng(count)
    known, face = dice.normal(0, 0.08, (count, 128)), dice.normal(0, 0.08, 128)
    lists = {"encoding": face.tolist(), "candidates": known.tolist()}
    text = {"encoding_b64": _base64(face), "candidates_b64": _base64(known)}
    return {"reference": json.dumps(lists).encode(), "ours": json.dumps(text).replace("/", r"\/").encode()}


def _base64(encodings: np.ndarray) -> str:
    return base64.b64encode(encodings.astype("<f4").tobytes()).decode()


def _check(api: RunningApi, bodies: dict[str, bytes]) -> None:
    theirs, ours = (np.array(_ask(api, body)["distances"]) for body in bodies.values())
    assert np.abs(theirs - ours).max() < _SAME


def _cost(api: RunningApi, body: bytes, requests: int) -> dict[str, float]:
    (process,) = api.processes()
    before, start = process.cpu_times(), time.perf_counter()
    for _ in range(requests):
        _ask(api, body)
    after = process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    wall = time.perf_counter() - start
    return {"cpu": cpu / requests, "wall": wall / requests, "megabytes": len(body) / 1e6}


def _ask(api: RunningApi, body: bytes) -> Any:
    headers = {"Content-Type": "application/json"}
    return httpx2.post(f"{api.url}/compare", content=body, headers=headers, timeout=600).raise_for_status().json()
