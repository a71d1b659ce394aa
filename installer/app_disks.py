"""Laravel's local disks, read from config/filesystems.php as text: nothing of the app is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

#: `'root' => storage_path('app/private')`, `base_path(…)`, `public_path(…)`, `'/dfotos'`, `env('NAME', …any of these)`.
_QUOTED = r"""(?:'([^']*)'|"([^"$]*)")"""
_CALL = re.compile(rf"(storage_path|base_path|public_path)\s*\(\s*{_QUOTED}?\s*\)")
_ENV = re.compile(rf"env\s*\(\s*{_QUOTED}\s*(?:,\s*(.*))?\)", re.DOTALL)
_FOLDERS = {"storage_path": "storage", "base_path": "", "public_path": "public"}


@dataclass(frozen=True, slots=True)
class FoundDisks:
    """Disk name -> root; and the names of those whose root could not be read from the text."""

    roots: Mapping[str, Path]
    unclear: tuple[str, ...] = ()


def find(app: Path, variables: Mapping[str, str]) -> FoundDisks:
    """The app's disks of the driver `local`; Laravel's own two where there is no such file."""
    try:
        text = (app / "config/filesystems.php").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return FoundDisks({"local": app / "storage/app/private", "public": app / "storage/app/public"})
    roots: dict[str, Path] = {}
    unclear = []
    for name, body in _disks(_without_comments(text)):
        driver = re.search(rf"""['"]driver['"]\s*=>\s*{_QUOTED}""", body)
        if not driver or (driver[1] or driver[2]) != "local":
            continue
        root = _root(body, app, variables)
        if root is None:
            unclear.append(name)
        else:
            roots[name] = root
    return FoundDisks(roots, tuple(unclear))


def _disks(text: str) -> Iterator[tuple[str, str]]:
    start = re.search(r"""['"]disks['"]\s*=>\s*\[""", text)
    if not start:
        return
    inside = _bracketed(text, start.end() - 1)
    place = 0
    while match := re.compile(rf"{_QUOTED}\s*=>\s*\[").search(inside, place):
        body = _bracketed(inside, match.end() - 1)
        yield match[1] or match[2], body
        place = match.end() + len(body)


def _bracketed(text: str, start: int) -> str:
    """What stands between the bracket at `start` and the one that closes it."""
    depth = 0
    for match in re.compile(rf"{_QUOTED}|[\[\]]").finditer(text, start):
        depth += {"[": 1, "]": -1}.get(match[0], 0)
        if depth == 0:
            return text[start + 1 : match.start()]
    return text[start + 1 :]


def _without_comments(text: str) -> str:
    return re.sub(
        rf"""({_QUOTED})|/\*.*?\*/|//[^\n]*|\#(?!\[)[^\n]*""", lambda match: match[1] or " ", text, flags=re.DOTALL
    )


def _root(body: str, app: Path, variables: Mapping[str, str]) -> Path | None:
    match = re.search(r"""['"]root['"]\s*=>\s*(.*?)\s*(?:,\s*(?:['"]\w+['"]\s*=>|$)|$)""", body.strip(), re.DOTALL)
    return _path(match[1].rstrip(", \n"), app, variables) if match else None


def _path(expression: str, app: Path, variables: Mapping[str, str]) -> Path | None:
    expression = expression.strip()
    if match := _ENV.fullmatch(expression):
        value = variables.get(match[1] or match[2])
        if value:
            return Path(value) if value.startswith("/") else None
        return _path(match[3].strip().rstrip(","), app, variables) if match[3] else None
    if match := _CALL.fullmatch(expression):
        return app / _FOLDERS[match[1]] / (match[2] or match[3] or "").strip("/")
    if match := re.fullmatch(_QUOTED, expression):
        text = match[1] or match[2] or ""
        return Path(text) if text.startswith("/") else None
    return None
