"""What `status` says of a worker that cannot have jobs, in the broker's own words, and what a watchdog gets to see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.held import state_of
from tests.acceptance.steps import scripted
from tests.servers.photo_app import NewApp, PhotoApp
from tests.servers.rabbitmq import RabbitMQ, free_port, running_rabbitmq
from tests.servers.scripted_api import Answer, ScriptedApi
from worker.queue import status_file

Wait = Callable[..., None]

VHOST = "full"


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMQ]:
    """To be stopped, full and out of memory."""
    with running_rabbitmq() as server:
        server.control("add_vhost", VHOST)
        server.control("set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*")
        server.control("set_vhost_limits", "-p", VHOST, json.dumps({"max-connections": 0}))
        yield server


def says_of(app: PhotoApp) -> list[str]:
    """All that its worker waits for, in words."""
    reports, _ = status_file.read(app.folder / "state")
    return [wait.why for report in reports for wait in report.waiting]


def check(app: PhotoApp, code: int) -> str:
    return app.worker().run("status", "--check", code=code)[0]


def is_wrong(app: PhotoApp) -> bool:
    process = app.worker().start("status", "--check")
    process.communicate(timeout=60)
    return process.returncode == 1


def test_a_worker_says_why_it_has_no_jobs_and_after_a_minute_that_is_wrong(
    new_app: NewApp, broker: RabbitMQ, api: ScriptedApi, wait_for: Wait
) -> None:
    def app_with(**variables: str) -> PhotoApp:
        return new_app(rabbitmq=broker, api_url=api.url, variables=variables)

    missing = broker.new_name()
    apps = {
        "a wrong password": app_with(RABBITMQ_PASSWORD="wrong"),
        "a wrong port": app_with(RABBITMQ_PORT=str(free_port())),
        "a full vhost": app_with(RABBITMQ_VHOST=VHOST),
        "no queue": app_with(QUEUE_FACES=missing),
        "no memory": app_with(),
    }
    words = {
        "a wrong password": ("refuses the user guest", "ACCESS_REFUSED"),
        "a wrong port": ("does not answer", "Connection refused"),
        "a full vhost": ("NOT_ALLOWED", "connection limit (0) is reached"),
        "no queue": (f"there is no queue {missing}",),
        "no memory": ("low on memory",),
    }
    well = app_with()
    homes = {app.queue: app.worker() for app in (*apps.values(), well)}
    processes = {queue: home.start("run") for queue, home in homes.items()}
    wait_for(lambda: state_of(well) == "idle" and state_of(apps["no memory"]) == "idle", 120)
    out, _ = well.worker().run("status")
    assert out.splitlines()[0].endswith(" s, connected: idle")
    assert check(well, 0) == "1 workers, nothing is wrong\n"
    broker.raise_memory_alarm()
    for kind, app in apps.items():
        wait_for(lambda app=app, kind=kind: any(words[kind][-1] in one for one in says_of(app)), 120, kind)
        out, _ = app.worker().run("status")
        assert "idle" not in out, kind
        assert all(word in out for word in words[kind]), (kind, out)
        assert ("not connected" in out) == (kind not in {"no queue", "no memory"}) or kind == "no memory", (kind, out)
    for kind, app in apps.items():
        wait_for(lambda app=app: is_wrong(app), 120, kind, pause=2)
        shown = check(app, 1)
        assert all(word in shown for word in words[kind]), (kind, shown)
    broker.end_memory_alarm()
    wait_for(lambda: state_of(well) == "idle", 120)
    broker.stop()
    wait_for(lambda: state_of(well) == "waiting")
    out, _ = well.worker().run("status")
    assert ", not connected: waiting: " in out
    assert check(well, 0) == "1 workers, nothing is wrong\n", "a broker may be restarted"
    broker.start()
    wait_for(lambda: state_of(well) == "idle", 120)
    for queue, process in processes.items():
        process.terminate()
        homes[queue].end_of(process)


def test_without_a_worker_something_is_wrong(app: PhotoApp) -> None:
    assert check(app, 1) == "no worker runs on this machine\n"


def test_machines_get_the_same(new_app: NewApp, wait_for: Wait) -> None:
    port = free_port()
    app = new_app(variables={"RABBITMQ_PORT": str(port)})
    home = app.worker()
    process = home.start("run")
    wait_for(lambda: any(f"127.0.0.1:{port} does not answer" in why for why in says_of(app)))
    worker, totals = app.worker().records("status")
    assert worker["pid"] == process.pid
    assert worker["state"] == "waiting"
    assert worker["broker"]["connected"] is False
    assert f"127.0.0.1:{port} does not answer" in worker["broker"]["reason"]
    assert totals["workers"] == 1
    assert app.worker().records("status", "--check") == [{"workers": 1, "wrong": []}]
    metrics, _ = app.worker().run("status", "--metrics")
    assert 'face_worker_brokers{state="away"} 1\n' in metrics
    assert 'face_worker_waiting_seconds{reason="broker"} ' in metrics
    process.terminate()
    home.end_of(process)


def test_a_broker_that_is_lost_under_a_job_is_seen_before_the_job_ends(
    new_app: NewApp, broker: RabbitMQ, api: ScriptedApi, wait_for: Wait
) -> None:
    app = new_app(rabbitmq=broker, api_url=api.url)
    app.push(scripted(app, api, Answer(hangs=True)))
    home = app.worker()
    process = home.start("run")
    wait_for(lambda: api.seen)
    broker.stop()
    wait_for(lambda: says_of(app))
    assert state_of(app) == "working"
    out, _ = app.worker().run("status")
    assert ", not connected: working: " in out
    broker.start()
    api.let_go()
    process.terminate()
    home.end_of(process)
