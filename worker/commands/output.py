"""What a command tells: results on stdout, for people or as JSON for machines; everything else on stderr."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

#: What would move a terminal's cursor instead of being read.
_CONTROLS = re.compile(r"[\a\b\v\f\r]")


class Output:
    """A command's stdout and stderr, one a process; all that a verb prints is printed by it, from one thread."""

    def __init__(self, *, as_json: bool) -> None:
        """`as_json`: stdout holds nothing but JSON."""
        self.as_json = as_json
        self._beside_bar: Callable[[str], None] | None = None

    def say(self, sentence: str) -> None:
        """A sentence on stderr for the person who waits; also while a progress bar moves."""
        text = _CONTROLS.sub("", printable(sentence))
        if self._beside_bar:
            self._beside_bar(text)
        else:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def result(self, sentence: str) -> None:
        """A line of what was asked for, in words; machines get records instead."""
        if not self.as_json:
            _write(sentence + "\n")

    def record(self, value: Mapping[str, object] | Sequence[Mapping[str, object]]) -> None:
        """One line of JSON on stdout; people do not see it."""
        if self.as_json:
            _write(json.dumps(value) + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table: drawn on a terminal, tab-separated lines elsewhere."""
        if not sys.stdout.isatty():
            for row in (columns, *rows):
                _write("\t".join(" ".join(cell.split()) for cell in row) + "\n")
            return
        # Here, and not above: a worker draws nothing.
        from rich.console import Console
        from rich.table import Column, Table
        from rich.text import Text

        # The end of a path says more than its beginning: long cells take more lines instead of being cut.
        table = Table(*(Column(column, overflow="fold") for column in columns))
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        Console(highlight=False).print(table)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """A bar on a terminal, nothing elsewhere; yields what to call for each step."""
        if not sys.stderr.isatty():
            yield _nothing
            return
        # Here, and not above: a worker draws nothing.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.text import Text

        console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            self._beside_bar = lambda text: console.print(Text(text))
            task = bar.add_task(what, total=total)
            try:
                yield lambda: bar.advance(task)
            finally:
                self._beside_bar = None


def _nothing() -> None:
    pass


def _write(text: str) -> None:
    sys.stdout.write(printable(text))
    sys.stdout.flush()


def printable(text: str) -> str:
    """Names of files need not be text; what is not becomes a question mark instead of an error."""
    return text.encode("utf-8", "replace").decode()
