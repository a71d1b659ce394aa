"""The same `.env` beside the same Redis: phpredis under real Laravel and we come in as the same user, or neither."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from faces.errors import FacesError
from faces.laravel import app_settings
from tests.integration.laravel.beside_php import LOGINS, Drivers, env_file, php_drivers, url_quoted
from tests.servers.redis import Redis, running_redis
from worker.laravel.redis_cache import RedisCache

#: Redis itself takes no spaces in a user's name.
REDIS_LOGINS = [name for name, (user, _) in LOGINS.items() if " " not in user]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Redis, Path]]:
    socket = tmp_path_factory.mktemp("redis") / "socket"
    with running_redis("--unixsocket", str(socket), "--bind", "127.0.0.1", "::1") as server:
        for user, password in (LOGINS[name] for name in REDIS_LOGINS):
            server.command("ACL", "SETUSER", user, "on", f">{password}", "~*", "&*", "+@all")
        server.command("ACL", "SETUSER", "open", "on", "nopass", "~*", "&*", "+@all")
        server.command("ACL", "SETUSER", "default", "resetpass", ">12345", ">größe", ">0")
        yield server, socket


@pytest.fixture(scope="module")
def php() -> Iterator[Drivers]:
    with php_drivers() as drivers:
        yield drivers


def of_redis(php: Drivers, folder: Path, redis: tuple[Redis, Path], variables: Mapping[str, str]) -> tuple[Any, Any]:
    """What PHP sees and what we see; `{port}` and `{socket}` in a value are the server's."""
    server, socket = redis
    told = {
        name: value.replace("{port}", str(server.port)).replace("{socket}", str(socket))
        for name, value in {"CACHE_STORE": "redis", **variables}.items()
    }
    file = env_file(folder, told)
    return php.facts("redis", folder), _ours(file)


def _ours(file: Path) -> list[Any] | None:
    try:
        found = app_settings.load({"LARAVEL_ENV_FILE": str(file)})
        assert found.cache.redis
        with contextlib.closing(RedisCache(found.cache.redis, found.cache.redis_prefix)) as cache:
            cache.owner_of("is it there")
            return [[*_facts(client), found.cache.redis_prefix] for client in (cache._locks, cache._values)]
    except FacesError:
        return None


def _facts(client: Any) -> list[Any]:
    folder = client.execute_command("CONFIG GET", "dir")
    name = client.execute_command("ACL WHOAMI")
    return [next(iter(folder.values())), name.decode() if isinstance(name, bytes) else name, client.client_info()["db"]]


HERE = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": "{port}"}
OPEN = {**HERE, "REDIS_PASSWORD": "12345"}


@pytest.mark.parametrize("login", REDIS_LOGINS)
@pytest.mark.parametrize("form", ["variables", "URL", "URL as it is"])
def test_each_login_of_redis_opens_the_same_door(
    php: Drivers, redis: tuple[Redis, Path], tmp_path: Path, login: str, form: str
) -> None:
    user, password = LOGINS[login]
    variables = {**HERE, "REDIS_USERNAME": user, "REDIS_PASSWORD": password}
    if form == "URL":
        variables = {"REDIS_URL": f"redis://{url_quoted(user)}:{url_quoted(password)}@127.0.0.1:{{port}}"}
    elif form == "URL as it is":
        variables = {"REDIS_URL": f"redis://{user}:{password}@127.0.0.1:{{port}}"}
    theirs, own = of_redis(php, tmp_path, redis, variables)
    assert own == theirs
    assert form != "variables" or own is not None


