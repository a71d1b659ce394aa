"""Where an image's file lies: Laravel's disk, path and filename -> a real path that never leaves the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from faces.errors import FileMissing, OutsideDisks


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image's file, which was there a moment ago. `Disks.file` makes it, to read, to draw beside or to delete."""

    real: Path
    """What to read; on a disk it lies below the root, and no link is in it."""
    named: Path
    """The same place as its row and the app name it, links and all: debug pictures belong beside it."""
    on_disk: bool
    """False for a file that `scan` found: it is on none of the app's disks, so nothing is drawn beside it."""


@dataclass(frozen=True, slots=True)
class DebugDirectory:
    """Where a debug picture belongs: `path` (no link in it, below a root), or None and the `reason` for a person.

    Without any disk there is neither.
    """

    path: Path | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Disks:
    """Laravel's disks by name, each with the absolute path of its root.

    Nothing of a request or a row becomes a path except through it. Threads may share it.
    """

    roots: Mapping[str, Path]

    @classmethod
    def of(cls, roots: Mapping[str, Path]) -> Disks:
        """The disks that `Settings.disk_roots` names."""
        return cls(dict(roots))

    def file(self, disk: str | None, path: str | None, filename: str, *, scanned: bool = False) -> ImageFile:
        """The file of an image, by the three columns of its row; `path` None or empty is the disk's root.

        `scanned`: a row without a disk is one that `scan` made, and names a file anywhere on this machine. Not so in
        the app's database, where such a row could name any file of the server.

        Raises:
            OutsideDisks: no such disk, or the file (or what a link leads to) is not on it.
            FileMissing: there is no such file.
        """
        if scanned and disk is None:
            return _scanned_file(scanned_path(path, filename))
        if disk is None or disk not in self.roots:
            known = ", ".join(sorted(self.roots)) or "none"
            raise OutsideDisks(f"found the disk {disk!r}, need one of FACE_DISK_ROOTS (there: {known})")
        root = self.roots[disk]
        named = root.joinpath(*_parts(path or "", "path"), *_parts(filename, "filename"))
        try:
            real = named.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise FileMissing(f"there is no file {named}: {_why(error)}") from error
        if not real.is_relative_to(root.resolve()):
            raise OutsideDisks(f"{named} leads to {real}, which is not on the disk {disk!r}")
        if not real.is_file():
            raise FileMissing(f"{named} is not a file")
        return ImageFile(real, named, on_disk=True)

    def debug_directory(
        self, original_path: str, original_disk: str | None = None, subdir: str = "debug"
    ) -> DebugDirectory:
        """Where the debug picture of an original belongs: `<directory of original_path>/<subdir>`.

        An absolute `original_path` stands for itself. A relative one lies below `original_disk`: the name of a disk,
        or a root itself. The directory need not exist yet; it does not lie below a link that leads elsewhere.

        Raises:
            OutsideDisks: a NUL or a `..` in one of the three.
        """
        directory = _parts(original_path, "original_path")[:-1]
        below = _below(subdir)
        disk = _parts(original_disk or "", "original_disk")
        if not self.roots:
            return DebugDirectory(None, None)
        if not below:
            return DebugDirectory(None, f"no debug picture: image_debug_subdir is {subdir!r}, need a directory's name")
        start = self._start(original_path, original_disk or "", disk)
        if start is None:
            return DebugDirectory(
                None, f"no debug picture: {original_path!r} is relative, and {original_disk!r} is no disk"
            )
        return self._allowed(start.joinpath(*directory, *below))

    def _start(self, original_path: str, original_disk: str, disk: list[str]) -> Path | None:
        if original_path.startswith("/"):
            return Path("/")
        if original_disk in self.roots:
            return self.roots[original_disk]
        return Path("/").joinpath(*disk) if original_disk.startswith("/") else None

    def _allowed(self, directory: Path) -> DebugDirectory:
        """The directory with its links followed, if that lies below a root that is there."""
        try:
            real = directory.resolve()
            roots = [root.resolve(strict=True) for root in self.roots.values() if root.is_dir()]
        except (OSError, RuntimeError) as error:
            return DebugDirectory(None, f"no debug picture: {directory} cannot be used ({_why(error)})")
        if not any(real.is_relative_to(root) for root in roots):
            return DebugDirectory(None, f"no debug picture: {directory} is not below a root of FACE_DISK_ROOTS")
        return DebugDirectory(real, None)


def scanned_path(path: str | None, filename: str) -> Path:
    """The path of a file that `scan` found, as its row has it; whether it is there is another question."""
    return Path(path or "/", filename)


def place_of(disk: str | None, path: str | None, filename: str) -> str:
    """An image's file as a person knows it: the path, on a disk with the disk's name in front."""
    within = str(Path(path or "", filename))
    return within if disk is None else f"{disk}:{within.lstrip('/')}"


def _scanned_file(file: Path) -> ImageFile:
    try:
        is_there = file.is_file()
    except OSError as error:
        raise FileMissing(f"there is no file {file}: {_why(error)}") from error
    if not is_there:
        raise FileMissing(f"there is no file {file}")
    return ImageFile(file, file, on_disk=False)


def _below(subdir: str) -> list[str]:
    """The names of the folders that lead from an original to its debug picture; none if it is no relative path.

    Raises:
        OutsideDisks: a NUL or a `..` among them.
    """
    parts = _parts(subdir, "image_debug_subdir")
    return [] if subdir.startswith("/") else parts


def _parts(text: str, field: str) -> list[str]:
    """The names in a path, without empty ones and `.`.

    Raises:
        OutsideDisks: a NUL or a `..` among them.
    """
    if "\0" in text:
        raise OutsideDisks(f"{field} has a NUL character in it")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise OutsideDisks(f"{field} is {text!r}, need a path without '..'")
    return parts


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
