"""Where uploads lie while they are needed: in memory up to a bound, beyond it in the temporary folder (TMPDIR)."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, cast

from starlette.concurrency import run_in_threadpool

from faces.http.errors import UploadNotKept

#: Seconds for which the outcome of a probe is taken for the folder's state.
_FRESH = 1.0

#: What a probe writes: more than a file system keeps beside a file's name.
_PROBE = b"\xa5" * 64 * 1024


class Uploads:
    """The uploads of one process, and how much memory is left for them all together. For its event loop only."""

    def __init__(self, most_bytes: int, folder: TemporaryFolder) -> None:
        """At most `most_bytes` (FACE_API_UPLOAD_MB) lie in memory."""
        self._left, self.folder = most_bytes, folder

    def open(self) -> Upload:
        """A new, empty upload.

        Raises:
            UploadNotKept: not even an empty file can be opened.
        """
        return Upload(self)

    def take(self, size: int) -> bool:
        """Take so many bytes of the bound; False when they are not left."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """So many bytes have left the memory."""
        self._left += size


class Upload:
    """A file without a name, which engines of other processes can map. It moves to the folder when memory is full."""

    def __init__(self, uploads: Uploads) -> None:
        """Open it.

        Raises:
            UploadNotKept: as `Uploads.open`.
        """
        self._uploads = uploads
        self._size, self._taken = 0, 0
        try:
            self._file, self._in_memory = _memory_file(), True
        except OSError:
            self._file, self._in_memory = self._folder_file(), False

    async def write(self, data: bytes) -> None:
        """Add a piece.

        Raises:
            UploadNotKept: there is room neither in memory nor in the temporary folder.
        """
        if not (self._in_memory and self._write_to_memory(data)):
            await run_in_threadpool(self._write_to_folder, data)
        if not self._in_memory:
            self._give_back()
        self._size += len(data)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    def fileno(self) -> int:
        """The open file's descriptor. A process that maps it seals it first: see `seal`."""
        return self._file.fileno()

    def reader(self) -> BinaryIO:
        """The whole upload, from its start; the caller closes it."""
        reader = os.fdopen(os.dup(self._file.fileno()), "rb")
        reader.seek(0)
        return reader

    def close(self) -> None:
        """Free it. Doing it twice does nothing.

        Memory is free at once, also while the descriptor waits in the photo queue, unless an engine has it in hand.
        """
        if self._file.closed:
            return
        if self._in_memory:
            with contextlib.suppress(OSError):  # sealed
                os.ftruncate(self._file.fileno(), 0)
        self._file.close()
        self._give_back()

    def _write_to_memory(self, data: bytes) -> bool:
        if not self._uploads.take(len(data)):
            return False
        self._taken += len(data)
        try:
            _write_all(self._file, data)
        except OSError:  # the machine's memory, or a limit of this process
            return False
        return True

    def _write_to_folder(self, data: bytes) -> None:
        """Runs in a thread: a disk may be slow."""
        try:
            if self._in_memory:
                self._move()
            _write_all(self._file, data)
        except OSError as error:
            raise self._not_kept(error) from error

    def _move(self) -> None:
        moved = self._folder_file()
        try:
            at = 0
            while at < self._size:
                at += os.sendfile(moved.fileno(), self._file.fileno(), at, self._size - at)
        except OSError:
            moved.close()
            raise
        self._file.close()
        self._file, self._in_memory = moved, False

    def _folder_file(self) -> BinaryIO:
        try:
            return self._uploads.folder.open()
        except OSError as error:
            raise self._not_kept(error) from error

    def _not_kept(self, error: OSError) -> UploadNotKept:
        return UploadNotKept(
            f"the upload fits neither into the memory for uploads (FACE_API_UPLOAD_MB) nor into the temporary folder "
            f"{self._uploads.folder.path} (TMPDIR): {error.strerror}"
        )

    def _give_back(self) -> None:
        self._uploads.give_back(self._taken)
        self._taken = 0


def seal(file: int) -> None:
    """Forbid to shrink an upload's file: cut under a mapping, it would end the process that reads it."""
    with contextlib.suppress(OSError):  # a file in the temporary folder has no seals, and is never cut
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)


class TemporaryFolder:
    """TMPDIR, for uploads that do not fit into memory. It may be full, read-only or missing: each use tries it anew.

    Its files have no name, so nothing stays behind, however a process ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._probed_at, self._reason = float("-inf"), ""
        self._probing = asyncio.Lock()

    @classmethod
    def of_environment(cls) -> TemporaryFolder:
        """TMPDIR as it is set, even where no file can be written now; without it, Python's choice."""
        if path := os.environ.get("TMPDIR"):
            return cls(Path(path).absolute())
        try:
            return cls(Path(tempfile.gettempdir()))
        except FileNotFoundError:  # none of the usual ones takes a file now
            return cls(Path("/tmp"))  # noqa: S108  no file there has a name

    def open(self) -> BinaryIO:
        """A new file without a buffer.

        Raises:
            OSError: the folder takes none.
        """
        return cast(BinaryIO, tempfile.TemporaryFile(dir=self.path, buffering=0))

    async def why_unwritable(self) -> str:
        """Why no file can be written there now, as one sentence; empty when a probe of 64 KB was written."""
        async with self._probing:
            if time.monotonic() - self._probed_at > _FRESH:
                self._reason = await run_in_threadpool(self._probe)
                self._probed_at = time.monotonic()
        return self._reason

    def _probe(self) -> str:
        try:
            with self.open() as file:
                _write_all(file, _PROBE)
        except OSError as error:
            return f"the temporary folder {self.path} (TMPDIR) takes no file: {error.strerror}"
        return ""


def _memory_file() -> BinaryIO:
    number = os.memfd_create("face-api-upload", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    return cast(BinaryIO, os.fdopen(number, "w+b", buffering=0))


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write to a file without a buffer, which may take a part at a time.

    Raises:
        OSError: it does not take all.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
