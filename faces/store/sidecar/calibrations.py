"""The table `calibration`: what the library has taught about itself, measured anew when its people have changed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from faces.people.calibration import Learned
from faces.store.database import Transaction
from faces.store.sidecar.library_row import tables_of


def newest(transaction: Transaction, cohort: str) -> Learned:
    """What was learned last with this cohort; nothing yet: an ordinary library's."""
    calibration = tables_of(transaction).calibration
    columns = (calibration.c.shift, calibration.c.share, calibration.c.people)
    query = sa.select(*columns).where(calibration.c.cohort == cohort).order_by(calibration.c.id.desc()).limit(1)
    row = transaction.connection.execute(query).first()
    return Learned(row.shift, row.share, row.people) if row else Learned()


def newest_at(transaction: Transaction, cohort: str) -> datetime | None:
    """When it was learned last with this cohort."""
    calibration = tables_of(transaction).calibration
    query = sa.select(calibration.c.measured_at).where(calibration.c.cohort == cohort)
    found = transaction.connection.execute(query.order_by(calibration.c.id.desc()).limit(1)).scalar()
    return found if isinstance(found, datetime) else None


def add(transaction: Transaction, cohort: str, learned: Learned) -> None:
    """Keep what was learned."""
    values = {
        "cohort": cohort,
        "shift": learned.shift,
        "share": learned.strangers,
        "people": learned.people,
        "measured_at": transaction.now,
    }
    transaction.connection.execute(sa.insert(tables_of(transaction).calibration).values(**values))
