"""argparse with two habits of ours: options stand where the usage shows them, and errors are safe to print."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from faces.errors import RequestError
from faces.people.refs import Kind, Ref
from faces.system.terminal import visible

#: A larger number has no place in a row, and SQLite's driver raises OverflowError when it is asked for.
_LARGEST = 2**63 - 1


def row_id(text: str) -> int:
    """An id that a row can have."""
    try:
        number = int(text)
    except ValueError:
        number = _LARGEST + 1
    if not -_LARGEST <= number <= _LARGEST:
        raise argparse.ArgumentTypeError(f"found {text!r}, needed a whole number of at most 64 bits")
    return number


def ref_of(kind: Kind) -> Callable[[str], int]:
    """Read an id of this kind, such as g12, whose letter is needed."""

    def read(text: str) -> int:
        try:
            return Ref.parse(text, kind).id
        except RequestError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def face_id(text: str) -> int:
    """An id of a face, written 12 or f12."""
    return ref_of("face")(text) if text[:1].isalpha() else row_id(text)


class Parser(argparse.ArgumentParser):
    """A parser whose errors may quote whatever was typed."""

    def error(self, message: str) -> NoReturn:
        """End with a sentence and code 2."""
        super().error(visible(message))


class VerbParser(Parser):
    """A verb's parser: its options may stand anywhere between its other words, as in its usage line.

    argparse by itself gives up on a list of words, such as photos, at the first option before them.
    """

    _is_within = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the options first and what is left then; older Pythons do either by this same method.

        Not where -- is among the words: they forget it between the two, and the options stand before it anyway.
        """
        if self._is_within or "--" in (args or ()):
            return super().parse_known_args(args, namespace)
        self._is_within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_within = False
