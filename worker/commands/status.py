"""status: what the workers of this machine are doing, for a person, for machines and for Prometheus."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from faces.errors import SettingsError
from worker.commands import status_metrics
from worker.commands.session import Session
from worker.commands.status_words import facts_of, lines_of, troubles_of
from worker.commands.verb import add_verb
from worker.queue import status_file
from worker.queue.status_file import Report

_DETAILS = """\
Shows the workers that `run` started on this machine and what became of their jobs, read from FACE_STATE_DIR.
A worker that waits says for what and since when, in the words of what is away.

--check is for a watchdog: it says what is wrong and ends with 1 where no worker runs, a worker has waited for more than
60 seconds (not for queue:pause or `php artisan down`), jobs were refused, or messages could not be recorded.
--metrics writes the same as Prometheus reads it, for example for the node exporter's text files."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "status", run, _DETAILS)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--check", action="store_true", help="only what is wrong; exit code 1 where something is")
    form.add_argument("--metrics", action="store_true", help="as Prometheus reads it")
    form.add_argument("--pids", action="store_true", help="only the workers' process numbers, for `kill`")


def run(arguments: argparse.Namespace, session: Session) -> int:
    """Show them; 1 where no worker runs, or one does not do well and that was asked for.

    Raises:
        SettingsError: their files cannot be read.
    """
    folder = session.settings.state_dir
    try:
        reports, totals = status_file.read(folder)
    except OSError as error:
        raise SettingsError(f"FACE_STATE_DIR: cannot read what workers say in {folder}: {error.strerror}") from error
    if arguments.check:
        return _check(reports, session)
    if arguments.metrics:
        session.output.result(status_metrics.of(reports, totals))
    elif arguments.pids:
        session.output.result(" ".join(str(report.pid) for report in reports))
    else:
        _show(reports, totals, session)
    return 0 if reports else 1


def _show(reports: list[Report], totals: dict[str, int], session: Session) -> None:
    for report in reports:
        for line in lines_of(report):
            session.output.result(line)
        session.output.record(asdict(report) | facts_of(report))
    words = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in totals.items())
    session.output.result(f"{len(reports)} workers; jobs: {words}")
    session.output.record({"workers": len(reports), "jobs": totals})


def _check(reports: list[Report], session: Session) -> int:
    wrong = [f"worker {report.pid}: {trouble}" for report in reports for trouble in troubles_of(report)]
    if not reports:
        wrong = ["no worker runs on this machine"]
    for sentence in wrong or [f"{len(reports)} workers, nothing is wrong"]:
        session.output.result(sentence)
    session.output.record({"workers": len(reports), "wrong": wrong})
    return 1 if wrong else 0
