"""The looks at each server that jobs need: asked, and where jobs write, written to and taken back."""

from __future__ import annotations

from faces.client.face_client import FaceClient
from faces.errors import CacheUnavailable, FaceApiUnavailable, SchemaError, StoreUnavailable
from faces.store import statement_trial
from faces.store.database import Store
from worker.laravel.app_cache import Values
from worker.queue.circuit import Probe

#: The cache's entry that is put and forgotten, and the seconds after which it goes by itself.
_KEY = "face-sidecar-probe"
_KEPT_SECONDS = 60


def of_api(client: FaceClient) -> Probe:
    """The face API says that it takes photos."""
    return Probe((FaceApiUnavailable,), client.require_ready, client.drop_idle)


def of_store(store: Store, values: Values) -> Probe:
    """The database answers and takes writes; one that has the cache in it is written to there."""

    def look() -> None:
        store.ping()
        if values.transactional is None:
            statement_trial.require_writes(store)

    return Probe((StoreUnavailable, SchemaError), look, store.drop_idle)


def of_cache(values: Values) -> Probe:
    """The app's cache takes an entry and forgets it."""

    def look() -> None:
        values.put(_KEY, b"b:1;", _KEPT_SECONDS)
        values.forget(_KEY)

    return Probe((CacheUnavailable,), look, values.drop_idle)
