"""What a demo found, as a table: a row a photo on a terminal, a line a face where a program reads it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from faces.report.sheet import SheetFace, SheetPhoto
from faces.system.terminal import visible
from worker.commands.output import Output

COLUMNS = ("photo", "faces", "quality", "who", "distance", "seconds")

#: More photos would only scroll away; the contact sheet has them all.
MOST_PHOTOS = 60

#: More faces of one photo are told as a number, unless they have a name.
MOST_UNKNOWN = 4


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A photo in the table; `seconds` says how long it took, or why it took no time."""

    photo: SheetPhoto
    seconds: str


def show(output: Output, lines: Sequence[PhotoRow]) -> None:
    if not sys.stdout.isatty():
        output.table(COLUMNS, [row for line in lines for row in _plain(line)])
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("photo", "who") else "right", overflow="fold")
    for line in lines[:MOST_PHOTOS]:
        table.add_row(*_cells(line))
    console = Console(highlight=False)
    console.print(table)
    if len(lines) > MOST_PHOTOS:
        console.print(f"… and {len(lines) - MOST_PHOTOS:,} photos more: the contact sheet has them all\n")


def _plain(line: PhotoRow) -> Iterator[tuple[str, ...]]:
    photo, seconds = line.photo, line.seconds
    if not photo.faces:
        yield photo.title, "0", "", photo.problem or "", "", seconds
    for face in photo.faces:
        who = (_quality(face), face.name or "unknown", _distance(face))
        yield photo.title, str(len(photo.faces)), *who, seconds


def _cells(line: PhotoRow) -> tuple[Text, ...]:
    photo = line.photo
    count = Text(str(len(photo.faces)), style="" if photo.faces else "dim")
    columns = [Text("\n").join(column) for column in zip(*_triples(photo), strict=True)]
    return Text(visible(photo.title)), count, *columns, Text(line.seconds, style="dim")


def _triples(photo: SheetPhoto) -> Iterator[tuple[Text, Text, Text]]:
    """Quality, who and distance of each face; what is shown without one; many unknown faces as a number."""
    unknown = sum(face.name is None for face in photo.faces)
    if not photo.faces:
        what = Text(visible(photo.problem), style="red") if photo.problem else Text("no face", style="dim")
        yield Text(), what, Text()
    for face in photo.faces:
        if face.name is not None:
            yield Text(_quality(face)), Text(visible(face.name), style="bold green"), Text(_distance(face))
        elif unknown <= MOST_UNKNOWN:
            yield Text(_quality(face)), Text("unknown", style="dim"), Text()
    if unknown > MOST_UNKNOWN:
        yield Text(), Text(f"{unknown} unknown", style="dim"), Text()


def _quality(face: SheetFace) -> str:
    return "" if face.quality is None else f"{face.quality:.0f}"


def _distance(face: SheetFace) -> str:
    if face.known:
        return "known"
    return "" if face.distance is None else f"{face.distance:.2f}"
