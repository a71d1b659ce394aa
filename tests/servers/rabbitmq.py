"""A throwaway RabbitMQ on free loopback ports, in a folder of its own; as root or as an ordinary user."""

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
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

# Debian's wrapper in /usr/sbin wants root or an account of its own.
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")

_START_SECONDS = 90
_STOP_SECONDS = 60
_SETTINGS = """
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 1GB
"""
_QUIET = "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
_numbers = itertools.count(1)


class RabbitMQ:
    """The server, from Debian's package `rabbitmq-server`. Its user is guest:guest; tests share it by queue names."""

    def __init__(self, settings: str = "") -> None:
        """`settings` are further lines of rabbitmq.conf."""
        self._folder = Path(tempfile.mkdtemp(prefix="rabbitmq-", dir="/tmp"))
        self.port, self._node_port, self._names_port = free_port(), free_port(), free_port()
        self._log = self._folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self._names: subprocess.Popen[bytes] | None = None
        lines = f"listeners.tcp.1 = 127.0.0.1:{self.port}\n{_SETTINGS}{settings}\n"
        (self._folder / "rabbitmq.conf").write_text(lines, encoding="utf-8")
        (self._folder / "plugins").write_text("[].\n", encoding="utf-8")
        (self._folder / "home").mkdir()

    @property
    def node(self) -> str:
        """Its name among Erlang's nodes."""
        return f"test{self.port}@localhost"

    def start(self) -> None:
        """Start it, also after `stop` or `kill`."""
        program = _PROGRAMS / "rabbitmq-server"
        if not program.exists():
            raise RuntimeError("found no RabbitMQ, needed Debian's rabbitmq-server: script/test installs it")
        self._start_names()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program], env=self._environment(), stdout=log, stderr=log, cwd=self._folder, start_new_session=True
            )
        end = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)

    def stop(self) -> None:
        """End it as an administrator does: it tells its clients."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(_STOP_SECONDS)

    def kill(self, when: Callable[[], None] = lambda: None) -> None:
        """End it as a crash does, of which it forgets no queue: it writes down late which ones it has.

        `when` returns at the moment; no queue may be declared while it waits.
        """
        self.control("eval", "mnesia:sync_log().")
        when()
        self._kill()

    def _kill(self) -> None:
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """Leave nothing behind."""
        self._kill()
        if self._names:
            self._names.kill()
            self._names.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self) -> str:
        """The end of what it said."""
        return self._log.read_text(errors="replace")[-3000:]

    def control(self, *words: str) -> str:
        """What `rabbitmqctl` says; it takes seconds."""
        command = [_PROGRAMS / "rabbitmqctl", "-q", "-n", self.node, *words]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def raise_memory_alarm(self) -> None:
        """From now on no client's publishes are read, until `end_memory_alarm`."""
        self.control("set_vm_memory_high_watermark", "absolute", "1MB")

    def end_memory_alarm(self) -> None:
        """Have memory again."""
        self.control("set_vm_memory_high_watermark", "absolute", "1GB")

    def connect(self) -> pika.BlockingConnection:
        """A plain connection for a test's own use."""
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port))

    @contextlib.contextmanager
    def channel(self) -> Iterator[BlockingChannel]:
        """A channel of such a connection, with publisher confirms."""
        with contextlib.closing(self.connect()) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel

    def new_queue(self, arguments: Mapping[str, Any] | None = None, name: str | None = None) -> str:
        """Declare a durable queue as Laravel's publisher does; one of its own for each test without `name`."""
        name = name or self.new_name()
        with self.channel() as channel:
            channel.queue_declare(name, durable=True, arguments=dict(arguments or {}))
        return name

    def new_name(self) -> str:
        """A name that no other test has."""
        return f"faces{next(_numbers)}"

    def depth(self, queue: str) -> int | None:
        """Messages that wait in the queue; None where there is no such queue."""
        with self.channel() as channel:
            try:
                found: int = channel.queue_declare(queue, passive=True).method.message_count
            except pika.exceptions.ChannelClosedByBroker as closed:
                assert closed.reply_code == 404, closed
                return None
            return found

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            **os.environ,
            "HOME": f"{folder}/home",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/logs",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _QUIET,
        }

    def _start_names(self) -> None:
        """Start Erlang's name server, which outlives the node where the node starts it itself."""
        if self._names:
            return
        command = ["epmd", "-port", str(self._names_port), "-address", "127.0.0.1"]
        with self._log.open("ab") as log:
            self._names = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        end = time.monotonic() + _START_SECONDS
        while not _listens(self._names_port):
            assert time.monotonic() < end, self.log()
            time.sleep(0.01)

    def _answers(self) -> bool:
        """Whether it speaks AMQP: the answer to the protocol's name is connection.start."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                probe.settimeout(5)
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return probe.recv(11)[7:] == b"\x00\x0a\x00\x0a"
        except OSError:
            return False


@contextlib.contextmanager
def running_rabbitmq(settings: str = "") -> Iterator[RabbitMQ]:
    """A server for as long as the block."""
    server = RabbitMQ(settings)
    try:
        server.start()
        yield server
    finally:
        server.close()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A loopback port that no process listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
