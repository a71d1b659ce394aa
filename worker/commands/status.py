"""status: what the workers of this machine are doing, for a person, for machines and for Prometheus."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from typing import Any

from worker.commands.verb import add_verb
from worker.consumer import status
from worker.consumer.status import Report
from worker.session import Session

_DETAILS = """\
Shows the workers that `run` started on this machine and what became of their jobs, read from FACE_STATE_DIR.
--metrics writes the same as Prometheus reads it, for example for the node exporter's text files."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "status", run, "what this machine's workers are doing", _DETAILS)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--metrics", action="store_true", help="as Prometheus reads it")
    form.add_argument("--pids", action="store_true", help="only the workers' process numbers, for `kill`")


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Show them; 1 where no worker runs."""
    reports, totals = status.read(session.settings.state_dir)
    if arguments.metrics:
        session.output.result(_metrics(reports, totals))
    elif arguments.pids:
        session.output.result(" ".join(str(report.pid) for report in reports))
    else:
        for report in reports:
            session.output.result(_line(report))
            session.output.record(asdict(report))
        words = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in totals.items())
        session.output.result(f"{len(reports)} workers; jobs: {words}")
        session.output.record({"workers": len(reports), "jobs": totals})
    return 0 if reports else 1


def _line(report: Report) -> str:
    job = " ".join(f"{name} {value}" for name, value in (report.job or {}).items())
    state = ": ".join(filter(None, [report.state, report.reason or job]))
    since = int(time.time() - report.started_at)
    return f"worker {report.pid}, {','.join(report.queues)}, {since} s: {state}"


def _metrics(reports: list[Report], totals: dict[str, int]) -> str:
    states = ("idle", "working", "waiting", "ordered to wait")
    lines = ["# HELP face_worker_jobs_total Jobs by what became of them.", "# TYPE face_worker_jobs_total counter"]
    lines += [f'face_worker_jobs_total{{outcome="{name}"}} {number}' for name, number in totals.items()]
    lines += ["# HELP face_worker_workers Running workers by what they do.", "# TYPE face_worker_workers gauge"]
    for state in states:
        number = sum(1 for report in reports if report.state == state)
        lines.append(f'face_worker_workers{{state="{state}"}} {number}')
    return "\n".join(lines)
