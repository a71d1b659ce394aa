"""CSV as spreadsheets open it: UTF-8 with its mark, and no cell that they would compute instead of showing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

#: Without it Excel takes UTF-8 for the machine's own encoding.
_MARK = "\ufeff"

_END = "\r\n"

#: What a formula begins with (OWASP, CSV injection); the last four are their full-width forms.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def lines(titles: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """The mark and the titles, then a piece of text for each row.

    A text that would be a formula begins with an apostrophe; numbers stay numbers.
    """
    text = io.StringIO()
    # It quotes what ends its lines: with both, a name cannot begin another row.
    writer = csv.DictWriter(text, titles, lineterminator=_END)
    text.write(_MARK)
    writer.writeheader()
    for row in rows:
        yield _taken(text)
        writer.writerow({title: _harmless(value) for title, value in row.items()})
    yield _taken(text)


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _taken(text: io.StringIO) -> str:
    piece = text.getvalue().removesuffix(_END) + "\n"
    text.seek(0)
    text.truncate()
    return piece
