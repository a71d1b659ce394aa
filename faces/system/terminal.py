"""Text as a terminal may get it: what would command it instead of being read is written out."""

from __future__ import annotations

import re

#: Controls (C0, DEL, C1), separators of lines and paragraphs, and what turns the direction of reading: the marks,
#: embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9).
_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""One line with its controls as JSON writes them (\u001b), so that a line of JSON says the same as before.

    Names of files need not be text: what is not becomes a question mark.
    """
    return _COMMANDS.sub(_escaped, text.encode("utf-8", "replace").decode())


def visible_lines(text: str) -> str:
    """The same for a text whose line breaks are our own."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
