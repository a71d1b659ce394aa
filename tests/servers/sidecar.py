"""Our tables beside an app's, made at once: what `worker tables --create` does after it has asked."""

from __future__ import annotations

from contextlib import closing

from faces.store.database import Store
from faces.store.sidecar import layout
from faces.store.sidecar.tables import PREFIX
from tests.servers.rows import Rows


def create_tables(url: str, match_rule: str = "calibrated") -> None:
    """Make them in the app's own database, with what links faces by itself where FACE_MATCH does not say."""
    with closing(Store.open(url)) as store:
        layout.run(store, layout.look(store).creating)
    with closing(Rows(url)) as rows:
        rows.run(f"UPDATE {PREFIX}library SET match_rule = :rule", rule=match_rule)
