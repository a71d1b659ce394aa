"""status: what the workers of this machine are doing, for a person, for machines and for Prometheus."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from faces.errors import SettingsError
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb
from worker.queue import status_file
from worker.queue.status_file import ALL, Report, Waiting, boot_seconds

_DETAILS = """\
Shows the workers that `run` started on this machine and what became of their jobs, read from FACE_STATE_DIR.
A worker that waits says for what and since when, in the words of what is away.

--check is for a watchdog: it says what is wrong and ends with 1 where no worker runs, a worker has waited for more than
60 seconds (not for queue:pause or `php artisan down`), jobs were refused, or messages could not be recorded.
--metrics writes the same as Prometheus reads it, for example for the node exporter's text files."""

#: Seconds for which a worker may wait: servers are restarted.
LONGEST_WAIT = 60.0

_WORDS = {
    "broker": "not connected to RabbitMQ",
    "blocked": "RabbitMQ takes no messages from it",
    "queue": "takes nothing from its queue",
    "database": "waits for the database",
    "cache": "waits for the app's cache",
    "face_api": "waits for the face API",
    "start": "waits at its start",
}

#: What Prometheus is told of, also where no worker is so.
_STATES = ("starting", "idle", "working", "waiting", "ordered to wait")
_CONNECTIONS = ("connected", "blocked", "away", "unknown")


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "status", run, _DETAILS)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--check", action="store_true", help="only what is wrong; exit code 1 where something is")
    form.add_argument("--metrics", action="store_true", help="as Prometheus reads it")
    form.add_argument("--pids", action="store_true", help="only the workers' process numbers, for `kill`")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Show them; 1 where no worker runs, or with `--check` where something is wrong.

    Raises:
        SettingsError: their files cannot be read.
    """
    folder = invocation.settings.state_dir
    try:
        reports, totals = status_file.read(folder)
    except OSError as error:
        raise SettingsError(f"FACE_STATE_DIR: cannot read what workers say in {folder}: {error.strerror}") from error
    if arguments.check:
        return _check(reports, invocation)
    if arguments.metrics:
        for line in metrics_of(reports, totals).split("\n"):
            invocation.output.result(line)
    elif arguments.pids:
        invocation.output.result(" ".join(str(report.pid) for report in reports))
    else:
        _show(reports, totals, invocation)
    return 0 if reports else 1


def _show(reports: list[Report], totals: dict[str, int], invocation: Invocation) -> None:
    for report in reports:
        for line in lines_of(report):
            invocation.output.result(line)
        invocation.output.record(asdict(report) | facts_of(report))
    words = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in totals.items())
    invocation.output.result(f"{len(reports)} workers; jobs: {words}")
    invocation.output.record({"workers": len(reports), "jobs": totals})


def _check(reports: list[Report], invocation: Invocation) -> int:
    wrong = [f"worker {report.pid}: {trouble}" for report in reports for trouble in troubles_of(report)]
    if not reports:
        wrong = ["no worker runs on this machine"]
    for sentence in wrong or [f"{len(reports)} workers, nothing is wrong"]:
        invocation.output.result(sentence)
    invocation.output.record({"workers": len(reports), "wrong": wrong})
    return 1 if wrong else 0


def lines_of(report: Report) -> list[str]:
    """The report in words for a person: what the worker does, and below that what is wrong."""
    job = " ".join(f"{name} {value}" for name, value in (report.job or {}).items())
    state = ": ".join(filter(None, [report.state, report.reason or job]))
    connected = {True: ", connected", False: ", not connected", None: ""}[report.is_connected]
    looks = [] if report.looked is None else [f"the app's changes were looked at {_seconds(report.looked)} s ago"]
    below = [_wait(report, wait) for wait in report.waiting if report.state != "starting"]
    if all(wait.what != "queue" for wait in report.waiting):
        below += [f"there is no queue {queue}" for queue in report.missing]
    line = f"worker {report.pid}, {','.join(report.queues)}, {int(report.seconds)} s{connected}: {state}"
    return [line, *(f"    {sentence}" for sentence in (*below, *_left(report), *looks))]


def troubles_of(report: Report) -> list[str]:
    """What is wrong with a worker: what it has waited for too long, refused jobs, unrecorded messages."""
    now = boot_seconds()
    return [_sentence(wait) for wait in report.waiting if now - wait.since > LONGEST_WAIT] + _left(report)


def facts_of(report: Report) -> dict[str, Any]:
    """The report for a machine; `seconds` is how long something has been so by now."""
    return {
        "seconds": int(report.seconds),
        "broker": _without_since(report.broker) if report.broker else None,
        "waiting": [_without_since(asdict(wait)) for wait in report.waiting],
        "refused": report.refused_jobs,
        "unrecorded": {"messages": report.unrecorded, "queues": report.unrecorded_queues},
        "look_seconds": None if report.looked is None else _seconds(report.looked),
        "wrong": troubles_of(report),
    }


def _without_since(facts: dict[str, Any]) -> dict[str, Any]:
    """Seconds since boot mean nothing to others."""
    return {name: value for name, value in facts.items() if name != "since"} | {"seconds": _seconds(facts["since"])}


def _left(report: Report) -> list[str]:
    """Jobs and messages that a person must look at."""
    lines = []
    if number := len(report.refused_jobs):
        lines.append(f"refused jobs that wait at the end of the queue: {number}; the log says what refused them")
    if report.unrecorded:
        queues = ", ".join(report.unrecorded_queues)
        lines.append(f"messages in {queues}, which could not be written into failed_jobs: {report.unrecorded}")
    return lines


def _wait(report: Report, wait: Waiting) -> str:
    """Without the reason where the line above has it."""
    return _since(wait) if wait.why == report.reason else _sentence(wait)


def _sentence(wait: Waiting) -> str:
    return f"{_since(wait)}: {wait.why}"


def _since(wait: Waiting) -> str:
    """What is waited for, and since when by this machine's clock as it is now."""
    seconds = _seconds(wait.since)
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - seconds))
    return f"{_WORDS.get(wait.what, 'waits')} since {moment}, {seconds} s"


