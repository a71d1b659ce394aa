"""Photos a second through both services, with as many clients as engines; one photo alone; how soon health answers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx2

from tests.servers.rabbitmq import free_port
from tests.servers.running_api import RunningApi
from tests.servers.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]

#: Pause between two questions about health.
_ASK_EVERY = 0.02


def measure(kinds: dict[str, list[Path]], rounds: int) -> dict[str, Any]:
    """All photos `rounds` times through each service, in turns; figures and ratios."""
    photos = [photo.read_bytes() for paths in kinds.values() for photo in paths]
    engines = len(os.sched_getaffinity(0))
    figures: dict[str, list[dict[str, float]]] = {"reference": [], "ours": []}
    with _reference(engines) as theirs, _ours(engines) as ours:
        for _ in range(rounds):
            figures["reference"].append(_round(theirs, "/health", photos, engines))
            figures["ours"].append(_round(ours, "/livez", photos, engines))
    sums = {name: {key: median(one[key] for one in many) for key in many[0]} for name, many in figures.items()}
    ratio = {key: sums["ours"][key] / sums["reference"][key] for key in sums["ours"]}
    return {"the service": {**sums, "ratio": ratio, "engines": engines, "photos": len(photos)}}


def _round(url: str, health: str, photos: Sequence[bytes], clients: int) -> dict[str, float]:
    alone = [_seconds(url, photo) for photo in photos]
    with _asking(url + health) as answers:
        start = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda photo: _seconds(url, photo), photos))
        together = time.perf_counter() - start
    return {
        "photos_a_second": len(photos) / together,
        "wall_alone": sum(alone),
        "health_p99": quantiles(answers, n=100, method="inclusive")[98],
        "health_worst": max(answers),
    }


def _seconds(url: str, photo: bytes) -> float:
    start = time.perf_counter()
    httpx2.post(f"{url}/encode", files={"image": ("photo.jpg", photo)}, timeout=600).raise_for_status()
    return time.perf_counter() - start


@contextmanager
def _asking(url: str) -> Iterator[list[float]]:
    """Ask for health all the time; yields the seconds that each answer took."""
    answers: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        # A new connection each time: one that is kept asks the same process again and again.
        with httpx2.Client(timeout=600, limits=httpx2.Limits(max_keepalive_connections=0)) as client:
            while not stop.wait(_ASK_EVERY):
                start = time.perf_counter()
                client.get(url).raise_for_status()
                answers.append(time.perf_counter() - start)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        stop.set()
        asking.join()


@contextmanager
def _ours(engines: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        api = RunningApi(Path(folder), {"FACE_API_PROCESSES": str(engines)})
        try:
            api.wait_until_ready()
            yield api.url
        finally:
            api.stop()


@contextmanager
def _reference(engines: int) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "-k", "asgi", "-w", str(engines), "-b", address]
    command += ["--timeout", "600", "--log-level", "error", "script.benches.reference_server:app"]
    server = subprocess.Popen(command, cwd=ROOT)  # noqa: S603  our own Python
    try:
        wait_for(lambda: _answers(f"http://{address}/health"), 60, "the reference server")
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url).is_success
    except httpx2.TransportError:
        return False
