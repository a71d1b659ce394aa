"""Texts that a database takes."""

from __future__ import annotations


def storable(text: str) -> str:
    """A text with `?` for each half of a character: JSON can hold those, UTF-8 and with it a database cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
