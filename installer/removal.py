"""Removes what the record says was put here, the last first; settings and data only where that was asked for."""

from __future__ import annotations

import grp
import shutil
import subprocess
from pathlib import Path

from faces.system.atomic_file import beside
from installer.changes.change import Work
from installer.changes.files import as_owner
from installer.record import Footprint, Record
from installer.sentence import Refusal, Sentence, say


def leaving(record: Record, *, purge: bool) -> list[Footprint]:
    """What is removed, in this order."""
    return [put for put in reversed(record.footprints) if purge or not put.data]


def describe(record: Record, *, purge: bool) -> list[Sentence]:
    """A line for each thing that is removed, and for each that stays."""
    gone = leaving(record, purge=purge)
    kept = [put for put in record.footprints if put not in gone and put.kind not in {"group", "member"}]
    # The record's folder stays with what stays in it.
    stays = any(Path(put.name).parent == record.path.parent for put in kept)
    lines = [_line(put) for put in gone if _is_there(put) and not (stays and _is_folder_of_record(put, record))]
    return lines + [say("keep {name} (--purge removes it)", name=put.name) for put in kept]


def remove(work: Work, *, purge: bool) -> None:
    """Remove it; an interrupted run is continued by the next one.

    Raises:
        Refusal: something cannot be removed.
    """
    for footprint in leaving(work.record, purge=purge):
        if _is_there(footprint) and _is_folder_of_record(footprint, work.record):
            continue
        if _is_there(footprint):
            work.tell(_line(footprint))
            _remove(footprint)
        work.record.drop(footprint)
    _remove_last_folder(work.record)


def _is_folder_of_record(footprint: Footprint, record: Record) -> bool:
    """It can only be removed after the record in it."""
    return Path(footprint.name) == record.path.parent


def _remove_last_folder(record: Record) -> None:
    """With the record, where nothing else is in it; also one that a killed run made before it could write that down."""
    folder = record.path.parent
    if any(not _is_folder_of_record(put, record) for put in record.footprints) or not folder.is_dir():
        return
    unfinished = beside(record.path)
    if {*folder.iterdir()} <= {record.path, unfinished}:
        record.path.unlink(missing_ok=True)
        unfinished.unlink(missing_ok=True)
        folder.rmdir()


def _line(footprint: Footprint) -> Sentence:
    if footprint.kind == "group":
        return say("remove the group {name}", name=footprint.name)
    if footprint.kind == "member":
        return say("take out of the group: {name}", name=footprint.name)
    return say("remove {name}", name=footprint.name)


def _is_there(footprint: Footprint) -> bool:
    if footprint.kind in {"group", "member"}:
        try:
            group = grp.getgrnam(footprint.name.split()[-1])
        except KeyError:
            return False
        return footprint.kind == "group" or footprint.name.split()[0] in group.gr_mem
    path = Path(footprint.name)
    return path.is_symlink() or path.exists()


def _remove(footprint: Footprint) -> None:
    path = Path(footprint.name)
    try:
        if footprint.kind == "tree":
            shutil.rmtree(path)
        elif footprint.kind == "folder":
            if not any(path.iterdir()):
                path.rmdir()
        elif footprint.kind == "link" and path.is_symlink():
            as_owner(path.parent, "rm", "-f", str(path))
        elif footprint.kind == "file":
            path.unlink()
        elif footprint.kind == "member":
            user, group = footprint.name.split()
            subprocess.run(["gpasswd", "--delete", user, group], check=True, capture_output=True)
        else:
            subprocess.run(["groupdel", footprint.name], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Refusal(say("could not remove {name}: {error}", name=footprint.name, error=error)) from error
