"""`python -m worker` as installed, started by a test from a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """Runs verbs in `home`; `rows` reads the SQLite file `database` there."""

    def __init__(self, home: Path, settings: dict[str, str], database: str = "faces.db") -> None:
        home.mkdir()
        self.home, self.database = home, home / database
        self._settings = settings
        self._running: list[subprocess.Popen[str]] = []
        self.program = ("-m", "worker")

    def start(self, *arguments: object, **settings: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FACE_")}
        environment |= {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"} | self._settings | settings
        process = subprocess.Popen(
            [sys.executable, *self.program, *map(str, arguments)],
            cwd=self.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def run(self, *arguments: object, code: int = 0, **settings: str) -> tuple[str, str]:
        """Run a verb to its end; returns stdout and stderr."""
        return self.end_of(self.start(*arguments, **settings), code)

    def end_of(self, process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
        """Wait for the end of a started verb; returns stdout and stderr."""
        out, err = self.output_of(process)
        assert process.returncode == code, f"ended with {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return out, err

    def output_of(self, process: subprocess.Popen[str], timeout: float = 180) -> tuple[str, str]:
        """Wait for the end of a started verb; one that does not end tells where it hangs."""
        try:
            return process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            _, err = process.communicate(timeout=30)
            raise AssertionError(f"did not end within {timeout} s\n{err}") from None

    def records(self, *arguments: object, code: int = 0, **settings: str) -> list[Any]:
        """Run a verb with --json; returns the values of its lines."""
        out, _ = self.run(*arguments, "--json", code=code, **settings)
        return [json.loads(line) for line in out.splitlines()]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def checked(self) -> int:
        """Images that are done; 0 also while the database is being made."""
        if not self.database.exists() or not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'images'"):
            return 0
        count: int = self.rows("SELECT count(*) FROM images WHERE faces_checked")[0][0]
        return count

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()
