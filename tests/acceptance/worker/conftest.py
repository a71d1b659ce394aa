"""`python -m worker` as installed: from any folder, with its own database, against a real API."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from PIL import Image

from tests.servers.mariadb import MariaDB, running_mariadb

ROOT = Path(__file__).resolve().parents[3]


class HasUrl(Protocol):
    """An API that runs."""

    url: str


class Worker:
    """Runs verbs; its database is `home/faces.db` unless a setting says otherwise."""

    def __init__(self, home: Path, settings: dict[str, str]) -> None:
        self.home = home
        self._settings = settings
        self._running: list[subprocess.Popen[str]] = []

    def start(self, *arguments: object, **settings: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FACE_")}
        environment |= {"PYTHONPATH": str(ROOT)} | self._settings | settings
        process = subprocess.Popen(
            [sys.executable, "-m", "worker", *map(str, arguments)],
            cwd=self.home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def run(self, *arguments: object, code: int = 0, **settings: str) -> tuple[str, str]:
        """Run a verb to its end; returns stdout and stderr."""
        process = self.start(*arguments, **settings)
        out, err = process.communicate(timeout=180)
        assert process.returncode == code, f"ended with {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return out, err

    def records(self, *arguments: object, code: int = 0, **settings: str) -> list[Any]:
        """Run a verb with --json; returns the values of its lines."""
        out, _ = self.run(*arguments, "--json", code=code, **settings)
        return [json.loads(line) for line in out.splitlines()]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "faces.db")) as connection:
            return connection.execute(query).fetchall()

    def checked(self) -> int:
        """Images that are done; 0 also while the database is being made."""
        if not (self.home / "faces.db").exists() or not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'images'"):
            return 0
        count: int = self.rows("SELECT count(*) FROM images WHERE faces_checked")[0][0]
        return count

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()


@pytest.fixture
def worker(tmp_path: Path, api: HasUrl) -> Iterator[Worker]:
    """A worker with the shared API."""
    (tmp_path / "home").mkdir()
    worker = Worker(tmp_path / "home", {"FACE_API_URL": api.url})
    yield worker
    worker.end()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """An empty folder for photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def slow_photo() -> bytes:
    """A photo without a face that takes an engine about a second: one scan of noise."""
    noise = np.random.default_rng(5).integers(0, 256, (1000, 1200, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", quality=85)
    return file.getvalue()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    with running_mariadb() as server:
        yield server
