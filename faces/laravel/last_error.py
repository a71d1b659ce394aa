"""The text of `images.last_error`, cut as PHP cuts it, so that it always fits its 255 characters."""

from __future__ import annotations

import json
import re
import unicodedata

from faces.laravel.php_json import storable

#: Columns of display width that PHP's `Str::limit` leaves of an answer.
_WIDTH = 200

#: Characters that the column holds.
_COLUMN = 255

_SENTENCE = re.compile(r'HTTP \d+: \{"error": ?"((?:[^"\\]|\\.)*)')

_REQUEST = re.compile(r" \(request \S+\)$")

#: What PHP's `rtrim` takes away.
_BLANKS = " \t\n\r\0\x0b"


def limited(text: str | bytes) -> str:
    """Cut a text to 200 columns of display width, as Laravel's `Str::limit` does.

    Wide characters (CJK, emoji) count 2. Only where something was cut, blanks at the end go and `...` is added: at most
    203 characters. Bytes that are not UTF-8 become `?`, and so do halves of characters.
    """
    whole = text.decode("utf-8", "replace").replace("\ufffd", "?") if isinstance(text, bytes) else storable(text)
    width = 0
    for place, character in enumerate(whole):
        width += _columns(character)
        if width > _WIDTH:
            return whole[:place].rstrip(_BLANKS) + "..."
    return whole


def of_answer(status: int, body: bytes) -> str:
    """What is noted for an answer that is not 2xx."""
    return f"HTTP {status}: {limited(body)}"


def with_request(text: str, request_id: str | None) -> str:
    """The text with the name of the request behind it, where both fit whole; its beginning stays as PHP writes it.

    As wide as the column is long: a text that was cut has no room left.
    """
    named = f"{text} (request {request_id})"
    return named if request_id and sum(map(_columns, named)) <= _COLUMN else text


def without_request(text: str) -> str:
    """The same error has the same text here, whichever request ended in it."""
    return _REQUEST.sub("", text)


def sentence_of(text: str) -> str:
    """The sentence for a person in such a text, which may hold our API's JSON, cut off somewhere."""
    text = without_request(text)
    found = _SENTENCE.match(text)
    try:
        return str(json.loads(f'"{found[1]}"')) if found else text
    except ValueError:
        return text


def of_error_field(text: object) -> str:
    """What is noted for a 2xx answer with an `error`: that text, as far as it fits the column."""
    return storable(str(text))[:_COLUMN]


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
