"""A TCP proxy that spoils connections as networks do: cuts them, swallows all bytes, or lets them through late."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

#: Seconds between two looks whether a hole has ended.
_LOOK_SECONDS = 0.05

#: Have the kernel answer "reset" when such a socket is closed.
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Stands before a server on a loopback port."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = _listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._through = threading.Event()
        self._through.set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._left: int | None = None
        self.delay = 0.0
        """Seconds that every piece of data waits."""
        self.accepted = 0
        """Connections so far."""
        self.sent = bytearray()
        """What clients sent, all connections together."""
        self._start()

    def cut(self) -> None:
        """Reset all connections; new ones are refused until `heal`."""
        self._stop_listening()
        self.reset()

    def reset(self) -> None:
        """Reset all connections; new ones are welcome."""
        with self._lock:
            ending, self._open = self._open, set()
        for one in ending:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                # Wakes the thread that reads from it; closing alone does not.
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def swallow(self) -> None:
        """Be a black hole: connections stay open, no byte gets through, either way, until `heal`."""
        self._through.clear()

    def heal(self) -> None:
        """Be a good network again; what was swallowed arrives now."""
        self._through.set()
        if self._listener.fileno() < 0:
            self._listener = _listen(self.port)
            self._start()

    def lead_to(self, port: int) -> None:
        """Lead new connections to another server, as a name does after a failover; those that are there stay."""
        self._to = port

    def break_after(self, answered: int) -> None:
        """Reset all connections as soon as so many more bytes of answers came through; new ones are welcome."""
        self._left = answered

    def close(self) -> None:
        """End all."""
        self._ended.set()
        self._through.set()
        self._stop_listening()
        self.reset()

    def _start(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                server = socket.create_connection(("127.0.0.1", self._to), 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._lock:
                self._open |= {client, server}
            threading.Thread(target=self._pump, args=(client, server, self.sent), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, None), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, record: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while not self._through.wait(_LOOK_SECONDS):
                    pass
                self._ended.wait(self.delay)
                if record is not None:
                    record += data
                elif self._left is not None:
                    data, self._left = data[: self._left], self._left - len(data)
                target.sendall(data)
                if self._left is not None and self._left <= 0:
                    self._left = None
                    self.reset()
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._open.discard(one)
            one.close()


@contextlib.contextmanager
def running_proxy(port: int) -> Iterator[Proxy]:
    """A proxy to a loopback port for as long as the block."""
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    return listener
