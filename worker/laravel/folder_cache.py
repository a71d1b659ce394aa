"""Values in a folder of ours, where the app's cache is none that we can share: for marks that outlive a process."""

from __future__ import annotations

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faces.errors import CacheUnavailable, SettingsError
from faces.system import atomic_file

#: The file whose lock the writers take.
_GUARD = "guard"


class FolderCache:
    """`Values` as files: the end in Unix time on the first line, the value after it. Processes may share the folder."""

    transactional = None

    def __init__(self, folder: Path) -> None:
        """Make the folder.

        Raises:
            SettingsError: it cannot be made or written.
        """
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._remove_old()
            (folder / _GUARD).touch()
        except OSError as error:
            raise SettingsError(f"FACE_STATE_DIR: {folder} cannot be written: {error.strerror}") from error

    def get(self, key: str) -> bytes | None:
        with self._translated():
            found = _read(self._file(key))
        return found[1] if found else None

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        with self._translated(), self._guarded():
            if _read(self._file(key)):
                return False
            self._write(key, value, int(time.time()) + seconds)
        return True

    def put(self, key: str, value: bytes, seconds: int) -> None:
        with self._translated(), self._guarded():
            self._write(key, value, int(time.time()) + seconds)

    def forget(self, key: str) -> None:
        with self._translated(), self._guarded():
            self._file(key).unlink(missing_ok=True)

    def forget_this(self, key: str, value: bytes) -> None:
        with self._translated(), self._guarded():
            found = _read(self._file(key))
            if found and found[1] == value:
                self._file(key).unlink(missing_ok=True)

    def increment(self, key: str, seconds: int) -> int:
        with self._translated(), self._guarded():
            end, value = _read(self._file(key)) or (int(time.time()) + seconds, b"i:0;")
            count = int(value[2:-1]) + 1
            self._write(key, b"i:%d;" % count, end)
        return count

    def drop_idle(self) -> None:
        """There is no connection."""

    def close(self) -> None:
        """There is nothing to close."""

    def _write(self, key: str, value: bytes, end: int) -> None:
        atomic_file.replace(self._file(key), b"%d\n%b" % (end, value))

    def _file(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()

    def _remove_old(self) -> None:
        for file in self._folder.iterdir():
            if file.name != _GUARD and not file.suffix and _read(file) is None:
                file.unlink(missing_ok=True)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """One writer at a time, of all processes: a draft file, and a count read and written, belong to one."""
        with (self._folder / _GUARD).open("ab") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CacheUnavailable(f"our own folder {self._folder} cannot be used: {error.strerror}") from error


def _read(file: Path) -> tuple[int, bytes] | None:
    """The end and the value; None where there is none, it is over, or it is no file of ours."""
    try:
        end, _, value = file.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    return (int(end), value) if end.isdigit() and int(end) > time.time() else None
