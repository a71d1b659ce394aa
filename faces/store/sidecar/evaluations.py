"""The table `evaluations`: what was measured of the library, run after run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from faces.store.database import Transaction
from faces.store.sidecar.library_row import tables_of


@dataclass(frozen=True, slots=True)
class KeptEvaluation:
    """A run."""

    id: int
    at: datetime
    """UTC without a zone."""
    actor: str
    """Who started it, as on the machine."""
    version: str
    """Of this program."""
    cohort: str
    """`Cohort.version`."""
    figures: Mapping[str, Any]


def newest(transaction: Transaction) -> KeptEvaluation | None:
    """The run before."""
    evaluations = tables_of(transaction).evaluations
    row = transaction.connection.execute(sa.select(evaluations).order_by(evaluations.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    figures = json.loads(row.figures)
    return KeptEvaluation(int(row.id), row.measured_at, row.actor, row.version, row.cohort, figures)


def keep(transaction: Transaction, actor: str, version: str, cohort: str, figures: Mapping[str, Any]) -> KeptEvaluation:
    """Keep a run of now."""
    values = {"actor": actor, "version": version, "cohort": cohort, "measured_at": transaction.now}
    query = sa.insert(tables_of(transaction).evaluations).values(**values, figures=json.dumps(figures))
    result: sa.CursorResult[Any] = transaction.connection.execute(query)
    return KeptEvaluation(int(result.lastrowid), transaction.now, actor, version, cohort, figures)
