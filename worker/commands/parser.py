"""argparse with two habits of ours: options stand where the usage shows them, and errors are safe to print."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

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
