"""Measure what a worker's start costs: see script/bench-start."""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.mariadb import running_mariadb
from tests.servers.photo_app import PhotoApp
from tests.servers.rabbitmq import running_rabbitmq

#: What a worker cannot do without, whatever it does with it.
_LIBRARIES = "import numpy, sqlalchemy, pymysql, pika, httpx2, pydantic"

_READY = "taking jobs of"


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench-start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="starts of each; the median counts")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    told = parser.parse_args()
    costs: dict[str, list[float]] = {"worker": [], "libraries": [], "python": []}
    with tempfile.TemporaryDirectory() as folder, running_mariadb() as mariadb, running_rabbitmq() as rabbitmq:
        # As installed, where all is compiled, whatever the environment says.
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        app = PhotoApp(mariadb, rabbitmq, Path(folder) / "app", "http://127.0.0.1:9")
        # The first ones write the compiled modules.
        for number in range(told.rounds + 1):
            round_costs = {"worker": _worker(app), "libraries": _python(_LIBRARIES), "python": _python("pass")}
            for name, cost in round_costs.items() if number else ():
                costs[name].append(cost)
        app.end()
    figures = {name: statistics.median(found) for name, found in costs.items()}
    figures["ratio"] = figures["worker"] / figures["libraries"]
    if told.json:
        print(json.dumps(figures))  # noqa: T201  the answer
    else:
        print(  # noqa: T201  the answer
            f"CPU seconds, median of {told.rounds}\n"
            f"  python -m worker run, until it takes jobs   {figures['worker']:6.2f}\n"
            f"  importing its libraries alone               {figures['libraries']:6.2f}\n"
            f"  python alone                                {figures['python']:6.2f}\n"
            f"  worker / libraries                          {figures['ratio']:6.2f}"
        )
    return 0


def _worker(app: PhotoApp) -> float:
    """CPU seconds of a worker at the moment at which it says that it takes jobs."""
    process = app.worker().start("run")
    assert process.stderr is not None
    for line in process.stderr:
        if _READY in line:
            cost = _used_by(process.pid)
            break
    else:
        sys.exit(f"a worker ended with {process.wait()}")
    process.kill()
    process.communicate()
    return cost


def _used_by(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _python(statements: str) -> float:
    """CPU seconds of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statements], check=True)  # noqa: S603  our own Python
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
