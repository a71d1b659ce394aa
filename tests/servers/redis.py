"""A throwaway Redis on a free loopback port, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_START_SECONDS = 30


class Redis:
    """The server, installed by Debian's package `redis-server`. It keeps what it answered, also over `kill`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="redis-", dir="/tmp"))
        self.port = _free_port()
        self._log = self._folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start it, also after `kill`; options as on its command line."""
        command = [
            *("redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "yes", "--appendfsync", "always", *options),
        ]
        with self._log.open("ab") as log:
            try:
                self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            except FileNotFoundError:
                raise RuntimeError("found no Redis, needed Debian's redis-server: script/test installs it") from None
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < end, self._log.read_text(errors="replace")[-3000:]
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def command(self, *words: str | int, database: int = 0) -> str:
        """What it answers to a command, as redis-cli prints it."""
        told = ["redis-cli", "-p", str(self.port), "-n", str(database), *map(str, words)]
        return subprocess.run(told, check=True, capture_output=True, text=True).stdout.removesuffix("\n")

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7)[:1] in {b"+", b"-"}
        except OSError:
            return False


@contextlib.contextmanager
def running_redis(*options: str) -> Iterator[Redis]:
    """A server for as long as the block; options as on its command line."""
    server = Redis()
    try:
        server.start(*options)
        yield server
    finally:
        server.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
