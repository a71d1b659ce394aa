"""Where a service listens, ours or another: host and port, as a person writes them."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import ip_address

from faces.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Address:
    """A host (name or IP, an IPv6 address without brackets) and a TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, variable: str) -> Address:
        """Read `host:port` or `[ipv6]:port`.

        Raises:
            SettingsError: the text is something else; the sentence names `variable`.
        """
        host, colon, port = text.strip().rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        wrong_colon = ":" in bare and bare == host
        if not colon or not bare or wrong_colon or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingsError(f"{variable}: found {text!r}, needed host:port, for example 127.0.0.1:5000")
        return cls(bare, int(port))

    @property
    def is_loopback(self) -> bool:
        """True when every address that the host stands for belongs to this machine alone."""
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)}
        except OSError:
            return False
        return all(ip_address(host.partition("%")[0]).is_loopback for host in found)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
