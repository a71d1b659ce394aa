"""What Laravel makes of a URL like DB_URL or REDIS_URL: PHP's parse_url and parse_str, then JSON where a part is some.

The same steps as Illuminate's `ConfigurationUrlParser`, so that a password with `%`, `+`, `@` or of digits alone is the
same here and there. A URL without `//` is refused: PHP would take it for the name of a database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, unquote_plus

#: Other names of drivers; those of Redis are names of PHP's transports.
_ALIASES = {
    **{"mysql2": "mysql", "sqlite3": "sqlite", "postgres": "pgsql", "postgresql": "pgsql", "mssql": "sqlsrv"},
    **{"redis": "tcp", "rediss": "tls"},
}

_URL = re.compile(r"(?:(?P<driver>[A-Za-z0-9+.-]+):)?//(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)

#: What C's strtol reads of a port of at most five characters.
_PORT = re.compile(r"[ \t\n\r\f\v]*([+-]?[0-9]+)")
_LONGEST_PORT = 5

_CONTROLS = re.compile("[\0-\x1f\x7f]")

#: PHP's integers; a larger one is a float there.
_INTEGERS = range(-(2**63), 2**63)


def options_of(url: str) -> dict[str, Any]:
    """What the URL adds to a connection's own options or replaces of them; text, numbers, booleans, None, lists.

    Raises:
        ValueError: PHP refuses the URL too, or it has bytes that are not UTF-8.
    """
    options: dict[str, Any] = {}
    for name, value in _parts(re.sub("^(sqlite3?):///", r"\1://null/", url)):
        if name == "query":
            options.update(_of_query(value))
        elif name == "database":
            options[name] = unquote(value, errors="strict")
        else:
            found = _native(unquote(value, errors="strict"))
            options |= {name: found} if found is not None else {}
    if "driver" in options:
        options["driver"] = _ALIASES.get(options["driver"], options["driver"])
    return options


def php_text(value: Any) -> str:
    """The value as PHP makes a string of it.

    Raises:
        TypeError: it is a list.
    """
    if isinstance(value, list | dict):
        raise TypeError("found a list, needed one value")
    if value is None or value is False:
        return ""
    if isinstance(value, float):
        # PHP's setting `precision`, 14 by default.
        digits, exponent, power = f"{value:.14G}".partition("E")
        whole = digits if not exponent or "." in digits else f"{digits}.0"
        return f"{whole}E{power[0]}{power[1:].lstrip('0')}" if exponent else whole
    return "1" if value is True else str(value)


def php_empty(value: Any) -> bool:
    """PHP's `empty()`."""
    return not value or value == "0"


def _parts(url: str) -> Iterator[tuple[str, str]]:
    found = _URL.fullmatch(url)
    if not found:
        raise ValueError("needed kind://user:password@host:port/database")
    login, at, place = found["authority"].rpartition("@")
    user, colon, password = login.partition(":")
    host, port = _host_and_port(place)
    path, _, query = found["rest"].partition("#")[0].partition("?")
    parts = {
        **({"driver": found["driver"]} if found["driver"] else {}),
        **({"username": user} if at else {}),
        **({"password": password} if colon else {}),
        **({"host": host} if host else {}),
        **({"port": port} if port else {}),
        **({"database": path[1:]} if len(path) > 1 else {}),
        "query": query,
    }
    for name, value in parts.items():
        yield name, _CONTROLS.sub("_", value)


def _host_and_port(place: str) -> tuple[str, str]:
    bracketed = place.startswith("[") and place.endswith("]")
    host, digits = (place, "") if bracketed or ":" not in place else place.rsplit(":", 1)
    if not host:
        raise ValueError("found no host")
    if not digits:
        return host, ""
    found = _PORT.match(digits)
    if len(digits.encode()) > _LONGEST_PORT or not found or not 0 <= int(found[1]) < 65536:
        # Not shown: a password with a raw `/`, `?` or `#` in it ends here.
        raise ValueError("found no port behind the last ':' of the host; a password's / ? # and @ are %2F %3F %23 %40")
    return host, str(int(found[1]))


def _of_query(query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        whole, _, text = (unquote_plus(piece, errors="strict") for piece in part.partition("="))
        name, bracket, rest = whole.lstrip(" ").partition("\0")[0].partition("[")
        is_list = "]" in rest
        if not name:
            continue
        # PHP's names of variables have none of these.
        name = re.sub("[ .[]", "_", name if is_list or not bracket else f"{name}_{rest}")
        if is_list:
            listed = options.get(name)
            options[name] = [*(listed if isinstance(listed, list) else ()), _native(text)]
        else:
            options[name] = _native(text)
    return options


def _native(text: str) -> Any:
    """What `json_decode` makes of it; the text itself where it is no JSON."""
    try:
        value = json.loads(text, parse_int=_integer, parse_constant=_no_constant)
        if isinstance(value, str):
            value.encode()
    except (ValueError, RecursionError):
        return text
    return value


def _integer(digits: str) -> int | float:
    number = int(digits) if len(digits) < 25 else None
    return number if number is not None and number in _INTEGERS else float(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(name)
