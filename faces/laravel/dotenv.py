r"""Laravel's `.env` files: quotes, escapes, ${VAR}, comments and values of several lines, as phpdotenv reads them.

The same steps in the same order as vlucas/phpdotenv's Lines, Lexer, EntryParser and Resolver: odd files too read alike.
Of 5.6, that is; before it names were ASCII, and a value of several lines began anew with each that could begin one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from faces.errors import SettingsError

#: PHP's trim() and ctype_space() by the C locale; \s of its expressions is the latter.
_TRIMMED = " \t\n\r\0\x0b"
_SPACE = " \t\n\r\x0b\x0c"

_TOKEN = re.compile(r"[\r\n]+|[ \t\x0b\x0c]+|\\|'|\"|\#|\$|[^ \t\n\r\x0b\x0c\\'\"\#$]+")
#: What a name is made of since phpdotenv 5.6, by Unicode's categories; before it was ASCII only.
_NAME_CATEGORIES = {"Ll", "Lu", "Mn", "Mc", "Me", "Nd", "Nl", "No"}
_REFERENCE = re.compile(r"\$\{([a-zA-Z0-9_.]+)\}")
_ESCAPES = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parse(text: str, environment: Mapping[str, str] | None = None, file: str = ".env") -> dict[str, str]:
    """The variables that the file adds to an environment, which wins over it and is seen by its `${VAR}`.

    Raises:
        SettingsError: a line that phpdotenv refuses too; says where and why.
    """
    around = environment or {}
    found: dict[str, str] = {}
    for number, line in _entries(text.removeprefix("\ufeff")):
        try:
            name, value = _entry(line)
        except ValueError as error:
            raise SettingsError(f"{file}, line {number}: {error}") from None
        if name in around:
            continue
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value.resolved(around, found)
    return found


@dataclass(slots=True)
class _Value:
    """A value as written, and where in it a `$` may begin a reference."""

    text: str = ""
    references: list[int] = field(default_factory=list)

    def resolved(self, around: Mapping[str, str], found: Mapping[str, str]) -> str:
        """With the references that name something replaced; from the last to the first, as PHP does."""
        text = self.text
        for place in reversed(self.references):
            match = _REFERENCE.match(text, place)
            if match and (match[1] in around or match[1] in found):
                text = text[:place] + (around if match[1] in around else found)[match[1]] + text[match.end() :]
        return text


def _entries(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, those of one value joined; with the number of their first."""
    kept: list[str] = []
    first = 0
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        starts = not kept and '="' in line and not _closes(line, starts=True)
        if starts or kept:
            first = first if kept else number
            kept.append(line)
            if not _closes(line, starts=starts):
                continue
            line, kept = "\n".join(kept), []
        else:
            first = number
        stripped = line.strip(_TRIMMED)
        if stripped and not stripped.startswith("#"):
            yield first, line


def _closes(line: str, *, starts: bool) -> bool:
    if line == '"':
        return True
    # A quote that is not escaped, with anything before it: the one that opens counts where the value starts here.
    quotes = len(re.findall(r'(?=[^\\]")', line.replace("\\\\", "")))
    return quotes > 1 if starts else quotes >= 1


def _entry(line: str) -> tuple[str, _Value | None]:
    name, equals, value = (part.strip(_TRIMMED) for part in line.partition("="))
    if equals and not name:
        raise ValueError("found nothing before '=', needed a name")
    return _name(name if equals else line), _value(value) if equals else None


def _name(name: str) -> str:
    # PHP's lengths are bytes.
    if len(name.encode()) > 8 and name.startswith("export") and name[6] in _SPACE:
        name = name[6:].lstrip(_TRIMMED)
    if len(name.encode()) > 2 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1]
    if not name or not all(letter in "_." or unicodedata.category(letter) in _NAME_CATEGORIES for letter in name):
        # Not shown: what stands in the name's place may be a password.
        raise ValueError("found a name with something else in it than letters, digits, '_' and '.'")
    return name


def _value(text: str) -> _Value:
    value = _Value()
    if not text.strip(_TRIMMED):
        return value
    state: _State = _begin
    for part in _TOKEN.findall(text):
        state = state(part, value)
    if state in {_single, _double, _escape}:
        raise ValueError("found a quote that is never closed")
    return value


#: A state takes a part of the text, adds what it means to the value, and says which state comes next.
_State: TypeAlias = Callable[[str, _Value], "_State"]


def _begin(part: str, value: _Value) -> _State:
    if part in "'\"":
        return _single if part == "'" else _double
    if part == "#":
        return _comment
    return _add(part, value, _unquoted)


def _unquoted(part: str, value: _Value) -> _State:
    if part == "#":
        return _comment
    if part[0] in _SPACE:
        return _after
    return _add(part, value, _unquoted)


def _single(part: str, value: _Value) -> _State:
    if part == "'":
        return _after
    value.text += part
    return _single


def _double(part: str, value: _Value) -> _State:
    if part == '"':
        return _after
    if part == "\\":
        return _escape
    return _add(part, value, _double)


def _escape(part: str, value: _Value) -> _State:
    if part in '"\\$':
        value.text += part
    elif part[0] in _ESCAPES:
        value.text += _ESCAPES[part[0]] + part[1:]
    else:
        raise ValueError(f"found the escape '\\{part[0]}', needed one of \\\" \\\\ \\$ \\f \\n \\r \\t \\v")
    return _double


def _after(part: str, _value: _Value) -> _State:
    if part == "#":
        return _comment
    if part[0] not in _SPACE:
        raise ValueError("found more after a space or a closing quote, needed quotes around all of the value")
    return _after


def _comment(_token: str, _value: _Value) -> _State:
    return _comment


def _add(part: str, value: _Value, state: _State) -> _State:
    if part == "$":
        value.references.append(len(value.text))
    value.text += part
    return state
