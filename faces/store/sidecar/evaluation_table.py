"""How the table `evaluations` is defined: what was measured of the library, run after run."""

from __future__ import annotations

import sqlalchemy as sa

from faces.store.sidecar.table_making import ASCII, ID, JSON, NAME, TIME, TableMaker


def evaluations(make: TableMaker) -> sa.Table:
    """When, by whom, by which version and cohort, and all figures. Facts: the library is another one by now."""
    return make.table(
        "evaluations",
        sa.Column("id", ID, primary_key=True),
        sa.Column("measured_at", TIME, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("version", ASCII, nullable=False),
        sa.Column("cohort", ASCII, nullable=False),
        sa.Column("figures", JSON, nullable=False),
    )
