"""Puts a worker together out of the settings: what is wrong stops the start, what is only unavailable does not."""

from __future__ import annotations

import codecs
import logging
import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

import httpx2

from faces.client.face_client import FaceClient
from faces.client.kept_connections import KeptConnections, open_http
from faces.errors import SettingsError
from faces.laravel import app_settings
from faces.laravel.app_settings import LaravelSettings
from faces.settings import Settings, risk_of
from faces.store import statement_trial
from faces.store.database import Store
from faces.store.statement_trial import Needed
from faces.system.systemd_notify import SystemdNotifier
from worker.amqp.broker import Broker
from worker.amqp.settings import BrokerSettings
from worker.commands.invocation import Invocation
from worker.jobs.context import JobClass
from worker.jobs.faces import FaceJob, Tools
from worker.laravel import completion
from worker.laravel.encryption import keys_of
from worker.laravel.failures import Recorder
from worker.laravel.lock_and_mark import CrashMarks
from worker.laravel.open_cache import OpenedCache, open_cache
from worker.laravel.orders import Orders
from worker.queue.attempt import Attempts, LaravelApp, Shared
from worker.queue.changes import PAUSE_SECONDS, Changes
from worker.queue.circuit import Circuit, probes_of
from worker.queue.evidence import Evidence
from worker.queue.loop import Consumer, Until
from worker.queue.status import Status
from worker.queue.supervision import NotOpened, Pulse, Stop, Supervision

_log = logging.getLogger(__name__)

#: Columns of `failed_jobs` that a failure is recorded in, by the app's driver; `null` only logs failures.
_FAILED_COLUMNS: dict[str, tuple[str, ...] | None] = {
    "database-uuids": ("uuid", "connection", "queue", "payload", "exception", "failed_at"),
    "database": ("connection", "queue", "payload", "exception", "failed_at"),
    "null": None,
}


#: What Python would only load with the first text that needs it, in the middle of a job.
_CODECS = ("ascii", "idna")

#: The app's tables that jobs use, beside those of its cache.
_TABLES = ("images", "faces", "persons", "queues", "failed_jobs", "job_batches")


@dataclass(frozen=True, slots=True)
class World:
    """The servers that a worker works with, opened; the opener closes them."""

    broker: Broker
    store: Store
    cache: OpenedCache
    client: FaceClient


def job_classes(settings: Settings, tools: Tools) -> dict[str, JobClass]:
    """The registry: the app's name of each class whose jobs are done here, and what does them. One line a class."""
    return {
        settings.job_class: FaceJob(tools),
    }


def run_worker(
    session: Invocation, queues: Sequence[str], until: Until, look_for_changes: float = PAUSE_SECONDS
) -> int:
    """Make a worker, let it work, and take it down again in order; returns the exit code.

    While something refuses, it is looked every `look_for_changes` seconds whether settings or tables changed.

    Raises:
        SettingsError, SchemaError: it cannot work as things are set.
    """
    laravel = app_settings.load()
    queues = tuple(queues) or (laravel.queue,)
    if laravel.failed_driver not in _FAILED_COLUMNS:
        raise SettingsError(
            f"QUEUE_FAILED_DRIVER: found {laravel.failed_driver}, where only PHP can record failed jobs; needed "
            "database-uuids or database, or null to log failures only"
        )
    if session.settings.foreign_jobs_queue in queues:
        raise SettingsError(
            f"FACE_FOREIGN_JOBS_QUEUE: found {session.settings.foreign_jobs_queue}, which this worker takes jobs from; "
            "needed a queue of PHP's workers"
        )
    for codec in _CODECS:
        codecs.lookup(codec)
    with ExitStack() as stack:
        stop = stack.enter_context(closing(Stop()))
        stop.listen()
        pulse = stack.enter_context(closing(Pulse(SystemdNotifier.take())))
        # Also while it waits for servers: what is started after this unit must not wait for them, too.
        pulse.start()
        status = stack.enter_context(closing(Status(session.settings.state_dir, queues)))
        try:
            changes = Changes(laravel, pause=look_for_changes)
            consumer = _consumer(stack, session, laravel, queues, until, Supervision(stop, pulse, status, changes))
        except NotOpened:
            return 0
        return consumer.run()


