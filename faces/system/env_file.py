"""The one parser of face.env, for systemd's services, supervisor's programs and the command alike.

The rule fits on one line: `KEY=VALUE`, all behind the `=` is the value, outer blanks and one pair of quotes around it
go, nothing in it is expanded. A shell and systemd each read such files in their own way, so neither reads this one.
"""

from __future__ import annotations

import re
from pathlib import Path

from faces.errors import SettingsError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_BLANKS = " \t\r"


def read(path: Path) -> dict[str, str]:
    """The variables of a file.

    Raises:
        SettingsError: it cannot be read, or a line is wrong; the sentence names the file and the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SettingsError(f"found no {path}, needed a file like etc/face.env.example") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return parse(text, str(path))


def parse(text: str, file: str) -> dict[str, str]:
    """The variables of a file's text.

    Raises:
        SettingsError: a line is wrong; the sentence names `file` and the line.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip(_BLANKS)
        if not line or line.startswith("#"):
            continue
        try:
            name, value = _assignment(line)
        except ValueError as error:
            raise SettingsError(f"{file}, line {number}: {error}") from None
        if name in found:
            raise SettingsError(f"{file}, line {number}: {name} is there a second time, needed once")
        found[name] = value
    return found


def _assignment(line: str) -> tuple[str, str]:
    name, equals, value = (part.strip(_BLANKS) for part in line.partition("="))
    # What is wrong may be a password that lost its name: a line's value is never repeated.
    if not equals:
        raise ValueError("found no '=', needed NAME=value or # and a remark")
    if not _NAME.fullmatch(name):
        raise ValueError("what stands before '=' is no name of a variable, needed letters, digits and _")
    if "\0" in value:
        raise ValueError(f"{name} has a NUL character in it")
    return name, _unquoted(name, value)


def _unquoted(name: str, value: str) -> str:
    if value[:1] not in {'"', "'"}:
        return value
    if len(value) < 2 or value[-1] != value[0]:
        raise ValueError(f"the value of {name} begins with {value[0]} and does not end with it")
    return value[1:-1]
