from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]

#: In a process of its own: this one may have threads, and a fork would lose them.
CODE = """
import os
from face_api.engines.busy_engines import BusyEngines
busy = BusyEngines()
busy.begin()
if (child := os.fork()) == 0:
    busy.begin()
    os._exit(busy.count())
_, status = os.waitpid(child, 0)
counts = [os.waitstatus_to_exitcode(status), busy.count()]
busy.forget(child)
busy.forget(child)
counts.append(busy.count())
busy.end()
print([*counts, busy.count()])
"""


def test_engines_of_all_processes_are_counted_until_they_end() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[2, 2, 1, 0]\n"
