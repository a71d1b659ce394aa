"""The variables that Laravel's configuration would see: the process's environment, then LARAVEL_ENV_FILE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from faces import dotenv
from faces.errors import SettingsError

#: Words that Laravel turns into PHP's own values, as PHP makes strings of those.
_WORDS = {
    **{"true": "1", "false": "", "empty": "", "null": None},
    **{"(true)": "1", "(false)": "", "(empty)": "", "(null)": None},
}
_FLAGS = {"1": True, "on": True, "yes": True, "": False, "0": False, "off": False, "no": False}


@dataclass(frozen=True, slots=True)
class LaravelEnvironment:
    """Variables by name, read as Laravel's `env()` reads them; and where the app's `.env` lies."""

    variables: Mapping[str, str]
    file: Path | None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> LaravelEnvironment:
        """Join the environment and the file that it names; the environment wins.

        Raises:
            SettingsError: the file cannot be read, or phpdotenv would refuse it.
        """
        name = environment.get("LARAVEL_ENV_FILE", "")
        if not name:
            return cls(dict(environment), None)
        file = Path(name).absolute()
        return cls({**dotenv.parse(_text(file), environment, str(file)), **environment}, file)

    def text(self, name: str) -> str | None:
        """The value as PHP would make a string of it; None where it is not set, or says null."""
        value = self.variables.get(name)
        if value is None:
            return None
        if value.lower() in _WORDS:
            return _WORDS[value.lower()]
        quoted = re.fullmatch(r"(['\"])(.*)\1", value)
        return quoted[2] if quoted else value

    def text_or(self, name: str, default: str) -> str:
        """The value, or what the app's configuration has where nothing is set; an empty value counts as a value."""
        value = self.text(name)
        return default if value is None else value

    def filled(self, *names: str) -> str | None:
        """The first of these that is set to more than nothing."""
        return next((value for name in names if (value := self.text(name))), None)

    def parts_of_url(self, *names: str) -> dict[str, str]:
        """Of the first URL that is set: kind, host, port, username, password, database, as far as they are there.

        Raises:
            SettingsError: it is no URL.
        """
        url = self.filled(*names)
        if not url:
            return {}
        try:
            parts = urlsplit(url)
            found = {
                "kind": parts.scheme,
                "host": parts.hostname,
                "port": str(parts.port) if parts.port else None,
                "username": unquote(parts.username or ""),
                "password": unquote(parts.password or ""),
                "database": unquote(parts.path[1:]),
            }
        except ValueError as error:
            raise SettingsError(f"{names[0]}: found something that is not a URL ({error})") from None
        return {name: value for name, value in found.items() if value}

    def number(self, name: str, default: int) -> int:
        """The value as a whole number.

        Raises:
            SettingsError: it is something else.
        """
        value = self.filled(name)
        if value is None:
            return default
        if not re.fullmatch("[0-9]{1,9}", value):
            raise SettingsError(f"{name}: found {value!r}, needed a number")
        return int(value)

    def flag(self, name: str) -> bool | None:
        """The value as yes or no; None where nothing is set.

        Raises:
            SettingsError: it is something else.
        """
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in _FLAGS:
            raise SettingsError(f"{name}: found {value!r}, needed true or false")
        return _FLAGS[value.lower()]


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise SettingsError(f"LARAVEL_ENV_FILE: {file} cannot be read: {error.strerror}") from None
