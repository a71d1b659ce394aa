"""`python -m worker run`, but while something refuses it looks every second whether settings or tables changed."""

from __future__ import annotations

import sys

from faces import settings
from faces.system import logs
from worker.commands.invocation import Invocation
from worker.commands.output import Output
from worker.queue.assembly import run_worker
from worker.queue.loop import Until

if __name__ == "__main__":
    invocation = Invocation(settings.load(), Output(as_json=False))
    logs.configure(invocation.settings.log_level, invocation.settings.log_format, with_time=True)
    sys.exit(run_worker(invocation, (), Until(), look_for_changes=1))
