"""Whether the API can listen where its settings say, and which process listens there already."""

from __future__ import annotations

import socket
from pathlib import Path

from faces.system.address import Address


def split(address: str) -> tuple[str, int]:
    """Host (without brackets) and port of `host:port` or `[ipv6]:port`.

    Raises:
        SettingsError: it is something else.
    """
    found = Address.parse(address, "address")
    return found.host, found.port


def in_numbers(address: str) -> str:
    """The address with its host's number in place of a name: the first one, as for gunicorn.

    Raises:
        OSError, SettingsError: the host is unknown; it is no address.
    """
    host, port = split(address)
    number = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4][0]
    return str(Address(str(number), port))


def why_not(address: str) -> str | None:
    """The reason why no further process can listen there; None where one can."""
    host, port = split(address)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        return f"{error.strerror}{_by(port)}"
    return None


def _by(port: int) -> str:
    """Which process listens on the port, as far as this user may see."""
    inodes = {
        f"socket:[{fields[9]}]"
        for name in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(name).exists()
        for fields in (line.split() for line in Path(name).read_text(encoding="ascii").splitlines()[1:])
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(handle.readlink()) in inodes for handle in (process / "fd").iterdir()):
                return f", {(process / 'comm').read_text(encoding='utf-8').strip()} ({process.name})"
        except OSError:  # noqa: PERF203  processes end while we look
            continue
    return ""


def answers(host: str, port: int) -> bool:
    """Whether a process accepts connections there."""
    try:
        with socket.create_connection((reachable(host), port), timeout=1):
            return True
    except OSError:
        return False


def reachable(host: str) -> str:
    """Every address of this machine is reached by its loopback one."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  nothing is bound here
