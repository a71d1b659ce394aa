"""Files that processes of one user share, and of which none believes more than it has checked: read, locked, summed up.

They are written by `atomic_file.replace_privately`. Which arrays are in them is their owners' matter.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: What a file says of itself is one page; arrays begin at a multiple of it, so that no page has something of two.
PAGE = 4096

#: Bytes that are read at a time to see whether they are whole.
_CHUNK = 1 << 20

#: The first bytes of the page that says what is in the file, and the CRC-32 of the rest: JSON and zeros.
_START = struct.Struct("<16sI")


def fingerprint(identity: str) -> str:
    """What a file of a library is named after: where its database is, which a name cannot be."""
    return hashlib.sha256(identity.encode()).hexdigest()


class UnusableFile(Exception):
    """Why a file is not read."""


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A file of this user, to be read; no link to one.

    Raises:
        OSError: it is not there, or cannot be opened.
        UnusableFile: it is another user's, or no file.
    """
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise UnusableFile(f"found a file of user {status.st_uid}, needed one of user {os.geteuid()}")
        yield file
    finally:
        os.close(file)


def lock(path: Path, *, wait: bool) -> int:
    """A file that holds the lock until it is closed, or the process ends; its folder is made.

    Raises:
        BlockingIOError: another has the lock, and it is not waited for.
        OSError: no lock can be had there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(file)
        raise
    return file


def page_of(magic: bytes, told: Mapping[str, Any]) -> bytes:
    """The page that says what is in a file."""
    text = json.dumps(told).encode().ljust(PAGE - _START.size, b"\0")
    return _START.pack(magic, zlib.crc32(text)) + text


def told_in(page: bytes, magic: bytes) -> dict[str, Any]:
    """What `page_of` was given.

    Raises:
        UnusableFile: it is no such page, or damaged.
    """
    if len(page) < PAGE or not page.startswith(magic):
        raise UnusableFile("it is no index, or cut off")
    text = page[_START.size :]
    if zlib.crc32(text) != _START.unpack_from(page)[1]:
        raise UnusableFile("its header is damaged")
    found: dict[str, Any] = json.loads(text.rstrip(b"\0"))
    return found


def checksum(file: int, place: int, size: int) -> int:
    """Of bytes that are read, not mapped: of a broken disk reading is an error, and what is mapped a process's end."""
    found = 0
    for start in range(0, size, _CHUNK):
        found = zlib.crc32(os.pread(file, min(_CHUNK, size - start), place + start), found)
    return found
