"""The API as installed: `python -m face_api` on a free port, with a state folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.servers.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RunningApi:
    """One `python -m face_api` and what a test wants to know about it."""

    def __init__(self, home: Path, settings: dict[str, str], command: Sequence[str] = ("-m", "face_api")) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.home, self.state = home, home / "state"
        self._log, self._command = home / "log", command
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
                [sys.executable, *self._command], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End all of its processes as a crash does."""
        processes = [psutil.Process(self.master.pid), *self.processes()]
        for process in processes:
            process.kill()
        self.master.wait()
        psutil.wait_procs(processes[1:])

    def wait_until_ready(self) -> None:
        # Several start at once where tests run beside each other, each with a second or two of work for a core.
        wait_for(self._is_ready, seconds=120, what=f"/readyz (log: {self.log()})")

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