def _consumer(
    stack: ExitStack,
    session: Invocation,
    laravel: LaravelSettings,
    queues: Sequence[str],
    until: Until,
    supervision: Supervision,
) -> Consumer:
    """Everything that the stack closes again, in the order in which it must be there."""
    settings = session.settings
    broker = Broker(BrokerSettings(laravel.rabbitmq), queues, settings.queue_options)
    url = laravel.database_url.get_secret_value()
    opened = supervision.wait_for(
        "database",
        lambda: Store.open(url, create=url.startswith("sqlite"), tables_database=settings.tables_database),
    )
    store = stack.enter_context(closing(opened))
    rule = session.match_rule(store)
    needed = _check(store, settings, laravel)
    for warning in supervision.wait_for("database", lambda: statement_trial.try_statements(store, needed)):
        _log.warning("%s", warning)
    opened_cache = supervision.wait_for("app's cache", lambda: open_cache(laravel.cache, store, settings))
    cache = stack.enter_context(closing(opened_cache))
    tables = {*_TABLES, laravel.cache.table, laravel.cache.lock_table}
    supervision.wait_for("database", lambda: supervision.changes.watch(store, tables))
    api = session.api_url or f"http://{settings.api_address}"
    connections = KeptConnections(api)
    client = FaceClient(stack.enter_context(_http(settings, api, connections)), connections.drop)
    consumer = assemble(World(broker, store, cache, client), session, laravel, queues, until, supervision)
    stack.enter_context(closing(broker))
    broker.start()
    stack.enter_context(supervision.status.watching(broker.report))
    supervision.pulse.ask_also(broker.answers)
    if risk := risk_of(settings.debug_pictures):
        _log.warning("%s", risk)
    known = "with" if store.schema.sidecar else "without"
    _log.info("what links faces by itself (FACE_MATCH): %s; %s tables of people and groups", rule, known)
    _log.info("taking jobs of %s from %s; rows in %s", settings.job_class, ", ".join(queues), store.name)
    return consumer


def assemble(
    world: World,
    session: Invocation,
    laravel: LaravelSettings,
    queues: Sequence[str],
    until: Until,
    supervision: Supervision,
    more_jobs: Mapping[str, JobClass] | None = None,
) -> Consumer:
    """A worker upon what is open; starts, opens and closes nothing. `more_jobs` are classes beside the registry's."""
    settings, store, cache = session.settings, world.store, world.cache
    library = session.library(store)
    keys = keys_of(laravel.app_key.get_secret_value(), laravel.app_previous_keys.get_secret_value())
    tools = Tools(
        store,
        world.client,
        session.disks,
        session.linking,
        library.identities,
        debug_pictures=draws_pictures(settings),
        pictures_required=settings.debug_pictures == "required",
        debug_subdir=session.debug_subdir,
        arrivals=library.arrivals,
        settling=library.settling,
        upkeep=library.upkeep,
    )
    if library.outside:
        library.outside.tell = supervision.status.looked
    attempts = Attempts(
        job_classes(settings, tools) | dict(more_jobs or {}),
        LaravelApp(store, tools.disks, keys, laravel.default_queue),
        Shared(cache, CrashMarks(cache.values, secrets.token_hex(8)), Evidence(cache.values)),
        Recorder(store, laravel.connection_name, keys, has_rows=laravel.failed_driver != "null"),
        settings,
        supervision.stop,
    )
    circuit = Circuit(probes_of(world.client, store, cache.values), supervision.stop)
    orders = Orders(cache.values, laravel)
    return Consumer(world.broker, queues, attempts, circuit, orders, until, supervision)


def draws_pictures(settings: Settings) -> bool:
    """Whether the API is expected to draw debug pictures: a required one is missed whoever left it out."""
    if settings.debug_pictures == "best_effort":
        return bool(settings.disk_roots)
    return settings.debug_pictures == "required"


def _check(store: Store, settings: Settings, laravel: LaravelSettings) -> Needed:
    """What this configuration writes, after a look whether the tables for it are there.

    Raises:
        SettingsError, SchemaError: a choice or a table is missing.
    """
    completion.require_choice(store.schema, settings.completion_event)
    failed_jobs = _FAILED_COLUMNS[laravel.failed_driver]
    if failed_jobs is not None:
        store.schema.require_tables("failed_jobs")
    # Where one of them is not there, the cache's own opening says what that means.
    cache_tables = store.schema.tables if laravel.cache.store == "database" else frozenset[str]()
    return Needed(
        failed_jobs,
        cache_table=laravel.cache.table if laravel.cache.table in cache_tables else None,
        lock_table=laravel.cache.lock_table
        if settings.lock == "auto" and laravel.cache.lock_table in cache_tables
        else None,
    )


def _http(settings: Settings, url: str, connections: KeptConnections) -> httpx2.Client:
    key = settings.api_key.get_secret_value() if settings.api_key else None
    return open_http(url, key=key, timeout=settings.api_timeout, connections=connections)
