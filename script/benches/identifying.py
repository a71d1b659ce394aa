"""Who a face is among 1,000 people: CPU of the face API's /compare with them as candidates, and of /identify."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from faces.people.cohort import read_cohort
from faces.store.database import Store
from script.benches.large_library import fill_library, made_faces
from tests.servers.library_rows import tables_at
from tests.servers.running_api import RunningApi
from tests.servers.running_people import RunningPeople

PEOPLE = 1000

#: Groups without a name beside them.
_GROUPS = 2

#: Requests in a row: the kernel counts a process's CPU in hundredths of a second.
_REQUESTS = {"reference": 20, "ours": 200}


def measure(rounds: int) -> dict[str, Any]:
    """CPU and wall seconds of one request, /compare with lists (`reference`) and /identify (`ours`) in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url, known = f"sqlite:///{folder}/faces.db", made_faces(read_cohort(), PEOPLE + _GROUPS)[:PEOPLE].tolist()
        Store.open(url, create=True).close()
        fill_library(url, tables_at(url), read_cohort(), people=PEOPLE, groups=_GROUPS)
        api = RunningApi(folder / "api", {"FACE_API_PROCESSES": "1"})
        people = RunningPeople(folder / "people", url, {})
        try:
            api.wait_until_ready()
            people.wait_until_alive()
            return {
                f"who a face is among {PEOPLE} people, /identify beside /compare": _both(api, people, known, rounds)
            }
        finally:
            people.stop()
            api.stop()


def _both(api: RunningApi, people: RunningPeople, known: list[list[float]], rounds: int) -> dict[str, Any]:
    asked = {"encoding": known[0], "candidates": known}
    ways: dict[str, tuple[list[psutil.Process], Callable[[], Any]]] = {
        "reference": (api.processes(), lambda: api.client.post("/compare", json=asked).raise_for_status()),
        "ours": (
            people.processes(),
            lambda: people.client.post("/v1/identify", json={"encodings": known[:1]}).raise_for_status(),
        ),
    }
    (found,) = ways["ours"][1]().json()["faces"]
    assert found["distance"] == 0
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (processes, ask) in ways.items():
            taken[name].append(_cost(processes, ask, _REQUESTS[name]))
    figures = {name: {key: median(one[key] for one in many) for key in many[0]} for name, many in taken.items()}
    return {**figures, "ratio": {key: figures["ours"][key] / figures["reference"][key] for key in figures["ours"]}}


def _cost(processes: list[psutil.Process], ask: Callable[[], Any], requests: int) -> dict[str, float]:
    before, start = _cpu(processes), time.perf_counter()
    for _ in range(requests):
        ask()
    return {"cpu": (_cpu(processes) - before) / requests, "wall": (time.perf_counter() - start) / requests}


def _cpu(processes: list[psutil.Process]) -> float:
    times = [one.cpu_times() for one in processes]
    return sum(one.user + one.system for one in times)
