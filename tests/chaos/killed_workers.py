"""Workers of one app that group and link the faces of its jobs, are killed at any moment, and are begun again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faces.people.cohort import arrays_of, read_cohort
from faces.store.sidecar.tables import PREFIX
from tests.servers.photo_app import PhotoApp
from tests.servers.worker_process import ROOT
from tests.unit.faces.people.made_people import made_cohort
from worker.queue import status_file
from worker.queue.attempt import CRASHES_ALLOWED

#: Seconds in which a worker that was told to stop has ended.
_PATIENCE = 60


@dataclass(frozen=True)
class Kill:
    """Of one worker: what it was at."""

    working: bool
    """Whether it had a job in hand, else it waited for one, settled, looked, or began."""
    settling: bool
    """Whether it, or one killed with it, had the right to settle groups."""


class KilledWorkers:
    """`python -m worker run`, so often at once from `start` to `end`."""

    def __init__(self, app: PhotoApp) -> None:
        self.app = app
        self._home = app.folder / "workers"
        self._home.mkdir()
        self._cohort = self._home / "cohort.npz"
        np.savez(self._cohort, **arrays_of(made_cohort()))  # type: ignore[arg-type]  arrays by name
        self.cohort = read_cohort(self._cohort)
        self._log = (self._home / "log").open("ab")
        self._running: list[subprocess.Popen[bytes]] = []
        self._crashes: Counter[int] = Counter()

    def start(self, number: int) -> None:
        """So many."""
        self._running += [self._begin() for _ in range(number)]

    def kill(self, numbers: Sequence[int]) -> list[Kill]:
        """Kill these workers and begin others, as if so much time had passed as the dead would hold anything up.

        What they held is an image's lock, the right to settle, and the half minute between two looks at the app's rows.
        Who has a job in hand that ended two workers is spared: the third one makes it fail.
        """
        stopped = {number: self._running[number] for number in numbers}
        for worker in stopped.values():
            # So that what is read next is of the moment at which it ends.
            worker.send_signal(signal.SIGSTOP)
        images = self._images()
        is_settling, dead = self.is_settling(), dict[int, int | None]()
        for number, worker in stopped.items():
            image = images.get(worker.pid)
            if image is not None and self._crashes[image] == CRASHES_ALLOWED:
                worker.send_signal(signal.SIGCONT)
                continue
            worker.kill()
            worker.wait()
            dead[number] = image
        # Not before: a stopped one may hold rows that the others, and this, wait for.
        for number, image in dead.items():
            self._let_time_pass(image)
            self._running[number] = self._begin()
        return [Kill(image is not None, is_settling) for image in dead.values()]

    def at_jobs(self) -> list[int]:
        """The numbers of those that have a job in hand."""
        images = self._images()
        return [number for number, worker in enumerate(self._running) if images.get(worker.pid) is not None]

    def is_settling(self) -> bool:
        """Whether a worker joins groups, or asks about them."""
        query = f"SELECT joining_until > UTC_TIMESTAMP() AS settling FROM {PREFIX}library"
        return bool(self.app.rows.one(query)["settling"])

    def ended(self) -> list[int]:
        """The exit codes of those that have ended by themselves: none should."""
        return [worker.returncode for worker in self._running if worker.poll() is not None]

    def end(self) -> list[int]:
        """Tell all to stop; returns their exit codes, that of a kill for those that do not listen."""
        for worker in self._running:
            worker.terminate()
        codes = [self._end_of(worker) for worker in self._running]
        self._running.clear()
        self._log.close()
        return codes

    def log(self) -> str:
        """What all workers said."""
        return (self._home / "log").read_text(encoding="utf-8", errors="replace")

    @property
    def settings(self) -> dict[str, str]:
        """Of a worker, and of any verb beside them."""
        return {
            "LARAVEL_ENV_FILE": str(self.app.env_file),
            "FACE_API_URL": self.app.api_url,
            "FACE_DISK_ROOTS": f"photos={self.app.disk}",
            "FACE_STATE_DIR": str(self.app.folder / "state"),
            "FACE_COHORT": str(self._cohort),
            "FACE_MATCH": "calibrated",
            "FACE_COMPLETION_EVENT": "none",
            "FACE_WORKER_BACKOFF": "0",
            "PYTHONPATH": str(ROOT),
        }

    def verb(self, *words: str) -> tuple[int, str]:
        """Run one beside the workers; its exit code, and what it said."""
        command = [sys.executable, "-m", "worker", *words]
        done = subprocess.run(
            command, check=False, cwd=self._home, env=self._environment(), capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    def _images(self) -> dict[int, int | None]:
        """The image of the job in hand of each that has started, by process."""
        reports, _ = status_file.read(self.app.folder / "state")
        return {report.pid: report.job.get("image") if report.job else None for report in reports}

    def _begin(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "worker", "run"]
        return subprocess.Popen(command, cwd=self._home, env=self._environment(), stdout=self._log, stderr=self._log)

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("FACE_")} | self.settings

    def _let_time_pass(self, image: int | None) -> None:
        if image is not None:
            self._crashes[image] += 1
            self.app.rows.run("DELETE FROM cache_locks WHERE `key` LIKE :key", key=f"%face-processing:{image}")
        self.app.rows.run(f"UPDATE {PREFIX}library SET looked_at = NULL")
        self.app.rows.run(f"UPDATE {PREFIX}library SET joining_until = '2020-01-01' WHERE joining_until IS NOT NULL")

    def _end_of(self, worker: subprocess.Popen[bytes]) -> int:
        try:
            return worker.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            worker.kill()
            return worker.wait()
