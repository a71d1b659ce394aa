"""`python -m worker run` in this process: the real consumer with all its real parts, upon stubs of what is outside."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from faces import settings
from faces.client.face_client import FaceClient
from faces.errors import FacesError, RequestError, SettingsError
from faces.laravel import app_settings
from faces.store.database import Store
from faces.system import logs
from faces.system.systemd_notify import SystemdNotifier
from tests.stubs.broker import StubBroker
from tests.stubs.clock import Clock
from worker.commands import run as run_verb
from worker.commands.invocation import Invocation
from worker.commands.output import Output
from worker.jobs.context import JobClass
from worker.laravel.open_cache import open_cache
from worker.queue.assembly import World, assemble
from worker.queue.changes import Changes
from worker.queue.loop import Consumer, Until
from worker.queue.status import Status
from worker.queue.supervision import Pulse, Stop, Supervision

if TYPE_CHECKING:
    from tests.stubs.app import StubApp

#: Seconds of turned time after which a worker that should have left is stuck.
_PATIENCE = 3600.0


class TurningStop(Stop):
    """Waits by turning the clock. No wait lasts for ever here: a worker that is stuck is told to stop."""

    def __init__(self, clock: Clock, patience: float) -> None:
        super().__init__()
        self._clock, self._end = clock, clock.monotonic() + patience
        self.was_stuck = False

    def wait(self, seconds: float) -> bool:
        if not self.is_set():
            self._clock.turn(seconds)
        return self.is_set()

    def is_set(self) -> bool:
        if not super().is_set() and self._clock.monotonic() > self._end:
            self.was_stuck = True
            self.set()
        return super().is_set()


class StubWorker:
    """One worker; each `run` is a process of it. After `run`, `broker` and `stop` are those of the last one."""

    def __init__(self, app: StubApp, variables: Mapping[str, str]) -> None:
        self._app, self._variables = app, dict(variables)
        self.patience = _PATIENCE
        self.broker: StubBroker | None = None
        self.stop: Stop | None = None
        self.more_jobs: Callable[[Store], Mapping[str, JobClass]] = lambda _store: {}
        """Job classes of a test, beside the registry's."""

    def run(self, verb: str, *arguments: object, code: int = 0, **variables: str) -> tuple[str, str]:
        """Run the verb `run` to its end; returns an empty text and the log.

        What leaves the consumer as an exception leaves this, too, after the connections were closed.
        """
        assert verb == "run", f"found {verb}, needed run: other verbs have no stub"
        with _environment(self._variables | variables), _log() as log:
            found = self._run(_parsed(arguments), log)
        assert found == code, f"ended with {found}\n{log.getvalue()}"
        return "", log.getvalue()

    def run_until_quiet(self, seconds: float = _PATIENCE, **variables: str) -> str:
        """Do all that is queued, and turn to what waits for its time, for so many seconds at most; returns the log."""
        said, end = "", self._app.clock.monotonic() + seconds
        while True:
            said += self.run("run", "--stop-when-empty", **variables)[1]
            due = self._app.server.next_due()
            if due is None:
                return said
            assert self._app.clock.monotonic() + due <= end, f"something still waits: {self._app.server.waiting()}"
            self._app.clock.turn(due)

    def _run(self, told: argparse.Namespace, log: io.StringIO) -> int:
        try:
            with ExitStack() as stack:
                consumer, stop = self._consumer(stack, told)
                with self._app.faults.heard():
                    code = consumer.run()
        except FacesError as error:
            log.write(f"run: {error}\n")
            return 2 if isinstance(error, RequestError | SettingsError) else 1
        assert not stop.was_stuck, f"a worker did not leave within {self.patience:g} s of turned time"
        return code

    def _consumer(self, stack: ExitStack, told: argparse.Namespace) -> tuple[Consumer, TurningStop]:
        session = Invocation(settings.load(), Output(as_json=False))
        laravel = app_settings.load()
        queues = tuple(name for name in (told.queue or "").split(",") if name) or (laravel.queue,)
        stop = stack.enter_context(closing(TurningStop(self._app.clock, self.patience)))
        pulse = stack.enter_context(closing(Pulse(SystemdNotifier.take())))
        status = stack.enter_context(closing(Status(session.settings.state_dir, queues)))
        store = stack.enter_context(closing(Store.open(laravel.database_url.get_secret_value(), create=True)))
        cache = stack.enter_context(closing(open_cache(laravel.cache, store, session.settings)))
        http = stack.enter_context(self._app.api.client(session.settings.api_timeout))
        broker = StubBroker(self._app.server, self._app.clock, queues)
        world = World(broker, store, cache, FaceClient(http))  # type: ignore[arg-type]
        supervision = Supervision(stop, pulse, status, Changes(laravel))
        consumer = assemble(world, session, laravel, queues, _until(told), supervision, self.more_jobs(store))
        stack.enter_context(closing(broker))
        broker.start()
        self.broker, self.stop = broker, stop
        return consumer, stop


def _parsed(arguments: tuple[object, ...]) -> argparse.Namespace:
    """As the command line reads them."""
    parser = argparse.ArgumentParser()
    run_verb.add_to(parser.add_subparsers())
    return parser.parse_args(["run", *map(str, arguments)])


def _until(told: argparse.Namespace) -> Until:
    """Without a limit of memory: this process is the test's."""
    jobs = 1 if told.once else told.max_jobs
    return Until(max_jobs=jobs, max_time=told.max_time, stop_when_empty=told.once or told.stop_when_empty)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """As a process of its own would have it."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("FACE_")]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _log() -> Iterator[io.StringIO]:
    """What a process of its own would write to stderr."""
    said, root = io.StringIO(), logging.getLogger()
    form = logs.Json() if os.environ.get("FACE_LOG_FORMAT") == "json" else logs.Text(with_time=True)
    handler = logging.StreamHandler(said)
    handler.setFormatter(form)
    handler.setLevel(os.environ.get("FACE_LOG_LEVEL", "INFO"))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    http = logging.getLogger("httpx2")
    http_level = http.level
    http.setLevel(logging.WARNING)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        http.setLevel(http_level)
        if sys.exc_info()[0]:
            sys.stderr.write(said.getvalue())
