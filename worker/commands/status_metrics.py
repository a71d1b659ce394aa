"""What the workers' reports say, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from worker.queue.status_file import ALL, Report, boot_seconds

_STATES = ("starting", "idle", "working", "waiting", "ordered to wait")
_CONNECTIONS = ("connected", "blocked", "away", "unknown")


def of(reports: Sequence[Report], totals: Mapping[str, int]) -> str:
    """The text, without the line break at its end."""
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
                _seconds(reports),
            ),
            *_family("refused_jobs", "gauge", "Jobs that were refused by a server and wait.", "", _refused(reports)),
            *_family(
                "unrecorded_messages",
                "gauge",
                "Messages that could not be written into failed_jobs, by the queues that they came from.",
                "queues",
                _unrecorded(reports),
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


def _seconds(reports: Sequence[Report]) -> dict[str, int]:
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


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
