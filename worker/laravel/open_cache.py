"""Which cache the app has, opened: its values, and its locks where we can share them."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from faces.errors import SettingsError
from faces.laravel.app_redis import RedisPlace
from faces.laravel.app_settings import CacheSettings
from faces.settings import Settings
from faces.store.cache import DatabaseCache
from faces.store.database import Store
from worker.laravel.app_cache import AppCache, Values
from worker.laravel.folder_cache import FolderCache
from worker.laravel.lock_and_mark import LOCK_KEY, MARK_KEY
from worker.laravel.orders import RESTART

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedCache:
    """What a worker has of the app's cache: where values are kept, and where locks are, None without them.

    Both are one store, but for the folder that keeps values where the app's locks are switched off or cannot be shared.
    """

    values: Values
    locks: AppCache | None

    def close(self) -> None:
        """Give connections back."""
        self.values.close()


def open_cache(app: CacheSettings, store: Store, settings: Settings) -> OpenedCache:
    """Open the app's cache store as its settings say; a folder of ours where it is none that we can share.

    Raises:
        SettingsError: no locks are possible, and FACE_LOCK does not say to work without them.
        CacheUnavailable: the store does not answer.
    """
    if app.store == "redis" and app.redis is not None:
        return _in_redis(app, app.redis, settings)
    if app.store == "database":
        return _in_database(app, store, settings)
    if settings.lock == "auto":
        raise SettingsError(
            f"CACHE_STORE: found {app.store}, whose locks only PHP can take; needed database or redis, or "
            "FACE_LOCK=none to work without the image's lock"
        )
    return OpenedCache(FolderCache(settings.state_dir / "cache"), None)


def _in_redis(app: CacheSettings, place: RedisPlace, settings: Settings) -> OpenedCache:
    # Here, and not above: its driver is a tenth of a worker's start, and most apps have their cache elsewhere.
    from worker.laravel.redis_cache import RedisCache

    prefix = app.redis_prefix + app.prefix
    cache = RedisCache(place, prefix)
    opened = _shared(cache, prefix, settings)
    try:
        # What its ACL lacks is told now, and not by the first job.
        cache.get(RESTART)
        cache.try_values(f"{MARK_KEY}trial-{secrets.token_hex(4)}")
        if opened.locks:
            cache.try_locks(f"{LOCK_KEY}0", secrets.token_hex(8))
    except BaseException:
        cache.close()
        raise
    return opened


def _in_database(app: CacheSettings, store: Store, settings: Settings) -> OpenedCache:
    tables = store.schema.tables
    needed = {app.table} | ({app.lock_table} if settings.lock == "auto" else set())
    if needed <= tables:
        cache = DatabaseCache(store, app.prefix, app.table, app.lock_table)
        return _shared(cache, app.prefix, settings)
    if settings.lock == "auto":
        raise SettingsError(
            f"CACHE_STORE: found database, but no table {' and '.join(sorted(needed - tables))} in {store.name}; "
            "needed the app's own store and tables, or FACE_LOCK=none to work without the image's lock"
        )
    return OpenedCache(FolderCache(settings.state_dir / "cache"), None)


def _shared(cache: AppCache, prefix: str, settings: Settings) -> OpenedCache:
    try:
        _check_prefix(cache, prefix)
    except BaseException:
        cache.close()
        raise
    return OpenedCache(cache, cache if settings.lock == "auto" else None)


def _check_prefix(cache: AppCache, prefix: str) -> None:
    """Say so when the app seems to use another prefix: with a wrong one, neither side sees the other's locks."""
    found = cache.prefixes_in_use(LOCK_KEY, RESTART)
    if found is None:
        _log.warning(
            "the app's Redis does not let us look for its keys (its ACL lacks +scan): whether ours begin as the app's "
            "do, with %r, is not known; with another prefix, PHP and we would not see each other's locks",
            prefix,
        )
    elif found and prefix not in found:
        _log.warning(
            "the app's cache has locks or orders under another prefix than ours: found %s, ours is %r. If that is this "
            "app's, set CACHE_PREFIX and REDIS_PREFIX to it: as it is, PHP and we do not see each other's locks",
            ", ".join(sorted(repr(other) for other in found)),
            prefix,
        )
