"""A throwaway MariaDB on a free loopback port, in a folder of its own; as root or as an ordinary user."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql

_START_SECONDS = 60
_numbers = itertools.count(1)


class MariaDB:
    """The server, installed by Debian's package `mariadb-server`. Root has no password; each test gets a database."""

    def __init__(self) -> None:
        # A short path: a socket's may have 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="mariadb-", dir="/tmp"))
        # A server that starts removes the temporary tables of those that share its folder for them.
        self._own_tables = f"--tmpdir={self._folder}"
        self.port = _free_port()
        self._log = self._folder / "log"
        # It is synced at each step of each CREATE TABLE, half of all the waiting for disks.
        self._steps = Path(tempfile.mkdtemp(prefix="mariadb-", dir="/dev/shm"))
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make the system tables."""
        command = [
            *("mariadb-install-db", "--no-defaults", f"--datadir={self._folder / 'data'}", "--skip-test-db"),
            *("--auth-root-authentication-method=normal", self._own_tables, *_as_root()),
        ]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True)
        except FileNotFoundError:
            raise RuntimeError("found no MariaDB, needed Debian's mariadb-server: script/test installs it") from None
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]

    @property
    def socket(self) -> Path:
        """Its Unix socket."""
        return self._folder / "socket"

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    def start(self, *options: str) -> None:
        """Start it, also after `kill`; options as on its command line."""
        command = [
            *("/usr/sbin/mariadbd", "--no-defaults", f"--datadir={self._folder / 'data'}", "--bind-address=127.0.0.1"),
            *(f"--socket={self._folder / 'socket'}", f"--port={self.port}", f"--pid-file={self._folder / 'pid'}"),
            *("--skip-name-resolve", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M"),
            *(self._own_tables, *_as_root()),
            # What is written outlives `kill`; that the machine stays on may be taken for granted.
            *("--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2", "--sync-frm=OFF"),
            *(f"--log-ddl-recovery={self._steps / 'ddl_recovery.log'}", "--character-set-server=utf8mb4"),
            "--performance-schema=OFF",
            *options,
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder, start_new_session=True)
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < end, self._log.read_text(errors="replace")[-3000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        for folder in (self._folder, self._steps):
            shutil.rmtree(folder, ignore_errors=True)

    def run(self, *statements: str, database: str | None = None) -> None:
        """Run statements as root."""
        with contextlib.closing(self._connect(database)) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def new_database(self, *statements: str) -> str:
        """A database of its own, with these statements run in it; returns its URL."""
        name = f"app{next(_numbers)}"
        self.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        self.run(*statements, database=name)
        return f"mysql+pymysql://root@127.0.0.1:{self.port}/{name}"

    def _connect(self, database: str | None) -> pymysql.Connection:  # type: ignore[type-arg]
        where = {"host": "127.0.0.1", "port": self.port, "user": "root", "database": database}
        # With TLS the driver would read the certificates of all authorities first: 20 ms of CPU.
        return pymysql.connect(**where, autocommit=True, ssl_disabled=True)

    def _answers(self) -> bool:
        try:
            self._connect(None).close()
        except pymysql.err.OperationalError:
            return False
        return True


@contextlib.contextmanager
def running_mariadb(*options: str) -> Iterator[MariaDB]:
    """A server for as long as the block; options as on its command line."""
    server = MariaDB()
    try:
        server.prepare()
        server.start(*options)
        yield server
    finally:
        server.close()


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
