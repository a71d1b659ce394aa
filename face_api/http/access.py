"""Who may ask without a key, and which keys are accepted. Decided before a request's body is read.

Without a key: what comes in on the first address while that is loopback, unless another site's page sent it
(`faces/http/own_hosts.py`); and /livez on the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from faces.errors import RequestError, SettingsError
from faces.http.accepted_keys import AcceptedKeys, shown_keys
from faces.http.errors import KeyNeeded
from faces.http.guard import is_loopback, local_end
from faces.http.own_hosts import OwnHosts
from faces.http.request_line import path_of
from faces.http.server.sockets import Addresses
from faces.settings import Settings
from faces.system.address import Address

#: Paths that need no key on any address: /livez tells a load balancer that the process answers, and nothing else.
OPEN_PATHS = frozenset({"/livez"})


@dataclass(frozen=True, slots=True)
class Access:
    """The rule: whether a request needs a key, by the address that it came in on, and whether it shows one.

    Made in `create_app` in the master, and used by every process; `__main__` makes one more, to refuse wrong settings
    before anything starts.
    """

    addresses: Addresses
    keys: AcceptedKeys
    first_is_loopback: bool
    own_hosts: OwnHosts

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """Read addresses and keys.

        Raises:
            SettingsError: an address is wrong, a key is wrong, or other machines could ask without any key.
        """
        addresses = addresses_of(settings)
        given = [key.get_secret_value() for key in settings.api_keys]
        keys = AcceptedKeys(given, settings.api_keys_file, "FACE_API_KEYS")
        first_is_loopback = addresses.first.is_loopback
        if not keys and not first_is_loopback:
            raise SettingsError(_no_key("FACE_API_ADDRESS", addresses.first))
        if not keys and addresses.outside:
            raise SettingsError(_no_key("FACE_API_OUTSIDE_ADDRESS", addresses.outside))
        return cls(addresses, keys, first_is_loopback, _own_hosts(settings, addresses.first))

    def refusal(self, scope: Scope) -> RequestError | None:
        """Why a request is not answered, for `Guard`: 401 where it needs a key and shows no accepted one.

        Where none is needed, 403 to one that another site's page sent: who shows an accepted key is no such page.
        """
        local, shown = local_end(scope), shown_keys(scope)
        if not self.allows(path_of(scope), local, shown):
            return KeyNeeded("this address wants a key: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'")
        if self.needs_key(*local) or self.accepts(shown):
            return None
        return self.own_hosts.refusal(scope["method"], Headers(scope=scope))

    def needs_key(self, host: str, port: int) -> bool:
        """True unless the request arrived on the first address and that one is loopback.

        `host` and `port` are the local end of the connection, which no client can choose.
        """
        return not (self.first_is_loopback and port == self.addresses.first.port and is_loopback(host))

    def allows(self, path: str, local: tuple[str, int], shown: Iterable[str]) -> bool:
        """True when a request for `path`, with the keys `shown` in its headers, may pass."""
        return path in OPEN_PATHS or not self.needs_key(*local) or self.accepts(shown)

    def accepts(self, shown: Iterable[str]) -> bool:
        """True when one of the keys `shown` is known."""
        return any(self.keys.accept(key) for key in shown)


def _no_key(variable: str, address: Address) -> str:
    return f"{variable} is {address}, which wants a key, but neither FACE_API_KEYS nor FACE_API_KEYS_FILE has one"


def addresses_of(settings: Settings) -> Addresses:
    """FACE_API_ADDRESS and, if set, FACE_API_OUTSIDE_ADDRESS.

    Raises:
        SettingsError: one of them is no address; the sentence names the variable.
    """
    variables = ("FACE_API_ADDRESS", "FACE_API_OUTSIDE_ADDRESS")
    outside = settings.api_outside_address
    return Addresses(
        Address.parse(settings.api_address, variables[0]),
        Address.parse(outside, variables[1]) if outside else None,
        variables,
        "face-api",
    )


def _own_hosts(settings: Settings, first: Address) -> OwnHosts:
    """Those of FACE_API_HOSTS, the host of FACE_API_URL, and that of FACE_API_ADDRESS, which is `first`.

    Raises:
        SettingsError: FACE_API_URL is no URL.
    """
    try:
        asked = urlsplit(settings.api_url or "").hostname
    except ValueError as error:
        raise SettingsError(f"FACE_API_URL: found {settings.api_url!r}, needed http://host:port ({error})") from error
    return OwnHosts.of(settings.api_hosts, [asked, first.host], "FACE_API_HOSTS", "the host of FACE_API_URL ")
