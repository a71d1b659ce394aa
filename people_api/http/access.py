"""Who may ask for what: keys and tokens with a scope; the state of the service also without, on the loopback."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

from faces.errors import RequestError, SettingsError
from faces.http.accepted_keys import AcceptedKeys, shown_keys
from faces.http.errors import KeyNeeded, ScopeNeeded
from faces.http.guard import is_loopback, local_end
from faces.http.own_hosts import OwnHosts
from faces.http.request_line import path_of
from faces.http.scopes import WORDS, Allowed, read_key
from faces.http.server.sockets import Addresses
from faces.settings import Settings
from faces.system.address import Address
from people_api.http.tokens import Bearer, Tokens

#: /livez tells a load balancer that the process answers, and nothing else: it needs no key on any address.
_OPEN = frozenset({"/livez"})

#: What a monitoring of this machine may ask without a key.
_OPEN_ON_LOOPBACK = frozenset({"/livez", "/readyz", "/metrics"})

#: What only reads, though it is a POST.
_READING_POSTS = frozenset({"/identify", "/search"})

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class PeopleAccess:
    """The rule. Made in `create_app` in the master, and used by every process."""

    addresses: Addresses
    keys: AcceptedKeys
    tokens: Tokens | None
    own_hosts: OwnHosts

    @classmethod
    def of(cls, settings: Settings) -> PeopleAccess:
        """Read address, keys and what tokens are signed with.

        Raises:
            SettingsError: one of them is wrong, or no request could be answered.
        """
        variable = "FACE_PEOPLE_ADDRESS"
        address = Address.parse(settings.people_address, variable)
        given = [key.get_secret_value() for key in settings.people_keys]
        keys = AcceptedKeys(given, settings.people_keys_file, "FACE_PEOPLE_KEYS", read_key)
        tokens = Tokens.of(settings)
        if not keys and tokens is None:
            raise SettingsError(
                "found no key, needed one in FACE_PEOPLE_KEYS or FACE_PEOPLE_KEYS_FILE, which `worker key --scope read "
                "--add` makes, or FACE_PEOPLE_JWT_SHARED_KEY or FACE_PEOPLE_JWT_PUBLIC_KEY_FILE: no list is told "
                "without one"
            )
        own_hosts = OwnHosts.of(settings.people_hosts, [address.host], "FACE_PEOPLE_HOSTS")
        return cls(Addresses(address, None, (variable,), "face-people"), keys, tokens, own_hosts)

    def refusal(self, scope: Scope) -> RequestError | None:
        """Why a request is not answered, for `Guard`: 401, or 403 where the key allows less.

        What wants no key is refused to another site's page, as the face API does.
        """
        path = path_of(scope)
        try:
            bearer = self._bearer(shown_keys(scope))
        except KeyNeeded as error:
            return self._without_key(scope, path, error)
        if bearer.allowed < (wanted := _wanted(scope["method"], path)):
            return ScopeNeeded(f"found a key or token that allows {bearer.allowed.word}, needed {wanted.word}")
        scope["state"]["bearer"] = bearer
        return None

    def _without_key(self, scope: Scope, path: str, needed: KeyNeeded) -> RequestError | None:
        if self.addresses.first.is_loopback and is_loopback(local_end(scope)[0]):
            if path not in _OPEN_ON_LOOPBACK:
                return needed
            return self.own_hosts.refusal(scope["method"], Headers(scope=scope))
        return None if path in _OPEN else needed

    def _bearer(self, shown: list[str]) -> Bearer:
        """Whoever of those shown is allowed most; a token is what is no key and has two dots."""
        known = [key for key in map(self.keys.find, shown) if key is not None]
        if known:
            return Bearer(max(WORDS[key.allows] for key in known))
        for text in shown:
            if self.tokens is not None and text.count(".") == 2:
                return self.tokens.bearer(text)
        raise KeyNeeded("this path wants a key: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'")


def _wanted(method: str, path: str) -> Allowed:
    return Allowed.READ if method in _READING or path in _READING_POSTS else Allowed.ANSWER
