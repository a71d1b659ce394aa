"""Refuses what another site's web page has a browser send here: Host, Origin and Sec-Fetch-Site tell.

An address that wants no key would answer them, since browsers reach loopback as every program of this machine does.
A page cannot choose these headers. A program can, and needs no page to ask here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.datastructures import Headers

from faces.errors import RequestError
from faces.http.errors import ForeignHost, ForeignOrigin

#: RFC 9110, section 9.2.1. They change nothing here, and no answer to them has a photo: links to /docs may be followed.
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_HOST_AND_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:/?#@\s]+))(:[0-9]*)?")

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class OwnHosts:
    """The hosts by which the address without a key may be asked, in small letters.

    Those of the loopback need no mention. One of them that the settings name may send pages from any port, too.
    """

    names: frozenset[str]
    variable: str
    """The setting with further names."""
    others: str = ""
    """What else may name one, for a sentence."""

    @classmethod
    def of(cls, named: Iterable[str], places: Iterable[str | None], variable: str, others: str = "") -> OwnHosts:
        """The hosts that the setting `variable` names, and those of our addresses, unless they are the loopback's."""
        ours = [host for host in places if host and not _is_of_loopback(host)]
        return cls(frozenset(name.lower() for name in (*named, *ours)), variable, others)

    def has(self, host: str) -> bool:
        """True for one of the names, localhost, 127.0.0.0/8 or [::1], with any port, as the Host header has it."""
        name = _name_of(host)
        return name in self.names or _is_of_loopback(name)

    def refusal(self, method: str, headers: Headers) -> RequestError | None:
        """Why this request is not answered; None where it is.

        Clients that send no Host are answered: browsers always send one.
        """
        host = headers.get("host")
        if host and not self.has(host):
            return ForeignHost(
                f"found the Host {host!r}, needed a name of the loopback, {self.others}or one of {self.variable}: "
                "this address wants no key, and answers only to its own names"
            )
        if method in _SAFE_METHODS:
            return None
        return self._refusal_of_page(host, headers)

    def _refusal_of_page(self, host: str | None, headers: Headers) -> RequestError | None:
        origin = headers.get("origin")
        if origin is not None and not self._is_own(origin, host):
            found = f"the Origin {origin!r}"
        elif headers.get("sec-fetch-site") == "cross-site":
            found = "Sec-Fetch-Site: cross-site"
        else:
            return None
        return ForeignOrigin(
            f"found {found}, needed a page of this address itself or of a host in {self.variable}: this address wants "
            "no key, and takes nothing from another site's page"
        )

    def _is_own(self, origin: str, host: str | None) -> bool:
        """A page that came from here, or from a host that the settings name: a proxy may have changed Host."""
        page = re.fullmatch(r"(https?)://(.+)", origin)
        if page is None:  # "null": a file, a frame in a sandbox
            return False
        scheme, place = page.groups()
        return _name_of(place) in self.names or (
            host is not None and _place_of(place, scheme) == _place_of(host, scheme)
        )


def _name_of(host: str) -> str:
    """The host without its port, in small letters; empty where it is no host."""
    found = _HOST_AND_PORT.fullmatch(host)
    return (found[1] or found[2]).lower().removesuffix(".") if found else ""


def _place_of(host: str, scheme: str) -> tuple[str, int]:
    port = host.rpartition(":")[2]
    return _name_of(host), int(port) if port.isascii() and port.isdecimal() else _PORTS[scheme]


def _is_of_loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
