"""Who may read and write what on this machine: the kernel is asked, as that user."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from installer.install_paths import GROUP, USER


def ids(user: str = USER, group: str = GROUP) -> tuple[int, int]:
    """Numbers of the service's user and group.

    Raises:
        KeyError: one of them does not exist.
    """
    return pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid


def can(user: str, path: Path, mode: int) -> bool:
    """Whether that user, with the groups that it has and will have, may do `mode` (os.R_OK …) to the path."""
    entry, groups = pwd.getpwnam(user), _groups(user)
    if os.geteuid() != 0:
        return _by_rights(entry.pw_uid, groups, path, mode)
    word = {os.R_OK: "-r", os.W_OK: "-w", os.X_OK: "-x"}[mode]
    return _as(user, "test", word, str(path)).returncode == 0


def why_not_written(user: str, file: Path, content: bytes) -> str | None:
    """Write a new file as that user, to the disk itself, and remove it; why that failed, None where it did not."""
    written = _as(user, "dd", f"of={file}", "conv=excl,fsync", "status=none", content=content)
    removed = _as(user, "rm", "-f", "--", str(file))
    failed = written if written.returncode else removed
    # "dd: failed to open '…': Permission denied"
    return failed.stderr.decode(errors="replace").strip().rpartition(": ")[2] if failed.returncode else None


def _as(user: str, *words: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command as that user, with the groups that it has and will have; as ourselves where we are not root."""
    entry = pwd.getpwnam(user)
    who: dict[str, Any] = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": sorted(_groups(user))}
    return subprocess.run(
        words,
        check=False,
        capture_output=True,
        input=content,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        cwd="/",
        **(who if os.geteuid() == 0 else {}),
    )


def _groups(user: str) -> set[int]:
    """Those that it has, and the one that it will be in."""
    ours = {group.gr_gid for group in grp.getgrall() if group.gr_name == GROUP}
    return ours | set(os.getgrouplist(user, pwd.getpwnam(user).pw_gid))


def exists(user: str) -> bool:
    """Whether there is such a user."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _by_rights(uid: int, groups: set[int], path: Path, mode: int) -> bool:
    """By the rights alone, for a run that may not become that user, and changes nothing."""

    def allows(place: Path, wanted: int) -> bool:
        status = place.stat()
        shift = 6 if status.st_uid == uid else 3 if status.st_gid in groups else 0
        return status.st_mode >> shift & wanted == wanted

    try:
        real = path.resolve(strict=True)
        return all(allows(place, os.X_OK) for place in real.parents) and allows(real, mode)
    except OSError:
        return False


def hands_on(folder: Path, group: str) -> bool:
    """Whether what is made in the folder belongs to the group, which may write it."""
    status = folder.stat()
    wanted = stat.S_ISGID | stat.S_IWGRP
    return _group_name(status.st_gid) == group and status.st_mode & wanted == wanted


def writable_on_the_way(user: str, folder: Path, names: Iterable[str]) -> Path | None:
    """The first place that the user may change: a folder on the way to `folder`, or below these names in it."""
    for place in [folder, *folder.parents]:
        if can(user, place, os.W_OK) and not place.stat().st_mode & stat.S_ISVTX:
            return place
    uid, groups = pwd.getpwnam(user).pw_uid, _groups(user)
    for place in _below(folder, names):
        status = place.lstat()
        shift = 6 if status.st_uid == uid else 3 if status.st_gid in groups else 0
        if not place.is_symlink() and status.st_mode >> shift & os.W_OK:
            return place
    return None


def _below(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        if (folder / name).exists():
            yield folder / name
        for place, folders, files in os.walk(folder / name):
            yield from (Path(place, entry) for entry in (*folders, *files))


def stranger_on_the_way(path: Path) -> tuple[Path, str] | None:
    """The first folder on the way to `path`, or itself, that others than root may change; and who they are."""
    for place in [*reversed(path.resolve().parents), path.resolve()]:
        if not place.exists():
            return None
        status = place.stat()
        if status.st_uid != 0:
            return place, _user_name(status.st_uid)
        if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
            return place, "everybody"
        if status.st_mode & stat.S_IWGRP and _has_members(status.st_gid):
            return place, f"group {_group_name(status.st_gid)}"
    return None


def _has_members(gid: int) -> bool:
    """Whether a user but root is in it: Debian's staff, which may write /usr/local on old machines, is often empty."""
    named = [group.gr_mem for group in grp.getgrall() if group.gr_gid == gid]
    first = [entry.pw_name for entry in pwd.getpwall() if entry.pw_gid == gid]
    return bool({name for names in [*named, first] for name in names} - {"root"})


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
