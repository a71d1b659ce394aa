"""Where a door listens: its addresses, and the sockets that systemd may hold for them.

Connections wait in systemd's sockets while the door restarts. Without systemd gunicorn makes its own.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from faces.errors import SettingsError
from faces.system.address import Address

#: The first inherited socket: sd_listen_fds(3).
_FIRST = 3

#: Seconds for which an address may still be held by the service that this one replaces.
_PATIENCE = 5.0

_Place = tuple[str, int]


class AddressInUse(Exception):
    """Another service listens there, or the address is not this machine's."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """One or two, with the names of what sets them. Which requests need a key may depend on where they come in."""

    first: Address
    outside: Address | None
    variables: tuple[str, ...]
    """What sets each."""
    service: str
    """What systemd calls the door."""

    def all(self) -> list[Address]:
        """Every address to listen on."""
        return [self.first, self.outside] if self.outside else [self.first]


def require_sockets(addresses: Addresses) -> None:
    """Check that the door can listen: on systemd's sockets where it inherits them, else on the addresses.

    Raises:
        AddressInUse: an address did not become free, or is not this machine's.
        SettingsError: systemd's sockets are others, or a host is unknown.
    """
    if descriptors := inherited(os.environ):
        require_same(descriptors, addresses)
        return
    for address in addresses.all():
        _wait_until_free(address)


def inherited(environment: Mapping[str, str]) -> list[int]:
    """The descriptors of systemd's sockets; none where it holds none for this very process."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return []
    return list(range(_FIRST, _FIRST + int(environment.get("LISTEN_FDS", "0"))))


def require_same(descriptors: list[int], addresses: Addresses) -> None:
    """Check that these sockets are those of the settings: the address decides whether a request needs a key.

    Raises:
        SettingsError: they are others; the sentence names both.
    """
    places = [_place_of(descriptor) for descriptor in descriptors]
    wanted = [_places_of(address) for address in addresses.all()]
    if all(any(place in one for one in wanted) for place in places) and all(one & {*places} for one in wanted):
        return
    found = ", ".join(str(Address(*place)) if place else "one that is not TCP" for place in places)
    variables = " and ".join(addresses.variables[: len(addresses.all())])
    says = f"{variables} say{'' if addresses.outside else 's'}"
    needed = ", ".join(map(str, addresses.all()))
    raise SettingsError(
        f"systemd's {addresses.service}.socket listens on {found}, {says} {needed}: "
        "needed the same in both (install.sh takes the socket's from face.env)"
    )


def _place_of(descriptor: int) -> _Place | None:
    with socket.socket(fileno=os.dup(descriptor)) as one:
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


def _wait_until_free(address: Address) -> None:
    """Try to listen: our error is one line, gunicorn's would be ten."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f"the host of {address} is unknown: {error.strerror}") from error
    end = time.monotonic() + _PATIENCE
    while True:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                if time.monotonic() > end:
                    raise AddressInUse(f"{address} cannot be listened on: {error.strerror}") from error
                time.sleep(0.2)
            else:
                return
