"""The variables that Laravel's configuration would see: the process's environment, then LARAVEL_ENV_FILE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faces.errors import SettingsError
from faces.laravel import dotenv
from faces.laravel.url import options_of, php_empty

#: Words that Laravel turns into PHP's own values, as PHP makes strings of those.
_WORDS = {
    **{"true": "1", "false": "", "empty": "", "null": None},
    **{"(true)": "1", "(false)": "", "(empty)": "", "(null)": None},
}
_FLAGS = {"1": True, "on": True, "yes": True, "": False, "0": False, "off": False, "no": False}


@dataclass(frozen=True, slots=True)
class LaravelEnvironment:
    """Variables by name, read as Laravel's `env()` reads them; and where the app's `.env` lies.

    What `app_settings` and the modules of its parts read from; every sentence of theirs names a variable of it.
    """

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
        """The value as PHP would make a string of it; None where it is not set, or says null.

        Raises:
            SettingsError: it is not UTF-8, which PHP would pass on as it is.
        """
        value = self.variables.get(name)
        if value is None:
            return None
        if not _is_utf8(value):
            raise SettingsError(f"{name}: found bytes that are not UTF-8, needed UTF-8")
        if value.lower() in _WORDS:
            return _WORDS[value.lower()]
        quoted = re.fullmatch(r"(['\"])(.*)\1", value)
        return quoted[2] if quoted else value

    def text_or(self, name: str, default: str) -> str:
        """The value, or what the app's configuration has where nothing is set; an empty value and null are set."""
        return (self.text(name) or "") if name in self.variables else default

    def true_or(self, name: str, default: str) -> str:
        """The value, or the default where PHP's `if ($value)` finds nothing: also where it is empty, or "0"."""
        value = self.text(name)
        return default if php_empty(value) or value is None else value

    def filled(self, *names: str) -> str | None:
        """The first of these that is set to more than nothing."""
        return next((value for name in names if (value := self.text(name))), None)

    def options_of_url(self, *names: str) -> dict[str, Any]:
        """What the first URL that is set says, by the names of Laravel's options; nothing where none is set.

        Raises:
            SettingsError: Laravel refuses it.
        """
        name = next((name for name in names if self.filled(name)), None)
        if name is None:
            return {}
        try:
            return options_of(self.text(name) or "")
        except UnicodeError:
            raise SettingsError(f"{name}: found bytes that are not UTF-8 in it, needed UTF-8") from None
        except ValueError as error:
            raise SettingsError(f"{name}: found something that is not a URL ({error})") from None

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
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"LARAVEL_ENV_FILE: {file} cannot be read: {error.strerror}") from None
    # phpdotenv puts a question mark for each byte that is no UTF-8.
    mark = "\ufffd"
    return mark.join(part.decode("utf-8", "replace").replace(mark, "?") for part in content.split(mark.encode()))


def _is_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
