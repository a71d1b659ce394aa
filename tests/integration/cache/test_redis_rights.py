"""A Redis that does not let us do everything, and one that only an authority of the app's own vouches for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faces import settings
from faces.errors import CacheUnavailable, SettingsError
from faces.laravel import app_settings
from faces.laravel.app_settings import LaravelSettings
from faces.store.database import Store
from tests.integration.amqp.certificates import Authority
from tests.integration.laravel.beside_php import env_file, php_drivers
from tests.servers.rabbitmq import free_port
from tests.servers.redis import Redis, running_redis
from worker.laravel.open_cache import OpenedCache, open_cache

#: Everything that jobs need, and nothing else.
ENOUGH = ("~app_*", "+eval", "+get", "+set", "+del", "+expire", "+incr", "+select")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(f"sqlite:///{tmp_path / 'faces.db'}", create=True)) as store:
        yield store


def app(redis: Redis, **more: str) -> LaravelSettings:
    """An app whose Redis knows it as `photo`."""
    variables = {"CACHE_STORE": "redis", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)}
    prefixes = {"REDIS_PREFIX": "app_", "CACHE_PREFIX": "cache_"}
    return app_settings.load({**variables, **prefixes, "REDIS_USERNAME": "photo", "REDIS_PASSWORD": "secret", **more})


def opened(redis: Redis, sqlite: Store, *rules: str, lock: str = "auto") -> OpenedCache:
    redis.command("ACL", "SETUSER", "photo", "reset", "on", ">secret", *rules)
    return open_cache(app(redis).cache, sqlite, settings.load(lock=lock))


def test_without_scan_the_start_only_warns_that_the_prefix_is_not_known(
    redis: Redis, sqlite: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        cache = opened(redis, sqlite, *ENOUGH)
    assert [record.message for record in caplog.records if "its ACL lacks +scan" in record.message]
    assert cache.locks is not None
    assert cache.locks.acquire("face-processing:1", "me", 5)
    assert cache.locks.release("face-processing:1", "me")
    cache.close()


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (("-eval",), r"does not let the user photo use EVAL on the key app_cache_face-crash:"),
        (("-set",), r"use SET on the key app_cache_face-crash:.*needed in that user's ACL: \+set ~app_cache_face-cr"),
        (
            ("-incr",),
            r"use EVAL on the key app_cache_face-crash:.*needed in that user's ACL: \+eval \+incr \+expire ~app",
        ),
        (("-del",), r"use DEL on the key app_cache_face-crash:"),
        (("-expire",), r"use EVAL on the key app_cache_face-"),
        (("resetkeys", "~app_cache_face-*"), r"use GET on the key app_cache_illuminate:queue:restart"),
        (("resetkeys", "~app_cache_illum*"), r"use DEL on the key app_cache_face-crash:.*~app_cache_face-crash:"),
        (("resetkeys", "~app_cache_illum*", "~app_cache_face-crash*"), r"use EVAL on the key app_cache_face-processi"),
        (("-select",), r"has no permissions to run the 'select' command"),
    ],
)
def test_what_an_acl_lacks_is_named_at_the_start(
    redis: Redis, sqlite: Store, rules: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CacheUnavailable, match=sentence):
        opened(redis, sqlite, *ENOUGH, *rules)


def test_what_is_taken_away_later_is_named_at_its_use(redis: Redis, sqlite: Store) -> None:
    cache = opened(redis, sqlite, *ENOUGH)
    assert cache.locks is not None
    redis.command("ACL", "SETUSER", "photo", "-eval")
    with pytest.raises(CacheUnavailable, match=r"use EVAL on the key app_cache_face-processing:7: .* ACL: \+eval "):
        cache.locks.acquire("face-processing:7", "me", 5)
    cache.close()


def test_without_the_lock_no_right_to_one_is_needed(redis: Redis, sqlite: Store) -> None:
    rules = (*ENOUGH, "resetkeys", "~app_cache_illuminate:*", "~app_cache_face-crash:*")
    opened(redis, sqlite, *rules, lock="none").close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def tls_port(tmp_path: Path, authority: Authority) -> Iterator[int]:
    """A Redis whose certificate the authority signed."""
    signed = authority.sign("redis")
    port = str(free_port())
    files = ("--tls-cert-file", str(signed.certificate), "--tls-key-file", str(signed.key))
    trust = ("--tls-ca-cert-file", str(authority.certificate), "--tls-auth-clients", "no")
    with running_redis("--tls-port", port, *files, *trust) as server:
        server.command("ACL", "SETUSER", "default", ">secret")
        yield int(port)


@pytest.mark.parametrize("form", ["REDIS_HOST", "REDIS_URL", "REDIS_SCHEME"])
def test_a_redis_of_an_own_authority_is_reached_with_its_file(
    form: str, tls_port: int, authority: Authority, sqlite: Store, tmp_path: Path
) -> None:
    forms = {
        "REDIS_HOST": {"REDIS_HOST": "tls://127.0.0.1", "REDIS_PORT": str(tls_port), "REDIS_PASSWORD": "secret"},
        "REDIS_URL": {"REDIS_URL": f"rediss://:secret@127.0.0.1:{tls_port}"},
        "REDIS_SCHEME": {"REDIS_SCHEME": "tls", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(tls_port)},
    }
    variables = {"CACHE_STORE": "redis", "REDIS_PASSWORD": "secret", **forms[form]}
    file = env_file(tmp_path, variables)
    ours = {"LARAVEL_ENV_FILE": str(file), "FACE_REDIS_CA_FILE": str(authority.certificate)}
    cache = open_cache(app_settings.load(ours).cache, sqlite, settings.load())
    cache.values.put("there", b"b:1;", 5)
    assert cache.values.get("there") == b"b:1;"
    cache.close()
    if form != "REDIS_SCHEME":
        # The app's own configuration names a scheme there; Laravel's does not.
        with php_drivers("-d", f"openssl.cafile={authority.certificate}") as php:
            assert php.facts("redis", tmp_path)[0][1] == "default"


def test_without_the_file_neither_php_nor_we_believe_it(tls_port: int, sqlite: Store, tmp_path: Path) -> None:
    file = env_file(tmp_path, {"CACHE_STORE": "redis", "REDIS_URL": f"tls://:secret@127.0.0.1:{tls_port}"})
    with pytest.raises(CacheUnavailable, match="certificate verify failed"):
        open_cache(app_settings.load({"LARAVEL_ENV_FILE": str(file)}).cache, sqlite, settings.load())
    with php_drivers() as php:
        assert php.facts("redis", tmp_path) is None


def test_a_certificate_of_another_host_is_not_believed(
    tls_port: int, authority: Authority, sqlite: Store, tmp_path: Path
) -> None:
    file = env_file(tmp_path, {"CACHE_STORE": "redis", "REDIS_URL": f"tls://:secret@localhost:{tls_port}"})
    ours = {"LARAVEL_ENV_FILE": str(file), "FACE_REDIS_CA_FILE": str(authority.certificate)}
    with pytest.raises(CacheUnavailable, match="certificate verify failed"):
        open_cache(app_settings.load(ours).cache, sqlite, settings.load())
    with php_drivers("-d", f"openssl.cafile={authority.certificate}") as php:
        assert php.facts("redis", tmp_path) is None


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"REDIS_HOST": "tls://r", "FACE_REDIS_CA_FILE": "/nowhere/ca.pem"}, "found no file /nowhere/ca.pem"),
        ({"REDIS_HOST": "r", "FACE_REDIS_CA_FILE": __file__}, "found a file, but Redis without TLS"),
    ],
)
def test_a_file_that_cannot_help_is_refused_by_name(variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=f"^FACE_REDIS_CA_FILE: {sentence}"):
        app_settings.load({"CACHE_STORE": "redis", **variables})
