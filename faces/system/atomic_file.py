"""The one way to write a file whole or not at all, also when the writer is killed half-way."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one step: a reader sees the old file or the new one. Rights as the umask says.

    Quick rather than durable: a power cut may leave either. One writer a process at a time.
    """
    replace_by(path, [data])


def replace_by(path: Path, pieces: Iterable[bytes]) -> None:
    """The same with data that comes in pieces; where they end in an error, the old file stays."""
    _replace(f"{path}.{os.getpid()}.tmp", str(path), pieces, os.O_TRUNC)


def replace_privately(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """The same for this user alone, following no link. One writer of all processes at a time.

    What a kill leaves half-written is at `beside` the path, and the next write removes it.
    """
    beside(path).unlink(missing_ok=True)
    _replace(str(beside(path)), str(path), pieces, os.O_EXCL | os.O_NOFOLLOW, mode=0o600)


def replace_within(directory: int, name: str, data: bytes, prefix: str) -> None:
    """The same in an open directory, following no link, and on the disk before it has its name.

    What a kill leaves half-written begins with `prefix`.
    """
    _replace(f"{prefix}{secrets.token_hex(8)}", name, [data], os.O_EXCL | os.O_NOFOLLOW, directory)


def replace_as(path: Path, data: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """The same with these rights and, as root, this owner before it has its name; on the disk, also after a power cut.

    What a kill leaves half-written is at `beside` the path, and the next write removes it.

    Raises:
        OSError: it cannot be written; the error names `path`, which a full disk does not.
    """
    unfinished = beside(path)
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    unfinished.rename(path)


def beside(path: Path) -> Path:
    """Where `replace_as` writes a file before it takes its place."""
    return path.with_name(f".{path.name}.new")


def _replace(
    draft: str,
    name: str,
    pieces: Iterable[bytes | memoryview],
    flags: int,
    directory: int | None = None,
    mode: int = 0o666,
) -> None:
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | flags, mode, dir_fd=directory)
        with os.fdopen(handle, "wb") as file:
            file.writelines(pieces)
            if directory is not None:
                file.flush()
                # A full disk may say so only now, and the row will name this file for good.
                os.fsync(file.fileno())
        os.rename(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft, dir_fd=directory)
        raise
