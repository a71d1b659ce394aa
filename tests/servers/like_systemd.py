"""What systemd does for a service, as far as the service can see it: holds its sockets, receives its notifications."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

#: The shell's own number becomes the program's.
_EXEC = 'LISTEN_PID=$$ exec "$@" 3<&"$HELD"'


class LikeSystemd:
    """One started service, its sockets and its words."""

    def __init__(self, folder: Path, watchdog_seconds: float | None = None) -> None:
        self._place = folder / "notify"
        self._watchdog = watchdog_seconds
        self._ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ears.bind(str(self._place))
        self._log = folder / "log"
        self.held = socket.socket()
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind(("127.0.0.1", 0))
        self.held.listen(100)
        self.address = f"127.0.0.1:{self.held.getsockname()[1]}"
        self.services: list[subprocess.Popen[bytes]] = []

    @property
    def variables(self) -> dict[str, str]:
        """What tells a program where we listen, and how patient we are."""
        patience = {"WATCHDOG_USEC": str(int(self._watchdog * 1_000_000))} if self._watchdog else {}
        return {"NOTIFY_SOCKET": str(self._place)} | patience

    def start(self, words: Sequence[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start the service with the held socket."""
        environment = environment | self.variables | {"LISTEN_FDS": "1", "HELD": str(self.held.fileno())}
        with self._log.open("ab") as log:
            service = subprocess.Popen(
                ["bash", "-c", _EXEC, "-", *words],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                pass_fds=[self.held.fileno()],
            )
        self.services.append(service)
        return service

    def hear(self, seconds: float = 60) -> str:
        """The next word, waited for so long; empty when none comes."""
        self._ears.settimeout(seconds)
        try:
            return self._ears.recv(1000).decode()
        except TimeoutError:
            return ""

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def state(self) -> str:
        """How each service is, where in the kernel it waits, and the log of all: for a test that fails."""
        return "\n".join([*map(_state_of, self.services), self.log()])

    def close(self) -> None:
        for service in self.services:
            service.kill()
            service.wait()
        self._ears.close()
        self.held.close()


def _state_of(service: subprocess.Popen[bytes]) -> str:
    if service.poll() is not None:
        return f"process {service.pid} ended with {service.returncode}"
    folder = Path("/proc", str(service.pid))
    words = (folder / "stat").read_text().rpartition(")")[2].split()
    children = (folder / f"task/{service.pid}/children").read_text().split()
    where = (folder / "wchan").read_text()
    return f"process {service.pid} is {words[0]} in {where}, with the children {', '.join(children)}"
