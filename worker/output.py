"""What a command tells: results on stdout, for people or as JSON for machines; everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's words go. `as_json`: stdout holds nothing but JSON."""

    as_json: bool
    console: Console

    @classmethod
    def of(cls, *, as_json: bool) -> Output:
        """For this process's stdout and stderr."""
        return cls(as_json, Console(stderr=True, highlight=False, soft_wrap=True))

    def say(self, sentence: str) -> None:
        """A sentence for the person who waits; also while a progress bar moves."""
        self.console.print(Text(printable(sentence)))

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
        # The end of a path says more than its beginning: long cells take more lines instead of being cut.
        table = Table(*(Column(column, overflow="fold") for column in columns))
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        Console(highlight=False).print(table)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """A bar on a terminal, nothing elsewhere; yields what to call for each step."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)


def _write(text: str) -> None:
    sys.stdout.write(printable(text))
    sys.stdout.flush()


def printable(text: str) -> str:
    """Names of files need not be text; what is not becomes a question mark instead of an error."""
    return text.encode("utf-8", "replace").decode()
