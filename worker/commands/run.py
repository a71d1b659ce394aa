"""run: takes face jobs from Laravel's queue, beside or instead of `php artisan queue:work`."""

from __future__ import annotations

import argparse
from typing import Any

from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb
from worker.queue.assembly import run_worker
from worker.queue.loop import Until

_DETAILS = """\
Takes App\\Jobs\\FaceProcessJob from RabbitMQ as `php artisan queue:work` does: the same messages, locks, retries, delay
queues and failed_jobs. Several may run, and PHP workers beside them.

LARAVEL_ENV_FILE names the app's .env: database, broker, cache and keys are read there. FACE_API_URL is where the face
API answers. The broker, the database and the API may be away at the start and come and go.

SIGTERM, SIGQUIT: the job in hand is finished; a second one gives it back. `queue:restart`, `queue:pause` and
`php artisan down` are obeyed. Exit codes: 0 asked to leave; 12 grown over --memory; 2 a wrong setting; 1 the database
lacks or refuses something that the jobs write."""


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "run", run, _DETAILS)
    add = parser.add_argument
    add("--queue", metavar="A,B", help="queues, the first one first (default: QUEUE_FACES of the app, or faces)")
    add("--max-jobs", metavar="N", type=_number, default=0, help="leave after so many jobs")
    add("--max-time", metavar="S", type=_number, default=0, help="leave after so many seconds, between two jobs")
    add("--memory", metavar="MB", type=_number, default=1024, help="leave when grown to this (default 1024; 0: never)")
    add("--once", action="store_true", help="do one job, if there is one, and leave")
    add("--stop-when-empty", action="store_true", help="leave when the queue is empty")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Work until a shutdown request or a limit; the worker's exit code."""
    once = arguments.once
    until = Until(
        max_jobs=1 if once else arguments.max_jobs,
        max_time=arguments.max_time,
        memory_mb=arguments.memory,
        stop_when_empty=once or arguments.stop_when_empty,
    )
    queues = [name.strip() for name in (arguments.queue or "").split(",") if name.strip()]
    return run_worker(invocation, queues, until)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"found {text!r}, needed a whole number, 0 or more")
    return int(text)
