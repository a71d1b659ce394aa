"""The API as installed: `python -m face_api` on a free port, with a state folder of its own."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import psutil
import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]

Wait = Callable[..., None]


def _wait_for(
    condition: Callable[[], object], seconds: float = 30, what: str = "the condition", pause: float = 0.02
) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(pause)


@pytest.fixture(scope="session")
def wait_for() -> Wait:
    """Wait until a condition holds, for a bounded time."""
    return _wait_for


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RunningApi:
    """One `python -m face_api` and what a test wants to know about it."""

    def __init__(self, home: Path, settings: dict[str, str]) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.home, self.state = home, home / "state"
        self._log = home / "log"
        home.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("FACE_", "PROMETH"))}
        environment |= {"FACE_API_ADDRESS": f"127.0.0.1:{self.port}", "FACE_API_PROCESSES": "2"}
        environment |= {"FACE_STATE_DIR": str(self.state)} | settings
        self._engines = int(environment["FACE_API_PROCESSES"])
        self._environment = environment
        self.client = httpx2.Client(base_url=self.url, timeout=120)
        self.start()

    def start(self) -> None:
        """Start it, also after `kill`."""
        with self._log.open("ab") as log:
            self.master = subprocess.Popen(
                [sys.executable, "-m", "face_api"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End all of its processes as a crash does."""
        processes = [psutil.Process(self.master.pid), *self.processes()]
        for process in processes:
            process.kill()
        self.master.wait()
        psutil.wait_procs(processes[1:])

    def wait_until_ready(self) -> None:
        _wait_for(self._is_ready, what=f"/readyz (log: {self.log()})")

    def _is_ready(self) -> bool:
        """Ready is the first process; tests that count or measure want them all."""
        assert self.master.poll() is None, self.log()
        try:
            return self.client.get("/readyz").status_code == 200 and self.figure("face_api_engines") == self._engines
        except httpx2.TransportError:
            return False

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def processes(self) -> list[psutil.Process]:
        """The engine processes."""
        return psutil.Process(self.master.pid).children()

    def in_hand(self) -> dict[int, str]:
        """Which living process has which photo in hand (SHA-256), by the marks of the crash register."""
        folder = self.state / "in_hand"
        names = [path.name.split(".") for path in folder.glob("[!.]*")] if folder.is_dir() else []
        alive = {process.pid for process in self.processes() if process.status() != psutil.STATUS_ZOMBIE}
        return {int(name[2]): name[0] for name in names if int(name[2]) in alive}

    def encode(self, photo: bytes, **options: Any) -> httpx2.Response:
        with httpx2.Client(base_url=self.url, timeout=120) as client:
            return client.post("/encode", files={"image": ("a.jpg", photo)}, **options)

    def figure(self, name: str) -> float:
        """The sum over all labels of a metric."""
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.split()[0] == name)

    def memory(self) -> int:
        """Resident bytes of the engine processes."""
        return sum(process.memory_info().rss for process in self.processes())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        children = self.processes() if self.master.poll() is None else []
        self.client.close()
        if self.master.poll() is None:
            self.master.send_signal(signal.SIGQUIT)
            try:
                self.master.wait(10)
            except subprocess.TimeoutExpired:
                self.master.kill()
                self.master.wait()
        for child in children:
            if child.is_running():
                child.kill()


StartApi = Callable[..., RunningApi]


@pytest.fixture
def start_api(tmp_path: Path) -> Iterator[StartApi]:
    """Start an API with settings of its own; it ends with the test."""
    running: list[RunningApi] = []

    def start(**settings: str) -> RunningApi:
        api = RunningApi(tmp_path / f"api{len(running)}", settings)
        running.append(api)
        api.wait_until_ready()
        return api

    yield start
    for api in running:
        api.stop()


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the disk `photos` of the shared API."""
    return tmp_path_factory.mktemp("disk")


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[RunningApi]:
    """One API for all tests that leave it as it was."""
    running = RunningApi(tmp_path_factory.mktemp("api"), {"FACE_DISK_ROOTS": f"photos={disk}"})
    running.wait_until_ready()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def small_photo() -> bytes:
    """A photo without a face that takes an engine a few milliseconds."""
    picture = Image.new("RGB", (160, 120), (90, 120, 150))
    ImageDraw.Draw(picture).ellipse((40, 30, 100, 90), fill=(200, 180, 20))
    return _jpeg(picture)


@pytest.fixture(scope="session")
def slow_photo() -> bytes:
    """A photo without a face that takes an engine a second or more: three scans of noise."""
    noise = np.random.default_rng(5).integers(0, 256, (500, 500, 3), dtype=np.uint8)
    return _jpeg(Image.fromarray(noise).resize((2400, 2400)))


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return file.getvalue()
