"""`python -m worker run`, but while something refuses it looks every second whether settings or tables changed."""

from __future__ import annotations

import sys

from faces import settings
from faces.system import logs
from worker.commands.output import Output
from worker.commands.session import Session
from worker.queue.assembly import run_worker
from worker.queue.loop import Until

if __name__ == "__main__":
    session = Session(settings.load(), Output(as_json=False))
    logs.configure(session.settings.log_level, session.settings.log_format, with_time=True)
    sys.exit(run_worker(session, (), Until(), look_for_changes=1))
