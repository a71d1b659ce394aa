"""Measure the jobs of an app without our tables beside those of an older commit: see script/bench-before."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np

from tests.servers.app_schema import V3
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.rows import Rows

ROOT = Path(__file__).resolve().parents[2]

#: By how much a job may cost more than before.
_MOST = 1.03

#: Verified faces that each photo is compared with.
_MASTERS = 2000


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench-before", description=__doc__)
    parser.add_argument("commit", help="that is measured beside the files as they are")
    parser.add_argument("--pairs", type=int, default=8, metavar="N", help="runs of each, in turns (default: 8)")
    parser.add_argument("--jobs", type=int, default=150, metavar="N", help="jobs of a run (default: 150)")
    told = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "a.jpg").write_bytes(b"a photo")
        old = folder / "old"
        subprocess.run(["git", "-C", str(ROOT), "worktree", "add", "--detach", str(old), told.commit], check=True)  # noqa: S603, S607
        stack.callback(subprocess.run, ["git", "-C", str(ROOT), "worktree", "remove", "--force", str(old)], check=True)
        mariadb = stack.enter_context(running_mariadb())
        ratios = []
        for number in range(told.pairs):
            turns = (ROOT, old) if number % 2 else (old, ROOT)
            costs = {code: _run(mariadb, code, folder, told.jobs) for code in turns}
            ratios.append(costs[ROOT] / costs[old])
            print(f"CPU ms of a job: before {costs[old] * 1000:.2f}, now {costs[ROOT] * 1000:.2f}", flush=True)  # noqa: T201
    print(f"now / before, median of {told.pairs} pairs: {median(ratios):.3f}")  # noqa: T201  the answer
    return 1 if median(ratios) > _MOST else 0


def _run(mariadb: MariaDB, code: Path, folder: Path, jobs: int) -> float:
    """CPU seconds of a job, the median of a run on a fresh database."""
    url = mariadb.new_database(*V3)
    rows = Rows(url)
    image = rows.image(faces_checked=1)
    for person in np.random.default_rng(3).normal(scale=0.12, size=(_MASTERS, 128)):
        rows.face(image, person, status="ok")
    rows.close()
    # Not as a script: its folder has a `queue`, which is not Python's.
    run = f"import runpy; runpy.run_path({str(ROOT / 'script/benches/nearest_job.py')!r}, run_name='__main__')"
    command = [sys.executable, "-c", run, url, str(folder), "--jobs", str(jobs)]
    environment = os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=code)  # noqa: S603
    return float(median(json.loads(done.stdout)))


if __name__ == "__main__":
    sys.exit(main())
