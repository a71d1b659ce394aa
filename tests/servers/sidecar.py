"""Our tables beside an app's, made at once: what `worker tables --create` does after it has asked."""

from __future__ import annotations

import sqlalchemy as sa

from faces.store.sidecar.tables import PREFIX, sidecar_tables


def create_tables(url: str, match_rule: str = "calibrated") -> None:
    """Make them in the app's own database."""
    tables, engine = sidecar_tables(PREFIX), sa.create_engine(url)
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.library).values(id=1, version=1, match_rule=match_rule))
    engine.dispose()
