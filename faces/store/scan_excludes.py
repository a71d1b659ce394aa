"""The table `scan_excludes` of our own files: the patterns of what is not scanned, each with the folder it is for."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from faces.store.database import Transaction
from faces.store.schema import scan_excludes

_TABLE = scan_excludes.c


def read(transaction: Transaction) -> dict[str, list[str]]:
    """All patterns, by folder."""
    found: dict[str, list[str]] = {}
    query = sa.select(_TABLE.folder, _TABLE.pattern).order_by(_TABLE.folder, _TABLE.pattern)
    for folder, pattern in transaction.connection.execute(query):
        found.setdefault(folder, []).append(pattern)
    return found


def add(transaction: Transaction, folder: str, pattern: str) -> None:
    """Keep a pattern; one that is there stays."""
    insert = sqlite.insert(scan_excludes).values(folder=folder, pattern=pattern)
    transaction.connection.execute(insert.on_conflict_do_nothing())


def drop(transaction: Transaction, folder: str, pattern: str) -> bool:
    """Forget a pattern; False where it is not there."""
    dropped = sa.delete(scan_excludes).where(_TABLE.folder == folder, _TABLE.pattern == pattern)
    return bool(transaction.connection.execute(dropped).rowcount)
