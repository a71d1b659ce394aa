"""Our tables beside an app's, made at once: what `worker tables --create` does after it has asked."""

from __future__ import annotations

from contextlib import closing

from faces.store.database import Store
from faces.store.sidecar import layout


def create_tables(url: str) -> None:
    """Make them in the app's own database."""
    with closing(Store.open(url)) as store:
        layout.run(store, layout.look(store).creating)