@pytest.mark.parametrize(
    ("variables", "comes_in"),
    [
        (OPEN, True),
        (HERE, False),
        ({**HERE, "REDIS_PASSWORD": "größe"}, True),
        ({**HERE, "REDIS_PASSWORD": ""}, False),
        ({**HERE, "REDIS_PASSWORD": "null"}, False),
        ({**HERE, "REDIS_PASSWORD": "0"}, False),
        ({**HERE, "REDIS_PASSWORD": "wrong"}, False),
        ({**HERE, "REDIS_USERNAME": "open"}, False),
        ({**HERE, "REDIS_USERNAME": "open", "REDIS_PASSWORD": "any"}, True),
        ({**OPEN, "REDIS_USERNAME": ""}, True),
        ({**OPEN, "REDIS_USERNAME": "null"}, True),
        ({**OPEN, "REDIS_HOST": "localhost"}, True),
        ({**OPEN, "REDIS_HOST": "::1"}, True),
        ({**OPEN, "REDIS_HOST": "tcp://127.0.0.1"}, True),
        ({**OPEN, "REDIS_HOST": "redis://127.0.0.1"}, False),
        ({**OPEN, "REDIS_HOST": ""}, False),
        ({**OPEN, "REDIS_PORT": ""}, False),
        ({**OPEN, "REDIS_PORT": "0"}, False),
        ({**OPEN, "REDIS_PORT": "{port} "}, True),
        ({**OPEN, "REDIS_HOST": "{socket}", "REDIS_PORT": "-1"}, True),
        ({**OPEN, "REDIS_HOST": "{socket}", "REDIS_PORT": "0"}, True),
        ({**OPEN, "REDIS_HOST": "unix://{socket}", "REDIS_PORT": "0"}, True),
        ({**OPEN, "REDIS_HOST": "/nowhere/socket", "REDIS_PORT": "0"}, False),
        ({**OPEN, "REDIS_DB": "5", "REDIS_CACHE_DB": "6"}, True),
        ({**OPEN, "REDIS_DB": "", "REDIS_CACHE_DB": ""}, True),
        ({**OPEN, "REDIS_CACHE_DB": "null"}, True),
        ({**OPEN, "REDIS_PREFIX": "mine:"}, True),
        ({**OPEN, "REDIS_PREFIX": "größe_"}, True),
        ({**OPEN, "REDIS_PREFIX": ""}, True),
        ({**OPEN, "REDIS_PREFIX": "0"}, True),
        ({**OPEN, "REDIS_PREFIX": "null"}, True),
        ({**OPEN, "APP_NAME": "Фото Галерея"}, True),
        ({**OPEN, "APP_NAME": ""}, True),
        ({**OPEN, "REDIS_CLUSTER": "redis"}, True),
        ({**OPEN, "REDIS_CLIENT": "phpredis"}, True),
        ({**OPEN, "REDIS_CLIENT": "credis"}, False),
        ({**OPEN, "REDIS_CLIENT": ""}, False),
        ({"REDIS_URL": "redis://:12345@127.0.0.1:{port}"}, True),
        ({"REDIS_URL": "redis://4711:12345@127.0.0.1:{port}"}, True),
        ({"REDIS_URL": "redis://default:gr%C3%B6%C3%9Fe@127.0.0.1:{port}/3"}, True),
        ({"REDIS_URL": "redis://default:größe@127.0.0.1:{port}/"}, True),
        ({"REDIS_URL": "redis://open@127.0.0.1:{port}"}, False),
        ({"REDIS_URL": "redis://127.0.0.1:{port}/2?password=größe&username=default"}, True),
        ({"REDIS_URL": "redis://:12345@127.0.0.1:{port}?database=7&read_timeout=60&foo=bar"}, True),
        ({"REDIS_URL": "redis://:12345@127.0.0.1:{port}/2?database=7"}, True),
        ({"REDIS_URL": "tcp://:12345@127.0.0.1:{port}/2"}, True),
        ({"REDIS_URL": "valkey://:12345@127.0.0.1:{port}/2"}, True),
        ({"REDIS_URL": "unix://{socket}"}, False),
        ({**OPEN, "REDIS_URL": "redis://127.0.0.1"}, True),
        ({**OPEN, "REDIS_URL": "//127.0.0.1/4"}, True),
        ({**OPEN, "REDIS_URL": ""}, True),
        ({"REDIS_URL": "redis://:123#45@127.0.0.1:{port}"}, False),
    ],
)
def test_each_place_of_redis_is_the_same(
    php: Drivers, redis: tuple[Redis, Path], tmp_path: Path, variables: dict[str, str], comes_in: bool
) -> None:
    theirs, own = of_redis(php, tmp_path, redis, variables)
    assert own == theirs
    assert (own is not None) is comes_in
