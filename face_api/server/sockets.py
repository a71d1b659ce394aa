"""The sockets that systemd holds for us: connections wait in them while we restart."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from face_api.server.addresses import Addresses
from faces.errors import SettingsError
from faces.system.address import Address

#: The first of them: sd_listen_fds(3).
_FIRST = 3

_Place = tuple[str, int]


def inherited(environment: Mapping[str, str]) -> list[int]:
    """Their numbers; none where nobody held sockets for this very process."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return []
    return list(range(_FIRST, _FIRST + int(environment.get("LISTEN_FDS", "0"))))


def require_same(handles: list[int], addresses: Addresses) -> None:
    """Check that these sockets are those of the settings: who needs a key is decided by the address.

    Raises:
        SettingsError: they are others; the sentence names both.
    """
    places = [_place_of(handle) for handle in handles]
    wanted = [_places_of(address) for address in addresses.all()]
    if all(any(place in one for one in wanted) for place in places) and all(one & {*places} for one in wanted):
        return
    found = ", ".join(str(Address(*place)) if place else "one that is not TCP" for place in places)
    variables = "FACE_API_ADDRESS and FACE_API_OUTSIDE_ADDRESS" if addresses.outside else "FACE_API_ADDRESS"
    needed = ", ".join(map(str, addresses.all()))
    raise SettingsError(
        f"systemd's face-api.socket listens on {found}, {variables} say{'' if addresses.outside else 's'} {needed}: "
        "needed the same in both (install.sh takes the socket's from face.env)"
    )


def _place_of(handle: int) -> _Place | None:
    with socket.socket(fileno=os.dup(handle)) as one:
        if one.family not in {socket.AF_INET, socket.AF_INET6} or one.type != socket.SOCK_STREAM:
            return None
        host, port = one.getsockname()[:2]
        return host, port


def _places_of(address: Address) -> set[_Place]:
    """Every place that its host stands for; an unknown host is none."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return set()
    return {(str(entry[4][0]), int(entry[4][1])) for entry in found}