def _seconds(since: float) -> int:
    return int(max(0.0, boot_seconds() - since))


def metrics_of(reports: Sequence[Report], totals: Mapping[str, int]) -> str:
    """The reports as Prometheus reads them, without the line break at the end."""
    return "\n".join(
        [
            *_family("jobs_total", "counter", "Jobs by what became of them.", "outcome", totals),
            *_family("workers", "gauge", "Running workers by what they do.", "state", _states(reports)),
            *_family("brokers", "gauge", "Workers by their connection to RabbitMQ.", "state", _connections(reports)),
            *_family(
                "waiting_seconds",
                "gauge",
                "For how long something is waited for, by the worker that waits longest.",
                "reason",
                _longest_waits(reports),
            ),
            *_family("refused_jobs", "gauge", "Jobs that were refused by a server and wait.", "", _refused(reports)),
            *_family(
                "unrecorded_messages",
                "gauge",
                "Messages that could not be written into failed_jobs, by the queues that they came from.",
                "queues",
                _unrecorded(reports),
            ),
            *_family(
                "look_age_seconds",
                "gauge",
                "Since when a worker knows of no look at what the app changed of people and groups.",
                "",
                _look_ages(reports),
            ),
        ]
    )


def _family(name: str, kind: str, words: str, label: str, values: Mapping[str, float]) -> list[str]:
    """One metric's lines; without a label it has one value."""
    lines = [f"# HELP face_worker_{name} {words}", f"# TYPE face_worker_{name} {kind}"]
    for value, number in values.items():
        labels = f'{{{label}="{_escaped(value)}"}}' if label else ""
        lines.append(f"face_worker_{name}{labels} {number}")
    return lines


def _states(reports: Sequence[Report]) -> dict[str, int]:
    return {state: sum(1 for report in reports if report.state == state) for state in _STATES}


def _connections(reports: Sequence[Report]) -> dict[str, int]:
    found = [_connection(report) for report in reports]
    return {state: found.count(state) for state in _CONNECTIONS}


def _connection(report: Report) -> str:
    if report.broker is None:
        return "unknown"
    if not report.is_connected:
        return "away"
    return "blocked" if report.broker["blocked"] else "connected"


def _longest_waits(reports: Sequence[Report]) -> dict[str, int]:
    now = boot_seconds()
    found = [(wait.what, now - wait.since) for report in reports for wait in report.waiting]
    return {what: int(max([0.0, *(seconds for one, seconds in found if one == what)])) for what in ALL}


def _refused(reports: Sequence[Report]) -> dict[str, int]:
    """Of all together: several workers may have met the same job."""
    return {"": len({job for report in reports for job in report.refused_jobs})}


def _unrecorded(reports: Sequence[Report]) -> dict[str, int]:
    """Workers of the same queues count the same messages."""
    found: dict[str, int] = {}
    for report in reports:
        queues = ",".join(report.queues)
        found[queues] = max(found.get(queues, 0), report.unrecorded)
    return found


def _look_ages(reports: Sequence[Report]) -> dict[str, int]:
    """By the worker that heard of one last; none where no database has our tables."""
    ages = [_seconds(report.looked) for report in reports if report.looked is not None]
    return {"": min(ages)} if ages else {}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
