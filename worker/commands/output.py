"""What a command tells: results on stdout, for people or as JSON for machines; everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from faces.errors import RequestError
from faces.system.terminal import visible, visible_lines

#: Rows of a table that are drawn at a time: the columns' widths are those of so many rows.
_DRAWN = 500


class Output:
    """A command's stdout and stderr, one a process; all that a verb prints is printed by it, from one thread.

    Control characters, in names of files for example, are written out.
    """

    def __init__(self, *, as_json: bool) -> None:
        """`as_json`: stdout holds nothing but JSON."""
        self.as_json = as_json
        self._beside_bar: Callable[[str], None] | None = None

    def say(self, sentence: str) -> None:
        """A sentence on stderr for the person who waits; also while a progress bar moves."""
        text = visible(sentence)
        if self._beside_bar:
            self._beside_bar(text)
        else:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def ask(self, question: str) -> str | None:
        """What a person answers, in one line on the terminal; None where no terminal is there to answer on."""
        if not sys.stdin.isatty():
            return None
        self.flush()
        sys.stderr.write(f"{visible(question)} ")
        sys.stderr.flush()
        return sys.stdin.readline().strip()

    def result(self, sentence: str) -> None:
        """A line of what was asked for, in words; machines get records instead."""
        if not self.as_json:
            _write(visible(sentence) + "\n")
            self.flush()

    def record(self, value: Mapping[str, object]) -> None:
        """One line of JSON on stdout; people do not see it."""
        if self.as_json:
            _write(visible(json.dumps(value)) + "\n")
            self.flush()

    def records(self, values: Iterable[Mapping[str, object]]) -> None:
        """A JSON list on one line of stdout, written as its values come; people do not see it."""
        if self.as_json:
            _write("[")
            for number, value in enumerate(values):
                _write((", " if number else "") + visible(json.dumps(value)))
            _write("]\n")
            self.flush()

    def data(self, lines: str) -> None:
        """Whole lines for another program, just as they are; on a terminal they are only looked at."""
        _write(visible_lines(lines) if sys.stdout.isatty() else lines.encode("utf-8", "replace").decode())

    def flush(self) -> None:
        """Write what of stdout still waits.

        Raises:
            RequestError: there is no room for it.
        """
        _write("", flush=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table: drawn on a terminal, some hundred rows at a time; tab-separated lines elsewhere."""
        remaining = iter(rows)
        if not sys.stdout.isatty():
            _write("\t".join(columns) + "\n")
            for row in remaining:
                _write("\t".join(visible(" ".join(cell.split())) for cell in row) + "\n")
            self.flush()
            return
        _draw(columns, list(islice(remaining, _DRAWN)))
        while some := list(islice(remaining, _DRAWN)):
            _draw(columns, some)

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


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    # Here, and not above: a worker draws nothing.
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    # The end of a path says more than its beginning: long cells take more lines instead of being cut.
    table = Table(*(Column(column, overflow="fold") for column in columns))
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    Console(highlight=False).print(table)


def _nothing() -> None:
    pass


def _write(text: str, *, flush: bool = False) -> None:
    try:
        sys.stdout.write(text)
        if flush:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        let_go_of_stdout()
        raise RequestError(f"the output cannot be written: {error.strerror}") from error


def let_go_of_stdout() -> None:
    """Drop what of stdout still waits: Python's own last flush must not complain about that."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
