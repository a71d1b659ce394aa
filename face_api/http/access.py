"""Who may ask: the loopback address needs no key, everything else shows one."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from face_api.server.addresses import Addresses
from faces.errors import SettingsError
from faces.settings import Settings
from faces.system.address import Address

_log = logging.getLogger(__name__)

#: A shorter key can be guessed over a network.
SHORTEST_KEY = 16

#: What anybody may ask without a key: it tells a load balancer that we live, and nothing else.
OPEN_PATHS = frozenset({"/livez"})


class Keys:
    """The accepted keys: those of the setting and those of a file, which is read again when it changes."""

    def __init__(self, settings: Settings) -> None:
        """Read both sources.

        Raises:
            SettingsError: the file cannot be read, or a key is too short; the sentence names the variable.
        """
        self._given = tuple(key.get_secret_value() for key in settings.api_keys)
        _refuse_short(self._given, "FACE_API_KEYS")
        self._file = settings.api_keys_file
        self._seen = _state_of(self._file) if self._file else None
        self._from_file = _read(self._file) if self._file else ()
        self._says = True

    def accept(self, key: str) -> bool:
        """True for a known key. Takes as long for a wrong one as for a right one."""
        found = False
        self.refresh()
        for known in self._given + self._from_file:
            found |= hmac.compare_digest(key.encode(), known.encode())
        return found

    def __bool__(self) -> bool:
        return bool(self._given or self._from_file)

    def be_quiet(self) -> None:
        """Somebody else says what becomes of the file: the master, which looks at it as often."""
        self._says = False

    def refresh(self) -> None:
        """Read the file again when it has changed.

        The last good keys stay when it is gone, empty or wrong, so that a slip or a full disk locks nobody out. To be
        called often, also when nobody asks: what no process has seen cannot be kept.
        """
        if self._file is None or (state := _state_of(self._file)) == self._seen:
            return
        self._seen = state
        try:
            self._from_file = self._read_again(self._file)
            self._say(logging.INFO, f"FACE_API_KEYS_FILE was read again: {len(self._from_file)} keys")
        except SettingsError as error:
            self._say(logging.ERROR, f"{error}; the keys read before stay valid")

    def _read_again(self, file: Path) -> tuple[str, ...]:
        keys = _read(file)
        if self._from_file and not keys:
            raise SettingsError(f"FACE_API_KEYS_FILE: {file} has no key any more")
        return keys

    def _say(self, level: int, sentence: str) -> None:
        if self._says:
            _log.log(level, sentence)


@dataclass(frozen=True, slots=True)
class Access:
    """Decides whether a request wants a key, by the address that it came in on, and whether it has one."""

    addresses: Addresses
    keys: Keys
    first_is_loopback: bool

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """Read addresses and keys.

        Raises:
            SettingsError: an address is wrong, a key is wrong, or other machines could ask without any key.
        """
        addresses, keys = Addresses.of(settings), Keys(settings)
        first_is_loopback = addresses.first.is_loopback
        if not keys and not first_is_loopback:
            raise SettingsError(_no_key("FACE_API_ADDRESS", addresses.first))
        if not keys and addresses.outside:
            raise SettingsError(_no_key("FACE_API_OUTSIDE_ADDRESS", addresses.outside))
        return cls(addresses, keys, first_is_loopback)

    def wants_key(self, host: str, port: int) -> bool:
        """True unless the request arrived on the first address and that one is loopback.

        `host` and `port` are the local end of the connection, which no client can choose.
        """
        return not (self.first_is_loopback and port == self.addresses.first.port and _is_loopback(host))

    def allows(self, path: str, local: tuple[str, int], shown: Iterable[str]) -> bool:
        """True when a request for `path`, with the keys `shown` in its headers, may pass."""
        if path in OPEN_PATHS or not self.wants_key(*local):
            return True
        return any(self.keys.accept(key) for key in shown)


def _no_key(variable: str, address: Address) -> str:
    return f"{variable} is {address}, which wants a key, but neither FACE_API_KEYS nor FACE_API_KEYS_FILE has one"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _state_of(file: Path) -> tuple[int, int, int] | None:
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
