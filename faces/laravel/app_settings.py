"""Laravel's own settings, as the app has them: database, broker, cache, keys. Ours are in `faces/settings.py`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from faces.errors import SettingsError
from faces.laravel.app_database import database_url, in_time_zone
from faces.laravel.app_rabbitmq import RabbitMQ, rabbitmq
from faces.laravel.app_redis import RedisPlace, redis_place
from faces.laravel.environment import LaravelEnvironment
from faces.laravel.slug import slug
from faces.laravel.url import php_empty
from faces.settings import LARGEST_THRESHOLD, Settings, refusal_of_subdir

#: Queue connections that Laravel brings itself: an app with one of them as default has RabbitMQ's under its own name.
_NOT_RABBITMQ = {"sync", "database", "beanstalkd", "sqs", "redis", "null", "deferred", "background", "failover"}

#: Variables of which one at least is set where there is an app.
_OF_AN_APP = {"LARAVEL_ENV_FILE", "LARAVEL_STORAGE_PATH", "DB_CONNECTION"}


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Which store the app's cache is in, and what its keys begin with there; `worker.laravel.open_cache` opens it."""

    store: str
    """`database`, `redis`, or another name."""
    prefix: str
    table: str
    lock_table: str
    redis: RedisPlace | None
    """Only with the store `redis`; as `redis_prefix`."""
    redis_prefix: str


@dataclass(frozen=True, slots=True)
class LaravelSettings:
    """What the app's configuration makes of its variables. Read once at the door; what needs a part gets that part."""

    database_url: SecretStr
    """SQLAlchemy's; FACE_DATABASE_URL wins."""

    rabbitmq: RabbitMQ
    connection_name: str
    """The queue connection's name, which stands in `failed_jobs.connection`."""
    queue: str
    """QUEUE_FACES: where the face jobs are."""
    default_queue: str
    """RABBITMQ_QUEUE: where jobs without a queue go."""
    failed_driver: str
    """QUEUE_FAILED_DRIVER: `database-uuids`, `database`, `null`, or another that only PHP knows."""

    cache: CacheSettings
    app_key: SecretStr
    app_previous_keys: SecretStr
    """As the app has them, empty where it has none; `worker.laravel.encryption.keys_of` reads them."""
    face_api_url: str | None
    """FACE_API_URL of the environment or the app's file."""
    recognition_threshold: float | None
    """FACE_RECOGNITION_THRESHOLD; None where it is not set, or FACE_THRESHOLD wins over it."""
    debug_subdir: str | None
    """IMAGE_DEBUG_SUBDIR; None where it is not set, or FACE_DEBUG_SUBDIR wins over it."""
    storage: Path | None
    """The app's folder `storage`; None without LARAVEL_ENV_FILE."""
    maintenance_in_cache: bool
    """Whether `php artisan down` is a cache entry, and not a file."""

    @property
    def disk_roots(self) -> Mapping[str, Path]:
        """Laravel's disks `local` and `public` where the app's folder is known."""
        return {"local": self.storage / "app/private", "public": self.storage / "app/public"} if self.storage else {}


def load(environment: Mapping[str, str] | None = None) -> LaravelSettings:
    """Read the environment and the file that LARAVEL_ENV_FILE names; the environment wins, ours wins over both.

    Raises:
        SettingsError: something is wrong, missing or contradictory; the sentence names the variable.
    """
    environment = os.environ if environment is None else environment
    env = LaravelEnvironment.read(environment)
    store = _cache_store(env)
    url = environment.get("FACE_DATABASE_URL") or database_url(env) or _own_default()
    return LaravelSettings(
        database_url=SecretStr(in_time_zone(url, environment.get("FACE_DATABASE_TIMEZONE"))),
        rabbitmq=rabbitmq(env),
        connection_name=_connection_name(env),
        queue=_queue(env, environment.get("FACE_FOREIGN_JOBS_QUEUE")),
        default_queue=env.filled("RABBITMQ_QUEUE") or "default",
        failed_driver=_failed_driver(env),
        cache=_cache(env, store, environment.get("FACE_REDIS_CA_FILE")),
        app_key=SecretStr(env.text_or("APP_KEY", "")),
        app_previous_keys=SecretStr(env.text_or("APP_PREVIOUS_KEYS", "")),
        face_api_url=env.filled("FACE_API_URL"),
        recognition_threshold=None if environment.get("FACE_THRESHOLD") else _recognition_threshold(env),
        debug_subdir=None if environment.get("FACE_DEBUG_SUBDIR") else _debug_subdir(env),
        storage=_storage(env),
        maintenance_in_cache=_maintenance_in_cache(env, store),
    )


def load_of_app() -> LaravelSettings | None:
    """The settings in force; None where there is no app.

    Raises:
        SettingsError: as `load` says.
    """
    return load() if os.environ.keys() & _OF_AN_APP else None


