"""How a face, a group and a person are written in lists and on the command line: f12, g12, p12."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from faces.errors import RequestError

Kind = Literal["face", "group", "person"]

_KINDS: dict[str, Kind] = {"f": "face", "g": "group", "p": "person"}

_WRITTEN = re.compile(r"([fgp])([1-9][0-9]*)", re.ASCII)

#: What a row's id is at most, on every database.
_LARGEST = 2**63 - 1


class Ref(NamedTuple):
    """A face, a group or a person by its id; `str` writes it."""

    kind: Kind
    id: int

    def __str__(self) -> str:
        return f"{self.kind[0]}{self.id}"

    @classmethod
    def parse(cls, text: str, *kinds: Kind) -> Ref:
        """Read what `str` wrote; only of these kinds, where some are named.

        Raises:
            RequestError: it is a bare number, of another kind, or nothing of the sort.
        """
        wanted = kinds or tuple(_KINDS.values())
        needed = " or ".join(f"{kind[0]}12 for a {kind}" for kind in wanted)
        if text.isascii() and text.isdigit():
            raise RequestError(f"found {text}, needed an id with its letter: {needed}")
        written = _WRITTEN.fullmatch(text)
        if written is None or int(written[2]) > _LARGEST:
            raise RequestError(f"found {text!r}, needed an id: {needed}")
        ref = cls(_KINDS[written[1]], int(written[2]))
        if ref.kind not in wanted:
            raise RequestError(f"found {text}, a {ref.kind}, needed an id of another kind: {needed}")
        return ref
