"""What a worker's report says, in words for a person and in facts for a machine; and what of it is wrong."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from worker.queue.status_file import Report, Waiting, boot_seconds

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


def lines_of(report: Report) -> list[str]:
    """What it does, and below that what is not as it should be."""
    job = " ".join(f"{name} {value}" for name, value in (report.job or {}).items())
    state = ": ".join(filter(None, [report.state, report.reason or job]))
    connected = {True: ", connected", False: ", not connected", None: ""}[report.is_connected]
    below = [_wait(report, wait) for wait in report.waiting if report.state != "starting"]
    if all(wait.what != "queue" for wait in report.waiting):
        below += [f"there is no queue {queue}" for queue in report.missing]
    line = f"worker {report.pid}, {','.join(report.queues)}, {int(report.seconds)} s{connected}: {state}"
    return [line, *(f"    {sentence}" for sentence in (*below, *_left(report)))]


def troubles_of(report: Report) -> list[str]:
    """What is wrong with it: what it has waited for too long, refused jobs, unrecorded messages."""
    now = boot_seconds()
    return [_sentence(wait) for wait in report.waiting if now - wait.since > LONGEST_WAIT] + _left(report)


def facts_of(report: Report) -> dict[str, Any]:
    """The same for a machine; `seconds` is how long something is so by now."""
    return {
        "seconds": int(report.seconds),
        "broker": _without_since(report.broker) if report.broker else None,
        "waiting": [_without_since(asdict(wait)) for wait in report.waiting],
        "refused": report.refused_jobs,
        "unrecorded": {"messages": report.unrecorded, "queues": report.unrecorded_queues},
        "wrong": troubles_of(report),
    }


def _without_since(facts: dict[str, Any]) -> dict[str, Any]:
    """Seconds since boot are for ourselves."""
    return {name: value for name, value in facts.items() if name != "since"} | {"seconds": _seconds(facts["since"])}


def _left(report: Report) -> list[str]:
    """Jobs and messages that somebody should look at."""
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
