"""The table `scan_folders` of our own files: the folders that photos were seen in, as the file system numbers them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from faces.store.database import Transaction
from faces.store.schema import scan_folders

#: SQLite's integers have a sign, numbers of files have none.
_BITS = (1 << 63) - 1


def read(transaction: Transaction) -> dict[str, int]:
    """All folders by path, each with its number as `number_of` gives it."""
    query = sa.select(scan_folders.c.path, scan_folders.c.inode)
    return {row.path: row.inode for row in transaction.connection.execute(query)}


def write(transaction: Transaction, inodes: Mapping[str, int]) -> None:
    """Note folders with their inodes, or what the inodes are now."""
    if inodes:
        insert = sqlite.insert(scan_folders)
        insert = insert.on_conflict_do_update(index_elements=["path"], set_={"inode": insert.excluded.inode})
        rows = [{"path": path, "inode": number_of(inode)} for path, inode in inodes.items()]
        transaction.connection.execute(insert, rows)


def number_of(inode: int) -> int:
    """An inode as the table keeps it."""
    return inode & _BITS
