"""Files, folders and links of root or of the service's user."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from faces.system import atomic_file
from installer.changes.change import Work
from installer.record import Footprint
from installer.sentence import Refusal, Sentence, say


@dataclass(frozen=True, slots=True)
class Owner:
    """Names of a user and a group."""

    user: str = "root"
    group: str = "root"

    def ids(self) -> tuple[int, int]:
        """Their numbers; the group may be made by an earlier change."""
        return pwd.getpwnam(self.user).pw_uid, grp.getgrnam(self.group).gr_gid

    def has(self, path: Path) -> bool:
        """Whether the path is theirs."""
        status = path.lstat()
        try:
            return (status.st_uid, status.st_gid) == self.ids()
        except KeyError:
            return False


@dataclass(frozen=True, slots=True)
class PutFile:
    """A file of ours, whole or not at all; with `once` it is left alone when it is there."""

    path: Path
    content: bytes
    mode: int = 0o644
    owner: Owner = Owner()
    once: bool = False
    data: bool = False

    def describe(self) -> list[Sentence]:
        """Writing it, or only its rights."""
        if self._is_there():
            if self._has_rights():
                return []
            return [say("set {path} to {mode:04o} {user}:{group}", **self._rights())]
        return [say("write {path} ({mode:04o} {user}:{group})", **self._rights())]

    def do(self, work: Work) -> None:
        """Write it beside and rename it."""
        work.record.add(Footprint("file", str(self.path), self.data))
        if not self._is_there():
            atomic_file.replace_as(self.path, self.content, self.mode, self.owner.ids())
        elif not self._has_rights():
            os.chown(self.path, *self.owner.ids(), follow_symlinks=False)
            self.path.chmod(self.mode)

    def _is_there(self) -> bool:
        if self.path.is_symlink() or not self.path.is_file():
            return False
        return self.once or self.path.read_bytes() == self.content

    def _has_rights(self) -> bool:
        return stat.S_IMODE(self.path.stat().st_mode) == self.mode and self.owner.has(self.path)

    def _rights(self) -> dict[str, object]:
        return {"path": self.path, "mode": self.mode, "user": self.owner.user, "group": self.owner.group}


@dataclass(frozen=True, slots=True)
class MakeFolder:
    """A folder of ours with its rights; one that was there before stays when we are removed."""

    path: Path
    mode: int = 0o755
    owner: Owner = Owner()
    data: bool = False
    tree: bool = False
    """Everything in it is ours."""

    def describe(self) -> list[Sentence]:
        """Making it, or only its rights."""
        fields = {"path": self.path, "mode": self.mode, "user": self.owner.user, "group": self.owner.group}
        if not self.path.is_dir():
            return [say("make the folder {path} ({mode:04o} {user}:{group})", **fields)]
        if stat.S_IMODE(self.path.stat().st_mode) != self.mode or not self.owner.has(self.path):
            return [say("set {path} to {mode:04o} {user}:{group}", **fields)]
        return []

    def do(self, work: Work) -> None:
        """Make it and set its rights."""
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_dir()):
            raise Refusal(say("found that {path} is no folder, needed one", path=self.path))
        if not self.path.exists():
            work.record.add(Footprint("tree" if self.tree else "folder", str(self.path), self.data))
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)  # the record may lie in it
        os.chown(self.path, *self.owner.ids())
        self.path.chmod(self.mode)


@dataclass(frozen=True, slots=True)
class PutLink:
    """A link for people in a folder of the app, made as that folder's owner: root follows no path of another user."""

    path: Path
    target: Path

    def describe(self) -> list[Sentence]:
        """Making it."""
        if self.path.is_symlink() and self.path.readlink() == self.target:
            return []
        return [say("link {path} -> {target}", path=self.path, target=self.target)]

    def do(self, work: Work) -> None:
        """Make it; the checks saw that nothing else is there."""
        if not self.describe():
            return
        work.record.add(Footprint("link", str(self.path)))
        as_owner(self.path.parent, "mkdir", "-p", str(self.path.parent))
        how = "-sfn" if self.path.is_symlink() else "-sn"
        as_owner(self.path.parent, "ln", how, str(self.target), str(self.path))


def as_owner(folder: Path, *words: str) -> None:
    """Run a command as the owner of the folder, or of the first one above that is there.

    Raises:
        Refusal: it failed.
    """
    while not folder.is_dir():
        folder = folder.parent
    status = folder.stat()
    who = {"user": status.st_uid, "group": status.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    ended = subprocess.run([*words], capture_output=True, text=True, check=False, umask=0o002, cwd="/", **who)  # type: ignore[call-overload]
    if ended.returncode:
        raise Refusal(say("could not do: {words} ({why})", words=" ".join(words), why=ended.stderr.strip()))
