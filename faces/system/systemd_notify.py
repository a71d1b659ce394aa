"""Telling systemd the state of this process (sd_notify): one datagram each time; nothing where it did not start us."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass

#: What systemd puts into the environment of a program; the program's own children must not find it there.
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@dataclass(frozen=True, slots=True)
class SystemdNotifier:
    """The way to the systemd that started us. Made once a process by `take`; any thread may call `notify`."""

    place: str | None
    """The socket it listens on, `@` for the NUL of an abstract name; None where it did not start us."""
    watchdog_seconds: float | None
    """It ends us when it hears no `WATCHDOG=1` for so long; None: never."""

    @classmethod
    def take(cls, environment: MutableMapping[str, str] = os.environ) -> SystemdNotifier:
        """Read the variables and remove them, so that our own children do not notify in our name."""
        place, microseconds, pid = (environment.pop(name, "") for name in _VARIABLES)
        ours = microseconds.isdecimal() and pid in {"", str(os.getpid())}
        return cls(place or None, int(microseconds) / 1_000_000 if ours else None)

    def notify(self, state: str) -> None:
        """Say `READY=1`, `WATCHDOG=1`, `STATUS=…` or `STOPPING=1`; never waits, and no failure is ours to report."""
        if self.place is None:
            return
        address = f"\0{self.place[1:]}" if self.place.startswith("@") else self.place
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as link:
            try:
                link.sendto(state.encode(), address)
            except OSError:
                # It is restarting, or its queue is full: what we send next arrives again.
                return
