"""The same `.env` beside the same RabbitMQ: php-amqplib and we come in as the same user, or both do not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faces.errors import FacesError
from faces.laravel import app_settings
from faces.system.address import Address
from tests.integration.laravel.beside_php import LOGINS, Drivers, env_file, php_drivers
from tests.servers.rabbitmq import RabbitMQ, running_rabbitmq
from worker.amqp.settings import BrokerSettings
from worker.amqp.transport import open_transport

VHOSTS = ("photo", "photo/app", "%2f", "фото", "a b#?&")


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[RabbitMQ]:
    with running_rabbitmq() as server:
        server.control("eval", " ".join([*_accounts(), "ok."]))
        yield server


def _accounts() -> Iterator[str]:
    """Erlang that makes the users."""
    every = ", ".join(['<<".*">>'] * 3)
    for vhost in VHOSTS:
        yield f'rabbit_vhost:add({_bytes(vhost)}, <<"test">>),'
    for user, password in LOGINS.values():
        yield f'rabbit_auth_backend_internal:add_user({_bytes(user)}, {_bytes(password)}, <<"test">>),'
    for user in ("guest", *(user for user, _ in LOGINS.values())):
        for vhost in ("/", *VHOSTS):
            yield (
                f'rabbit_auth_backend_internal:set_permissions({_bytes(user)}, {_bytes(vhost)}, {every}, <<"test">>),'
            )


def _bytes(text: str) -> str:
    return f"<<{','.join(map(str, text.encode()))}>>"


@pytest.fixture(scope="module")
def php() -> Iterator[Drivers]:
    with php_drivers() as drivers:
        yield drivers


def of_rabbitmq(php: Drivers, folder: Path, server: RabbitMQ, variables: dict[str, str]) -> tuple[Any, Any]:
    """What PHP is there and what we are: user and vhost; None where it is refused."""
    told = {name: value.replace("{port}", str(server.port)) for name, value in variables.items()}
    file = env_file(folder, {"RABBITMQ_PORT": str(server.port), **told})
    return php.facts("rabbitmq", folder), _ours(file)


def _ours(file: Path) -> list[str] | None:
    try:
        found = app_settings.load({"LARAVEL_ENV_FILE": str(file)})
        first = found.rabbitmq.addresses[0]
        address = Address(first.host, first.port)
        asyncio.run(_open(address, BrokerSettings(found.rabbitmq)))
    except FacesError:
        return None
    return [found.rabbitmq.user, found.rabbitmq.vhost]


async def _open(address: Address, settings: BrokerSettings) -> None:
    transport = await open_transport(address, settings)
    transport.close()
    while not transport.is_closed:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("login", LOGINS)
def test_each_login_of_rabbitmq_opens_the_same_door(
    php: Drivers, rabbitmq: RabbitMQ, tmp_path: Path, login: str
) -> None:
    user, password = LOGINS[login]
    theirs, own = of_rabbitmq(php, tmp_path, rabbitmq, {"RABBITMQ_USER": user, "RABBITMQ_PASSWORD": password})
    assert own == theirs == [user, "/"]


@pytest.mark.parametrize("vhost", VHOSTS)
def test_each_vhost_is_named_letter_by_letter(php: Drivers, rabbitmq: RabbitMQ, tmp_path: Path, vhost: str) -> None:
    theirs, own = of_rabbitmq(php, tmp_path, rabbitmq, {"RABBITMQ_VHOST": vhost})
    assert own == theirs == ["guest", vhost]


@pytest.mark.parametrize(
    ("variables", "comes_in"),
    [
        ({}, True),
        ({"RABBITMQ_VHOST": "/"}, True),
        ({"RABBITMQ_VHOST": ""}, True),
        ({"RABBITMQ_VHOST": "null"}, True),
        ({"RABBITMQ_VHOST": "0"}, True),
        ({"RABBITMQ_VHOST": "%2F"}, False),
        ({"RABBITMQ_VHOST": "//"}, False),
        ({"RABBITMQ_VHOST": "/photo"}, False),
        ({"RABBITMQ_USER": "", "RABBITMQ_PASSWORD": ""}, True),
        ({"RABBITMQ_USER": "null", "RABBITMQ_PASSWORD": "null"}, True),
        ({"RABBITMQ_PASSWORD": "wrong"}, False),
        ({"RABBITMQ_USER": "nobody"}, False),
        ({"RABBITMQ_HOST": ""}, True),
        ({"RABBITMQ_HOST": "localhost"}, True),
        ({"RABBITMQ_HOST": "nowhere.invalid"}, False),
        ({"RABBITMQ_HOST": "127.0.0.1", "RABBITMQ_PORT": "1"}, False),
        ({"RABBITMQ_LOGIN": "nobody"}, True),
    ],
)
def test_each_place_of_rabbitmq_is_the_same(
    php: Drivers, rabbitmq: RabbitMQ, tmp_path: Path, variables: dict[str, str], comes_in: bool
) -> None:
    theirs, own = of_rabbitmq(php, tmp_path, rabbitmq, variables)
    assert own == theirs
    assert (own is not None) is comes_in
