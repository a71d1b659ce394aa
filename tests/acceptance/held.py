"""Workers that wait at a step of their job until the test has done something to the world."""

from __future__ import annotations

import subprocess

from tests.servers.photo_app import PhotoApp
from tests.servers.worker_process import ROOT
from worker.queue import status_file


class Held:
    """`run`, as a person starts it, but waiting at a named step of its first job."""

    def __init__(self, app: PhotoApp, step: str, *options: object, **settings: str) -> None:
        worker = app.worker(PYTHONPATH=str(ROOT), **settings)
        worker.program = ("-m", "tests.servers.stepped_worker")
        self.app, self.step, self._worker = app, step, worker
        self.process: subprocess.Popen[str] = worker.start("run", *options, HOLD_AT=step)

    def waits(self) -> bool:
        """Whether the step is reached."""
        if self.process.poll() is not None:
            raise AssertionError(f"ended before {self.step}: {self.process.communicate()}")
        return (self._worker.home / "held").exists()

    def let_go(self) -> None:
        """Go on."""
        (self._worker.home / "held").unlink()

    def stop(self) -> str:
        """End it in order; returns its log."""
        self.process.terminate()
        return self._worker.end_of(self.process)[1]

    def end(self) -> str:
        """Wait for its own end; returns its log."""
        return self._worker.end_of(self.process)[1]


def state_of(app: PhotoApp) -> str | None:
    """What the app's worker says that it does: idle, working, waiting …; None as long as there is none."""
    reports, _ = status_file.read(app.folder / "state")
    return reports[0].state if reports else None
