"""Where uploads lie while they are needed: in memory up to a bound, beyond it in the temporary folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import BinaryIO, cast

from starlette.concurrency import run_in_threadpool

from face_api.http.errors import UploadNotKept
from face_api.http.temporary_folder import TemporaryFolder, write_all


class Uploads:
    """The uploads of one process, and how much memory is left for them all together. For its event loop only."""

    def __init__(self, most_bytes: int, folder: TemporaryFolder) -> None:
        """At most `most_bytes` lie in memory."""
        self._left, self.folder = most_bytes, folder

    def open(self) -> Upload:
        """A new, empty upload.

        Raises:
            UploadNotKept: not even an empty file can be opened.
        """
        return Upload(self)

    def take(self, size: int) -> bool:
        """Take so much of the bound, if it is there."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """An upload has left the memory."""
        self._left += size


class Upload:
    """A file without a name, which engines of other processes can map. It moves to the folder when it does not fit."""

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

    def fileno(self) -> int:
        """The open file's number. Whoever maps it seals it before: see `seal`."""
        return self._file.fileno()

    def reader(self) -> BinaryIO:
        """The whole upload, from its start; the caller closes it."""
        reader = os.fdopen(os.dup(self._file.fileno()), "rb")
        reader.seek(0)
        return reader

    def close(self) -> None:
        """Let it go. Doing it twice does nothing.

        Of memory at once, also while its number waits in the queue of an engine, unless one has it in hand.
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
            write_all(self._file, data)
        except OSError:  # the machine's memory, or a limit of this process
            return False
        return True

    def _write_to_folder(self, data: bytes) -> None:
        """Runs in a thread: a disk may be slow."""
        try:
            if self._in_memory:
                self._move()
            write_all(self._file, data)
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
    """Keep an upload's file as long as it is: cut under a mapping, it would end the process that reads it."""
    with contextlib.suppress(OSError):  # one in the temporary folder has no seals, and is never cut
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)


def _memory_file() -> BinaryIO:
    number = os.memfd_create("face-api-upload", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    return cast(BinaryIO, os.fdopen(number, "w+b", buffering=0))
