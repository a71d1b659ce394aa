"""The options of `scan` for what is not scanned: patterns, kept with a folder until they are dropped."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from faces.errors import RequestError
from faces.sources.folder import is_below, is_text
from faces.store import scan_excludes
from faces.store.database import Store, Transaction
from worker.commands.invocation import Invocation

#: Characters that the column holds.
_LONGEST = 255


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--exclude",
        metavar="PATTERN",
        action="append",
        default=[],
        help="leave out what has this name ('private', '*-edited.jpg'), or this path from the folder on ('2019/raw'); "
        "kept with the folder, so that later scans leave it out, too",
    )
    parser.add_argument(
        "--no-exclude", metavar="PATTERN", action="append", default=[], help="drop such a pattern of the folder"
    )
    parser.add_argument("--excludes", action="store_true", help="only list the patterns, of these folders or of all")


def change(store: Store, folders: Sequence[Path], added: Sequence[str], dropped: Sequence[str]) -> None:
    """Keep and drop patterns with each of the folders.

    Raises:
        RequestError: a pattern says nothing, is too long, or is to be dropped and was never kept; nothing is changed.
    """
    for pattern in added:
        if not pattern.strip("./") or len(pattern) > _LONGEST or not is_text(pattern):
            raise RequestError(f"--exclude: found {pattern!r}, needed a name or path of 1 to {_LONGEST} characters")
    if added or dropped:
        store.write(lambda transaction: _change(transaction, [_real(folder) for folder in folders], added, dropped))


def show(folders: Sequence[Path], invocation: Invocation) -> int:
    """List the patterns that matter for these folders, or all of them."""
    with invocation.store() as store, store.reading() as transaction:
        kept = scan_excludes.read(transaction) if store.schema.ours else {}
    places = [_real(folder) for folder in folders]
    rows = [
        (folder, pattern)
        for folder, patterns in kept.items()
        if not places or any(is_below(place, folder) or is_below(folder, place) for place in places)
        for pattern in patterns
    ]
    if not invocation.output.as_json:
        invocation.output.table(("folder", "pattern"), rows)
    invocation.output.records([{"folder": folder, "pattern": pattern} for folder, pattern in rows])
    return 0


def _change(transaction: Transaction, folders: Sequence[str], added: Sequence[str], dropped: Sequence[str]) -> None:
    for folder in folders:
        for pattern in added:
            scan_excludes.add(transaction, folder, _from(folder, pattern))
        for pattern in (_from(folder, pattern) for pattern in dropped):
            if not scan_excludes.drop(transaction, folder, pattern):
                kept = ", ".join(map(repr, scan_excludes.read(transaction).get(folder, []))) or "none"
                raise RequestError(f"--no-exclude: {folder} has no pattern {pattern!r}; it has {kept}")


def _from(folder: str, pattern: str) -> str:
    """A pattern as it counts from the folder on, also where the whole path was given, or one that begins with `./`."""
    start = folder.rstrip("/") + "/"
    if pattern.startswith("./"):
        return pattern[1:]
    return pattern.removeprefix(start[:-1]) if pattern.startswith(start) else pattern


def _real(folder: Path) -> str:
    path = str(folder.resolve())
    if not is_text(path):
        raise RequestError(f"{folder}: its name is not UTF-8, and the database can only keep names that are: rename it")
    return path
