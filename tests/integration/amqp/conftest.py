"""Brokers that end with their test, and queues as PHP declares them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from faces.laravel.app_rabbitmq import RabbitMQ as AppRabbitMQ
from faces.settings import QueueOptions
from faces.system.address import Address
from tests.integration.amqp.steps import OpenBroker, Php, Wait
from tests.servers.proxy import Proxy, running_proxy
from tests.servers.rabbitmq import RabbitMQ
from worker.amqp.broker import Broker
from worker.amqp.settings import BrokerSettings

_DRIVERS_DEFAULTS = QueueOptions()


@pytest.fixture
def queue(rabbitmq: RabbitMQ) -> str:
    """A queue of the test's own, declared as PHP declares it."""
    return rabbitmq.new_queue()


@pytest.fixture
def proxy(rabbitmq: RabbitMQ) -> Iterator[Proxy]:
    with running_proxy(rabbitmq.port) as proxy:
        yield proxy


@pytest.fixture
def open_broker(request: pytest.FixtureRequest, wait_for: Wait) -> Iterator[OpenBroker]:
    """Starts brokers and waits until they are connected; with `port` to somewhere else, and without waiting."""
    with ExitStack() as ending:

        def opened(*queues: str, port: int = 0, options: QueueOptions = _DRIVERS_DEFAULTS, **settings: Any) -> Broker:
            address = Address("127.0.0.1", port or request.getfixturevalue("rabbitmq").port)
            place = AppRabbitMQ((address,), "guest", SecretStr("guest"))
            ours = {name: settings.pop(name) for name in ("addresses", "user", "vhost", "tls") if name in settings}
            if "password" in settings:
                ours["password"] = SecretStr(settings.pop("password"))
            broker = Broker(BrokerSettings(replace(place, **ours), **settings), queues, options)
            broker.start()
            ending.callback(broker.close)
            if not port:
                wait_for(lambda: broker.is_connected)
            return broker

        yield opened


@pytest.fixture(scope="session")
def wait_for() -> Wait:
    """Wait until a condition holds, for a bounded time."""

    def wait(condition: Callable[[], object], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"the condition did not come true within {seconds} s"
            time.sleep(0.05)

    return wait


@pytest.fixture
def php(rabbitmq: RabbitMQ) -> Php:
    """Real php-amqplib, used as Laravel's driver does: `php("later", queue, body, attempts, seconds)`."""

    def run(verb: str | int, *words: str | int) -> Any:
        command = ["php", "-d", "include_path=/usr/share/php", Path(__file__).parent / "driver.php"]
        words = (rabbitmq.port, verb, *words)
        done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout else None

    return run
