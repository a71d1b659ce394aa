"""Before an upgrade: one debug picture on each disk of the app, written as the service's user and removed again."""

from __future__ import annotations

import base64
import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from installer import access
from installer.install_paths import GROUP, USER
from installer.sentence import Sentence, say
from installer.situation import Situation

#: A PNG of one pixel.
_PICTURE = base64.b64decode(
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)

#: Folders that are looked into for one that already holds debug pictures.
_LOOKED_INTO = 500


def refusals(situation: Situation) -> Iterator[Sentence]:
    """Why photos would be refused after the upgrade, disk by disk. A first install has nothing to lose yet: no word."""
    if not _applies(situation):
        return
    for name, root in _disks_left_out(situation).items():
        yield say(
            "disk {name}: found no root of FACE_DISK_ROOTS above {root}, needed {name}={root} there, or its photos "
            "would be refused; to do without: FACE_DEBUG_PICTURES=best_effort; both in {file}",
            name=name,
            root=root,
            file=situation.places.env_file,
        )
    for name, root in _disks(situation).items():
        if not root.is_dir():
            yield say(
                "disk {name}: found no folder {root}, needed it, or FACE_DISK_ROOTS in {file} without it",
                name=name,
                root=root,
                file=situation.places.env_file,
            )
        elif why := _why_not(situation, root):
            yield say(
                "disk {name}: found that {user} cannot write a debug picture in {folder} ({why}), needed that, or its "
                "photos would be refused; for rights: chgrp {group} and chmod 2775; to do without: "
                "FACE_DEBUG_PICTURES=best_effort in {file}",
                name=name,
                user=USER,
                folder=_folder(situation, root),
                why=why,
                group=GROUP,
                file=situation.places.env_file,
            )


def untried(situation: Situation) -> Iterator[Sentence]:
    """What a run that changes nothing does not try."""
    if _applies(situation) and situation.options.dry_run:
        for name, root in _disks(situation).items():
            yield say(
                "disk {name}: before any change {user} writes a debug picture in {folder} and removes it; not tried: "
                "--dry-run",
                name=name,
                user=USER,
                folder=_folder(situation, root),
            )


def _applies(situation: Situation) -> bool:
    """Whether a service of ours is there whose settings are known and require pictures."""
    settings = situation.settings
    return situation.holds_ports and bool(settings.variables) and settings.requires_pictures


def _disks(situation: Situation) -> dict[str, Path]:
    """Where the service will write: its own disks, and those of the app that lie below them."""
    known = {name: root for name, root in _disks_of_the_app(situation).items() if _is_covered(situation, root)}
    return {**known, **situation.settings.disks}


def _disks_left_out(situation: Situation) -> dict[str, Path]:
    """The app's disks that the service does not know; one without a folder has no photos."""
    return {name: root for name, root in _disks_of_the_app(situation).items() if not _is_covered(situation, root)}


def _disks_of_the_app(situation: Situation) -> dict[str, Path]:
    roots = situation.app.disks.roots if situation.app else {}
    return {name: root for name, root in roots.items() if root.is_dir()}


def _is_covered(situation: Situation, root: Path) -> bool:
    return any(root.resolve().is_relative_to(known.resolve()) for known in situation.settings.disk_roots)


def _folder(situation: Situation, root: Path) -> Path:
    """A folder of debug pictures that is there, else the root, in which one would be made.

    Photos may lie in folders that the service may write, below a root that it may not.
    """
    subdir = situation.settings.variables.get("FACE_DEBUG_SUBDIR")
    subdir = subdir or (situation.app.variables.get("IMAGE_DEBUG_SUBDIR") if situation.app else None) or "debug"
    for place, folders, _ in itertools.islice(os.walk(root), _LOOKED_INTO):
        if (Path(place) / subdir).is_dir():
            return Path(place) / subdir
        folders[:] = [name for name in sorted(folders) if not name.startswith(".")]
    return root


def _why_not(situation: Situation, root: Path) -> str | None:
    folder = _folder(situation, root)
    if situation.options.dry_run:
        return None if access.can(USER, folder, os.W_OK) else "Permission denied"
    return access.why_not_written(USER, folder / f".debug-{secrets.token_hex(8)}.png", _PICTURE)
