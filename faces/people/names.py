"""How a person's name is written: one way for all the ways it can be typed, and when two names are the same."""

from __future__ import annotations

import unicodedata


def canonical(name: str) -> str:
    """The name with composed letters (Unicode's NFC) and single blanks.

    A Mac decomposes the letters in names of files, and a second blank is not seen: neither is another person.
    """
    return " ".join(unicodedata.normalize("NFC", name).split())


def key(name: str) -> str:
    """What is equal for two spellings of one name; upper and lower case are the same."""
    return unicodedata.normalize("NFC", canonical(name).casefold())
