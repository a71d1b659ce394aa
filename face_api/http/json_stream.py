"""Reads JSON from a file in pieces: hundreds of megabytes become values one by one, without lying in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from faces.http.errors import BadBody, WrongField

#: Characters read at a time.
PIECE = 1024 * 1024

#: Characters of one value at most; a candidate has about 2,800.
_LONGEST_VALUE = 4 * PIECE

#: So many characters must be known behind a number, else `1e` might be the first half of `1e-300`.
_LOOK_AHEAD = 64

_SPACE = " \t\n\r"


class JsonStream:
    """Reads JSON from a file in pieces. What was read is dropped, so that about one piece lies in memory."""

    def __init__(self, body: BinaryIO) -> None:
        self._file = io.TextIOWrapper(body, encoding="utf-8", newline="")
        # All numbers as floats: an integer of 5,000 digits is an error in Python, but infinite as a float.
        self._decoder = json.JSONDecoder(parse_int=float)
        self._text, self._at, self._passed, self._ended = "", 0, 0, False

    def members(self) -> Iterator[str]:
        """The names in an object; the caller reads each value. Nothing may follow the object."""
        if self._next() != "{":
            raise WrongField("the body is no JSON object, needed one with encoding and candidates")
        self._at += 1
        for _ in self._separated("}"):
            if self._next() != '"':
                self._fail("a member's name")
            name = self.value()
            if self._next() != ":":
                self._fail("a colon")
            self._at += 1
            yield name
        if self._next():
            self._fail("the end")

    def items(self, name: str, needed: str) -> Iterator[Any]:
        """The values in a list, one by one."""
        if self._next() != "[":
            raise WrongField(f"{name} is no list, needed {needed}")
        self._at += 1
        for _ in self._separated("]"):
            yield self.value()

    def text(self, name: str, needed: str) -> Iterator[str]:
        """A string of any length, in pieces as they come; one without a quote or a backslash in it, as base64 is."""
        if self._next() != '"':
            raise WrongField(f"{name} is no text, needed {needed}")
        self._at += 1
        while (end := self._text.find('"', self._at)) < 0:
            if self._ended:
                self._at = len(self._text)
                self._fail("the end of a string")
            yield self._unescaped(self._before_cut_escape(), name, needed)
            self._more()
        yield self._unescaped(end, name, needed)
        self._at += 1

    def value(self) -> Any:
        """The value that comes next."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                # Either cut off by the end of the piece, or wrong: more text tells.
                if self._ended or len(self._text) - self._at > _LONGEST_VALUE:
                    self._fail("a JSON value")
            else:
                if self._ended or end + _LOOK_AHEAD < len(self._text):
                    self._at = end
                    return value
            self._more()

    def _before_cut_escape(self) -> int:
        """Where the text read so far may be cut: an escape of 6 characters at most stays for the next piece."""
        escape = self._text.rfind("\\", max(self._at, len(self._text) - 5))
        return len(self._text) if escape < 0 else escape

    def _unescaped(self, end: int, name: str, needed: str) -> str:
        """The string's text up to `end`. PHP writes each slash of base64 as an escape."""
        text, self._at = self._text[self._at : end], end
        if "\\" not in text:
            return text
        if text.endswith("\\"):
            raise WrongField(f"{name} has a quote or a backslash in it, needed {needed}")
        try:
            unescaped: str = json.loads(f'"{text}"')
        except ValueError:
            self._fail("a string")
        return unescaped

    def _separated(self, close: str) -> Iterator[None]:
        """One step for each entry up to `close`; the commas between them are skipped."""
        if self._next() == close:
            self._at += 1
            return
        while True:
            yield
            found = self._next()
            self._at += 1
            if found == close:
                return
            if found != ",":
                self._at -= 1
                self._fail(f"a comma or {close}")

    def _next(self) -> str:
        """The next character that is no space, without moving past it; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def _more(self) -> None:
        try:
            piece = self._file.read(PIECE)
        except UnicodeDecodeError as error:
            raise BadBody("the body is not UTF-8 text, needed JSON") from error
        self._ended = not piece
        self._passed += self._at
        self._text, self._at = self._text[self._at :] + piece, 0

    def _fail(self, needed: str) -> NoReturn:
        found = repr(self._text[self._at : self._at + 12]) if self._next() else "the end"
        raise BadBody(
            f"the body is not valid JSON: at character {self._passed + self._at} found {found}, needed {needed}"
        )
