"""What a person should know and what stops nothing: disks of the app that can have no debug pictures yet."""

from __future__ import annotations

import os
from collections.abc import Iterator

from installer import access, pictures
from installer.install_paths import GROUP, USER
from installer.sentence import Sentence, say
from installer.situation import Situation


def notes(situation: Situation) -> list[Sentence]:
    """All of them."""
    return [
        *_disks_that_are_not_shared(situation),
        *_disks_that_are_unclear(situation),
        *_no_disk(situation),
        *pictures.untried(situation),
    ]


def _disks_that_are_not_shared(situation: Situation) -> Iterator[Sentence]:
    roots = situation.app.disks.roots if situation.app else {}
    for name, root in roots.items():
        if not root.is_dir():
            yield say("disk {name}: there is no folder {root}; no debug pictures there", name=name, root=root)
        elif not access.can(USER, root, os.W_OK):
            yield say(
                "disk {name}: {user} may not write {root}, so that photos in it have no debug pictures and are "
                "refused: chgrp {group} {root} && chmod 2775 {root}",
                name=name,
                user=USER,
                root=root,
                group=GROUP,
            )
        elif not access.hands_on(root, GROUP):
            yield say(
                "disk {name}: what is made in {root} is not the group's {group}; so that it is: "
                "chgrp {group} {root} && chmod g+ws {root}",
                name=name,
                root=root,
                group=GROUP,
            )


def _disks_that_are_unclear(situation: Situation) -> Iterator[Sentence]:
    for name in situation.app.disks.unclear if situation.app else ():
        yield say(
            "disk {name}: its root in config/filesystems.php is not plain text; add it to FACE_DISK_ROOTS in {file}",
            name=name,
            file=situation.places.env_file,
        )


def _no_disk(situation: Situation) -> Iterator[Sentence]:
    """Where the app is known, its disks are spoken of one by one."""
    settings = situation.settings
    if situation.app is None and settings.requires_pictures and not settings.disks:
        yield say(
            "FACE_DISK_ROOTS names no disk: photos that come with their place in an app (original_path) are refused "
            "until it does, in {file}",
            file=situation.places.env_file,
        )
