"""Orders as Laravel itself leaves them, and the start with the app's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces import settings
from faces.laravel import app_settings
from faces.store.cache import DatabaseCache
from faces.store.database import Store
from tests.integration.cache.conftest import PREFIX, Place
from tests.servers.app_schema import V1
from tests.servers.mariadb import MariaDB
from tests.servers.php import STORES, run_php
from tests.servers.redis import Redis
from worker.laravel.lock_and_mark import image_lock
from worker.laravel.open_cache import open_cache
from worker.laravel.orders import Orders
from worker.laravel.redis_cache import RedisCache

_RESTART = (
    STORES
    + """
use Symfony\\Component\\Console\\Input\\ArrayInput;
use Symfony\\Component\\Console\\Output\\NullOutput;
$container = new class extends Illuminate\\Container\\Container {
    public function runningUnitTests() { return false; }
};
$command = new Illuminate\\Queue\\Console\\RestartCommand(new Illuminate\\Cache\\Repository(cache($in)));
$command->setLaravel($container);
answer($command->run(new ArrayInput([]), new NullOutput));
"""
)


def test_the_real_queue_restart_is_obeyed(place: Place) -> None:
    orders = Orders(place.ours, app_settings.load({}))
    assert not orders.should_restart()
    assert run_php(_RESTART, place.for_php) == 0
    assert orders.should_restart()
    assert not Orders(place.ours, app_settings.load({})).should_restart()


def test_the_apps_settings_lead_to_its_database(mariadb: MariaDB, tmp_path: Path) -> None:
    url = mariadb.new_database(*V1)
    (tmp_path / ".env").write_text(
        f"APP_NAME=Mig\nDB_CONNECTION=mysql\nDB_HOST=127.0.0.1\nDB_PORT={mariadb.port}\n"
        f"DB_DATABASE={url.rpartition('/')[2]}\nDB_USERNAME=root\nDB_PASSWORD=\nCACHE_STORE=database\n"
    )
    laravel = app_settings.load({"LARAVEL_ENV_FILE": str(tmp_path / ".env")})
    store = Store.open(laravel.database_url.get_secret_value())
    cache = open_cache(laravel.cache, store, settings.load())
    assert isinstance(cache.locks, DatabaseCache)
    with image_lock(cache.locks, 1, 120, 0, _Never()), store.reading() as transaction:
        rows = transaction.connection.exec_driver_sql("SELECT `key`, expiration - UNIX_TIMESTAMP() FROM cache_locks")
        ((key, left),) = rows.all()
    assert key == "mig_cache_face-processing:1"
    assert 60 < left <= 120
    store.close()


def test_the_apps_settings_lead_to_its_redis(redis: Redis, store: Store) -> None:
    redis.command("FLUSHALL")
    variables = {"APP_NAME": "Mig", "CACHE_STORE": "redis", "REDIS_PORT": str(redis.port), "REDIS_PASSWORD": "null"}
    cache = open_cache(app_settings.load(variables).cache, store, settings.load())
    assert isinstance(cache.locks, RedisCache)
    with image_lock(cache.locks, 1, 120, 0, _Never()):
        assert redis.command("KEYS", "*") == "mig_database_mig_cache_face-processing:1"
        assert 60 < int(redis.command("TTL", "mig_database_mig_cache_face-processing:1")) <= 120
    cache.values.put("a", b"b:1;", 60)
    assert redis.command("GET", "mig_database_mig_cache_a", database=1) == "b:1;"
    cache.close()


def test_without_the_lock_the_apps_cache_still_keeps_our_values(store: Store) -> None:
    cache = open_cache(app_settings.load({}).cache, store, settings.load(lock="none"))
    assert type(cache.values) is DatabaseCache
    assert cache.locks is None


@pytest.mark.parametrize("kind", ["lock", "order"])
def test_a_prefix_that_is_not_the_apps_is_told_at_the_start(
    kind: str, place: Place, mariadb: MariaDB, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    if kind == "lock":
        place.ours.acquire("face-processing:1", "php", 60)
    else:
        run_php(_RESTART, place.for_php)
    variables = {"CACHE_STORE": place.for_php["store"], "REDIS_PORT": str(redis.port)}
    url = f"mysql+pymysql://root@127.0.0.1:{mariadb.port}/{place.for_php.get('database')}"
    store = Store.open(url if "database" in place.for_php else mariadb.new_database(*V1))
    colon = ":" if place.for_php["store"] == "redis" else ""
    ours = app_settings.load(variables | {"CACHE_PREFIX": f"{PREFIX}{colon}"})
    open_cache(ours.cache, store, settings.load()).close()
    assert caplog.text == ""
    wrong = app_settings.load(variables | {"CACHE_PREFIX": "wrong_"})
    open_cache(wrong.cache, store, settings.load()).close()
    store.close()
    assert "under another prefix than ours" in caplog.text
    assert "CACHE_PREFIX" in caplog.text


class _Never:
    def is_set(self) -> bool:
        return False

    def wait(self, _seconds: float, /) -> bool:
        return False
