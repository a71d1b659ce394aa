"""The short form of script/chaos: a soak with the important kinds of faults, whose end is looked at in every row."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import psutil

from tests.chaos.jobs import USUAL
from tests.chaos.soak import Told, soak
from tests.servers.worker_process import ROOT

Wait = Callable[..., None]

_log = logging.getLogger(__name__)

#: Its faults: the broker, a worker, the database and Redis killed, a worker paused, cuts, refusals, the API restarted.
SEED = 2999

#: Seconds are of a machine that does nothing else.
MINUTES = 8


def test_a_soak_with_eight_faults_ends_with_every_image_exact() -> None:
    lines: list[str] = []
    told = Told(SEED, jobs=60, faults=8, minutes=MINUTES, cache="redis", poison=USUAL)
    assert soak(told, lines.append) == [], "\n".join(lines)
    _log.info("%s", lines[-1])
    assert len(lines) >= 9


def test_an_interrupted_soak_leaves_nothing_running(wait_for: Wait) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--jobs", "10", "--faults", "5", "--cache", "redis"]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    names = ("mariadbd", "beam.smp", "redis-server", "python")

    def all_run() -> bool:
        assert running.poll() is None, running.communicate()
        found = []
        for process in psutil.Process(running.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # one of those that only start others
                found.append(process.name())
        return all(any(name.startswith(wanted) for name in found) for wanted in names)

    wait_for(all_run, 120, "the start of the servers and workers")
    started = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130, err
    assert "stopped" in out, err
    assert psutil.wait_procs(started, 10)[1] == []
