"""The folder for what does not fit into memory: TMPDIR. It may be full, read-only or gone; it is tried, not trusted."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, cast

from starlette.concurrency import run_in_threadpool

#: Seconds for which the outcome of a probe is taken for the folder's state.
_FRESH = 1.0

#: What a probe writes: more than a file system keeps beside a file's name.
_PROBE = b"\xa5" * 64 * 1024


class TemporaryFolder:
    """Files without a name: nothing stays behind, however a process ends."""

    def __init__(self, path: Path) -> None:
        """Nothing is tried yet."""
        self.path = path
        self._probed_at, self._reason = float("-inf"), ""
        self._probing = asyncio.Lock()

    @classmethod
    def of_environment(cls) -> TemporaryFolder:
        """TMPDIR as it is set, even where it takes nothing at the moment; without it, Python's choice."""
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

    async def why_not(self) -> str:
        """Why nothing can be written there now, as one sentence; empty when a probe of 64 KB was taken."""
        async with self._probing:
            if time.monotonic() - self._probed_at > _FRESH:
                self._reason = await run_in_threadpool(self._probe)
                self._probed_at = time.monotonic()
        return self._reason

    def _probe(self) -> str:
        try:
            with self.open() as file:
                write_all(file, _PROBE)
        except OSError as error:
            return f"the temporary folder {self.path} (TMPDIR) takes no file: {error.strerror}"
        return ""


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write to a file without a buffer, which may take a part at a time.

    Raises:
        OSError: it does not take all.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
