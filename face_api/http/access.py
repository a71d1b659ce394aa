"""Who may ask without a key, and which keys are accepted. Decided and answered here, before a request's body is read.

Without a key: what comes in on the first address while that is loopback, unless another site's page sent it
(`own_hosts.py`); and /livez on the others.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from face_api.http.errors import KeyNeeded, reply_to
from face_api.http.own_hosts import OwnHosts
from face_api.http.request_line import path_of
from face_api.server.sockets import Addresses
from faces.errors import RequestError, SettingsError
from faces.settings import Settings
from faces.system.address import Address

_log = logging.getLogger(__name__)

#: A shorter key can be guessed over a network.
SHORTEST_KEY = 16

#: Paths that need no key on any address: /livez tells a load balancer that the process answers, and nothing else.
OPEN_PATHS = frozenset({"/livez"})


class AccessGuard:
    """ASGI middleware around the routes: answers 401 to a request that needs a key and shows no accepted one.

    Where none is needed, 403 to one that another site's page sent: who shows an accepted key is no such page.
    """

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        reply = reply_to(refusal)
        scope["state"]["notes"]["code"] = reply.code
        await JSONResponse(reply.body, reply.status, reply.headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> RequestError | None:
        access, local, shown = self._access, _local_end(scope), _shown_keys(scope)
        if not access.allows(path_of(scope), local, shown):
            return KeyNeeded("this address wants a key: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'")
        if access.needs_key(*local) or access.accepts(shown):
            return None
        return access.own_hosts.refusal(scope["method"], Headers(scope=scope))


def _local_end(scope: Scope) -> tuple[str, int]:
    """Where the connection came in. A server that does not say gives an empty host, which is not loopback."""
    host, port = scope.get("server") or ("", 0)
    return str(host), int(port or 0)


def _shown_keys(scope: Scope) -> list[str]:
    headers = Headers(scope=scope)
    bearer = [
        value.partition(" ")[2].strip()
        for value in headers.getlist("authorization")
        if value.lower().startswith("bearer ")
    ]
    return bearer + [value.strip() for value in headers.getlist("x-api-key")]


@dataclass(frozen=True, slots=True)
class Access:
    """The rule: whether a request needs a key, by the address that it came in on, and whether it shows one.

    Made in `create_app` in the master, and used by every process; `__main__` makes one more, to refuse wrong settings
    before anything starts.
    """

    addresses: Addresses
    keys: ApiKeys
    first_is_loopback: bool
    own_hosts: OwnHosts

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """Read addresses and keys.

        Raises:
            SettingsError: an address is wrong, a key is wrong, or other machines could ask without any key.
        """
        addresses, keys = Addresses.of(settings), ApiKeys(settings)
        first_is_loopback = addresses.first.is_loopback
        if not keys and not first_is_loopback:
            raise SettingsError(_no_key("FACE_API_ADDRESS", addresses.first))
        if not keys and addresses.outside:
            raise SettingsError(_no_key("FACE_API_OUTSIDE_ADDRESS", addresses.outside))
        return cls(addresses, keys, first_is_loopback, OwnHosts.of(settings, addresses.first))

    def needs_key(self, host: str, port: int) -> bool:
        """True unless the request arrived on the first address and that one is loopback.

        `host` and `port` are the local end of the connection, which no client can choose.
        """
        return not (self.first_is_loopback and port == self.addresses.first.port and _is_loopback(host))

    def allows(self, path: str, local: tuple[str, int], shown: Iterable[str]) -> bool:
        """True when a request for `path`, with the keys `shown` in its headers, may pass."""
        return path in OPEN_PATHS or not self.needs_key(*local) or self.accepts(shown)

    def accepts(self, shown: Iterable[str]) -> bool:
        """True when one of the keys `shown` is known."""
        return any(self.keys.accept(key) for key in shown)


def _no_key(variable: str, address: Address) -> str:
    return f"{variable} is {address}, which wants a key, but neither FACE_API_KEYS nor FACE_API_KEYS_FILE has one"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


class ApiKeys:
    """The accepted keys: those of FACE_API_KEYS and those of FACE_API_KEYS_FILE, which is read again when it changes.

    Each process has a copy of its own after the fork; only the master logs changes of the file.
    """

    def __init__(self, settings: Settings) -> None:
        """Read both sources.

        Raises:
            SettingsError: the file cannot be read, or a key is too short; the sentence names the variable.
        """
        self._given = tuple(key.get_secret_value() for key in settings.api_keys)
        _refuse_short(self._given, "FACE_API_KEYS")
        self._file = settings.api_keys_file
        self._version = _version_of(self._file) if self._file else None
        self._from_file = _read(self._file) if self._file else ()
        self._logs_changes = True

    def accept(self, key: str) -> bool:
        """True for a known key. Takes as long for a wrong one as for a right one."""
        found = False
        self.refresh()
        for known in self._given + self._from_file:
            found |= hmac.compare_digest(key.encode(), known.encode())
        return found

    def __bool__(self) -> bool:
        return bool(self._given or self._from_file)

    def stop_logging(self) -> None:
        """For the processes that serve: the master looks at the file as often, and its line is enough."""
        self._logs_changes = False

    def refresh(self) -> None:
        """Read the file again when it has changed.

        The last good keys stay valid when the file is missing, empty or wrong, so that a slip or a full disk locks
        no client out. To be called every second, also without requests: keys that this process never read cannot stay.
        """
        if self._file is None or (version := _version_of(self._file)) == self._version:
            return
        self._version = version
        try:
            self._from_file = self._read_again(self._file)
            self._log_change(logging.INFO, f"FACE_API_KEYS_FILE was read again: {len(self._from_file)} keys")
        except SettingsError as error:
            self._log_change(logging.ERROR, f"{error}; the keys read before stay valid")

    def _read_again(self, file: Path) -> tuple[str, ...]:
        keys = _read(file)
        if self._from_file and not keys:
            raise SettingsError(f"FACE_API_KEYS_FILE: {file} has no key any more")
        return keys

    def _log_change(self, level: int, sentence: str) -> None:
        if self._logs_changes:
            _log.log(level, sentence)


def _version_of(file: Path) -> tuple[int, int, int] | None:
    """What differs after a change of the file; None when it is missing."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(file: Path) -> tuple[str, ...]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"FACE_API_KEYS_FILE: {file} cannot be read ({error})") from error
    keys = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    _refuse_short(keys, "FACE_API_KEYS_FILE")
    return keys


def _refuse_short(keys: tuple[str, ...], variable: str) -> None:
    if any(len(key) < SHORTEST_KEY for key in keys):
        raise SettingsError(f"{variable}: a key is shorter than {SHORTEST_KEY} characters")
