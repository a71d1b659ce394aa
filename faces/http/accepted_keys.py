"""Keys that clients show: where a request has them, and which are accepted. What a key allows is the door's matter."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import Scope

from faces.errors import SettingsError

_log = logging.getLogger(__name__)

#: A shorter key can be guessed over a network.
SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class AcceptedKey:
    """A key, and what it allows where the door tells keys apart."""

    text: str = field(repr=False)
    allows: str = ""


def shown_keys(scope: Scope) -> list[str]:
    """The keys in a request's headers: `Authorization: Bearer KEY` and `X-API-Key: KEY`."""
    headers = Headers(scope=scope)
    bearer = [
        value.partition(" ")[2].strip()
        for value in headers.getlist("authorization")
        if value.lower().startswith("bearer ")
    ]
    return bearer + [value.strip() for value in headers.getlist("x-api-key")]


class AcceptedKeys:
    """Those of a setting and those of the file that a second one names, which is read again when it changes.

    Each process has a copy of its own after the fork; only the master logs changes of the file.
    """

    def __init__(
        self,
        given: Iterable[str],
        file: Path | None,
        variable: str,
        read_line: Callable[[str], AcceptedKey] = AcceptedKey,
    ) -> None:
        """Read both sources.

        Args:
            given: the setting's keys.
            file: the second setting's file, one key a line; lines with # in front are comments.
            variable: the first setting's name; the second one's is the same with `_FILE`.
            read_line: reads one key as both sources have it; raises `ValueError` with what is needed.

        Raises:
            SettingsError: the file cannot be read, or a key cannot be used; the sentence names the variable.
        """
        self._file, self._variable, self._read_line = file, f"{variable}_FILE", read_line
        self._given = self._read_keys(given, variable)
        self._version = _version_of(file) if file else None
        self._from_file = self._read(file) if file else ()
        self._logs_changes = True

    def find(self, key: str) -> AcceptedKey | None:
        """The known key that this is. Takes as long for a wrong one as for a right one."""
        found = None
        self.refresh()
        for known in self._given + self._from_file:
            if hmac.compare_digest(key.encode(), known.text.encode()):
                found = known
        return found

    def accept(self, key: str) -> bool:
        """True for a known key."""
        return self.find(key) is not None

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
            self._log_change(logging.INFO, f"{self._variable} was read again: {len(self._from_file)} keys")
        except SettingsError as error:
            self._log_change(logging.ERROR, f"{error}; the keys read before stay valid")

    def _read_again(self, file: Path) -> tuple[AcceptedKey, ...]:
        keys = self._read(file)
        if self._from_file and not keys:
            raise SettingsError(f"{self._variable}: {file} has no key any more")
        return keys

    def _log_change(self, level: int, sentence: str) -> None:
        if self._logs_changes:
            _log.log(level, sentence)

    def _read(self, file: Path) -> tuple[AcceptedKey, ...]:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{self._variable}: {file} cannot be read ({error})") from error
        bare = (line.strip() for line in lines)
        return self._read_keys((line for line in bare if line and not line.startswith("#")), self._variable)

    def _read_keys(self, lines: Iterable[str], variable: str) -> tuple[AcceptedKey, ...]:
        try:
            keys = tuple(map(self._read_line, lines))
        except ValueError as error:
            raise SettingsError(f"{variable}: {error}") from None
        if any(len(key.text) < SHORTEST_KEY for key in keys):
            raise SettingsError(f"{variable}: a key is shorter than {SHORTEST_KEY} characters")
        return keys


def _version_of(file: Path) -> tuple[int, int, int] | None:
    """What differs after a change of the file; None when it is missing."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