def database_in_force(settings: Settings) -> str:
    """SQLAlchemy's URL: our own setting, else the app's database where there is an app, else a file of our own.

    Raises:
        SettingsError: as `load` says.
    """
    laravel = None if "database_url" in settings.model_fields_set else load_of_app()
    url = (laravel.database_url if laravel else settings.database_url).get_secret_value()
    return in_time_zone(url, settings.database_timezone)


def face_api_in_force(settings: Settings) -> str:
    """The URL of the face API: our own setting, else the app's where there is an app, else where ours listens.

    Raises:
        SettingsError: as `load` says.
    """
    laravel = None if settings.api_url else load_of_app()
    return settings.api_url or (laravel.face_api_url if laravel else None) or f"http://{settings.api_address}"


def _own_default() -> str:
    default: SecretStr = Settings.model_fields["database_url"].default
    return default.get_secret_value()


def _connection_name(env: LaravelEnvironment) -> str:
    name = env.filled("QUEUE_CONNECTION")
    return name if name and name not in _NOT_RABBITMQ else "rabbitmq"


def _queue(env: LaravelEnvironment, foreign: str | None) -> str:
    queue = env.filled("QUEUE_FACES") or "faces"
    if foreign == queue:
        raise SettingsError(
            f"FACE_FOREIGN_JOBS_QUEUE: found {queue}, the queue of the face jobs itself (QUEUE_FACES); needed another"
        )
    return queue


def _failed_driver(env: LaravelEnvironment) -> str:
    """As Laravel chooses it: none is the word null, an empty one the older table without uuids."""
    if "QUEUE_FAILED_DRIVER" not in env.variables:
        return "database-uuids"
    driver = env.text("QUEUE_FAILED_DRIVER")
    return "null" if driver is None else driver or "database"


def _recognition_threshold(env: LaravelEnvironment) -> float | None:
    text = env.filled("FACE_RECOGNITION_THRESHOLD")
    if text is None:
        return None
    is_number = re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,30})?|\.[0-9]{1,30}", text)
    if not is_number or not 0 < float(text) <= LARGEST_THRESHOLD:
        raise SettingsError(
            f"FACE_RECOGNITION_THRESHOLD: found {text!r}, needed a distance above 0, at most {LARGEST_THRESHOLD}"
        )
    return float(text)


def _debug_subdir(env: LaravelEnvironment) -> str | None:
    subdir = env.filled("IMAGE_DEBUG_SUBDIR")
    if subdir and (refusal := refusal_of_subdir(subdir)):
        raise SettingsError(f"IMAGE_DEBUG_SUBDIR: {refusal}")
    return subdir


def _cache(env: LaravelEnvironment, store: str, redis_ca_file: str | None) -> CacheSettings:
    return CacheSettings(
        store=store,
        prefix=_prefix(env, "CACHE_PREFIX", "_cache_") if store in {"database", "redis"} else "",
        table=env.filled("DB_CACHE_TABLE") or "cache",
        lock_table=env.filled("DB_CACHE_LOCK_TABLE") or "cache_locks",
        redis=redis_place(env, redis_ca_file) if store == "redis" else None,
        redis_prefix=_redis_prefix(env) if store == "redis" else "",
    )


def _cache_store(env: LaravelEnvironment) -> str:
    new, old = env.filled("CACHE_STORE"), env.filled("CACHE_DRIVER")
    if new and old and new != old:
        raise SettingsError(
            f"CACHE_STORE: found {new}, and {old} in CACHE_DRIVER, the older name; needed the one that is used in both"
        )
    store = new or old or "database"
    if store == "database":
        _require_one_database(env)
    return store


def _require_one_database(env: LaravelEnvironment) -> None:
    usual = env.filled("DB_CONNECTION")
    for variable in ("DB_CACHE_CONNECTION", "DB_CACHE_LOCK_CONNECTION"):
        own = env.filled(variable)
        if own and own != usual:
            raise SettingsError(f"{variable}: found {own}, needed the app's own database, like DB_CONNECTION")


def _prefix(env: LaravelEnvironment, variable: str, ending: str) -> str:
    """The variable, or what the app's configuration makes of APP_NAME."""
    if variable in env.variables:
        return env.text_or(variable, "")
    return slug(env.text_or("APP_NAME", "laravel")) + ending


def _redis_prefix(env: LaravelEnvironment) -> str:
    prefix = _prefix(env, "REDIS_PREFIX", "_database_")
    return "" if php_empty(prefix) else prefix


def _storage(env: LaravelEnvironment) -> Path | None:
    named = env.filled("LARAVEL_STORAGE_PATH")
    if named:
        return Path(named)
    return env.file.parent / "storage" if env.file else None


def _maintenance_in_cache(env: LaravelEnvironment, store: str) -> bool:
    if (env.filled("APP_MAINTENANCE_DRIVER") or "file") != "cache":
        return False
    named = env.filled("APP_MAINTENANCE_STORE") or "database"
    if named != store:
        raise SettingsError(f"APP_MAINTENANCE_STORE: found {named}, needed the app's cache store, {store}")
    return True
