"""How the kernel watches a TCP connection to a server: one that a firewall dropped ends by itself within seconds.

A server that takes long over its answer is not disturbed: its kernel answers for it.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

#: Options of `IPPROTO_TCP`: asked whether the other side is there after 4 silent seconds and then every 2, and given up
#: after 8 s (counted in ms) without a sign, of data that was sent and of a silent connection alike.
WATCHED: Mapping[int, int] = {
    socket.TCP_KEEPIDLE: 4,
    socket.TCP_KEEPINTVL: 2,
    socket.TCP_KEEPCNT: 2,
    socket.TCP_USER_TIMEOUT: 8000,
}


def watch(connection: socket.socket) -> None:
    """Have the kernel watch a connection; one that is no TCP stays as it is."""
    if connection.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in WATCHED.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
