"""Measure our way of finding faces beside the reference method's: see script/bench."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from script.benches import (
    comparing,
    identifying,
    made_photos,
    matching,
    not_faces,
    own_library,
    people,
    photos,
    searching,
    service,
)
from script.benches.own_library_cost import MOST_SECONDS, measure_cost
from script.benches.people_answers import ANSWERS, FIGURES

ROOT = Path(__file__).resolve().parents[2]

#: Columns of a table in a file.
_WIDE = 180

#: Figures by subject, then by what was measured.
Figures = dict[str, dict[str, Any]]


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    subjects = ("photos", "matching", "comparing", "service", "all", "people", "not-faces", "search", "evaluate")
    parser.add_argument("what", nargs="?", choices=subjects, default="all")
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="of people, evaluate: .npz with E and person; of not-faces: photos",
    )
    parser.add_argument("--photos", type=Path, metavar="DIR", help="measure on these instead of made ones")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each photo is taken (default: 3)")
    parser.add_argument(
        "--splits", type=int, default=5, metavar="N", help="of people, evaluate: how often they are divided"
    )
    parser.add_argument("--people", type=Path, metavar="FILE", help="of not-faces: known people, as of people")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    told = parser.parse_args()
    if (told.what in ("people", "not-faces", "evaluate")) != (told.file is not None):
        parser.error("people and evaluate need a FILE of them and not-faces a folder, and nothing else takes one")
    if told.what == "evaluate":
        return _evaluate(told.file, told.splits, told.json)
    if told.what == "not-faces":
        return _not_faces(told.file, told.people, told.json)
    if told.what == "search":
        return _search(told.json)
    if told.what == "people":
        return _people(told.file, told.splits, told.json)
    with tempfile.TemporaryDirectory() as folder:
        kinds = (
            photos.of_folder(told.photos) if told.photos else made_photos.make(ROOT / ".cache/samples", Path(folder))
        )
        figures: Figures = {}
        if told.what in ("photos", "all"):
            figures["photos"] = photos.measure(kinds, told.rounds)
        if told.what in ("matching", "all"):
            figures["matching"] = matching.measure(told.rounds * 3)
        if told.what in ("comparing", "all"):
            figures["comparing"] = comparing.measure(told.rounds) | identifying.measure(told.rounds)
        if told.what in ("service", "all"):
            figures["service"] = service.measure(kinds, told.rounds)
    _print(figures)
    if told.json:
        told.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _people(file: Path, splits: int, json_file: Path | None) -> int:
    """Who is who, beside what is promised: 1 where a bar is missed that is not known to be."""
    result = people.measure(file, splits, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201  progress
    rows, others = people.of_rows(result), people.of_others(result)
    table = Table(title=f"people: means of {splits} splits, percent (worst), and bars", title_justify="left")
    for heading in ("enrolled", "strangers linked", "linked, right", "offered, right", "strangers offered"):
        table.add_column(heading)
    for name, verdicts in rows.items():
        table.add_row(name, *map(_told, verdicts))
    for name, verdict in others.items():
        table.add_row(name, _told(verdict), end_section=name == list(others)[-1])
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)
    _print_answers(people.of_answers(result))
    if json_file:
        json_file.write_text(json.dumps(people.as_figures(result), indent=2) + "\n", encoding="utf-8")
    return 0 if all(one.is_as_told for one in chain(*rows.values(), others.values())) else 1


def _evaluate(file: Path, splits: int, json_file: Path | None) -> int:
    """What `worker evaluate` says beside what is so, and its cost: 1 where it is not as promised."""
    truth = own_library.measure(file, splits, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201  progress
    table = Table(title=f"evaluate: means of {splits} splits, percent", title_justify="left")
    for heading in ("", "mean", "least", "most", "libraries"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, *values, count in own_library.lines(truth):
        table.add_row(name, *(f"{value:.2f}" for value in values), str(count))
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(table)
    cost = measure_cost()
    console.print("200,000 faces:", ", ".join(f"{name} {value:.1f}" for name, value in cost.items()))
    if json_file:
        json_file.write_text(json.dumps({**truth.shares, **cost}, indent=2) + "\n", encoding="utf-8")
    return 0 if truth.is_as_promised and cost["CPU seconds"] <= MOST_SECONDS else 1


def _not_faces(folder: Path, known: Path | None, json_file: Path | None) -> int:
    """What is found again, and held back: 1 where too many real faces are."""
    suit = ROOT / ".cache/samples/photos/astronaut.png"
    result = not_faces.measure(folder, suit, known, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201  progress
    table = Table(title="not-faces: percent below each distance", title_justify="left")
    for heading in ("", "of", *(f"{limit:.2f}" for limit in not_faces.LIMITS)):
        table.add_column(heading, justify="right" if heading else "left")
    for name, shares in result.columns.items():
        table.add_row(name, str(result.sizes[name]), *(f"{share:.2f}" for share in shares))
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    console.print(table)
    console.print("nearest of the folder:", ", ".join(f"{name} {distance:.2f}" for distance, name in result.nearest))
    if json_file:
        json_file.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    return 0 if result.held_back <= not_faces.PROMISED else 1


def _search(json_file: Path | None) -> int:
    """What a search costs, by size and by database: 1 where it costs more than is promised."""
    result = searching.measure(lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201  progress
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    for title, columns in (
        ("search: an index alone, faces", {f"{size:,}": figures for size, figures in result.index.items()}),
        (f"search: {searching.IN_DATABASE:,} faces out of a database", result.database),
    ):
        table = Table(title=title, title_justify="left")
        for heading in ("", *columns, "at most"):
            table.add_column(heading, justify="right" if heading else "left")
        for name in next(iter(columns.values())):
            most = f"{searching.LIMITS[name]:g}" if name in searching.LIMITS else ""
            table.add_row(name, *(f"{figures[name]:.4g}" for figures in columns.values()), most)
        console.print(table)
    for miss in result.missed:
        console.print(f"[bold red]missed: {miss}")
    if json_file:
        json_file.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    return 1 if result.missed else 0


def _print_answers(figures: dict[str, list[str]]) -> None:
    table = Table(title="groups named by their owner: means after so many answers, percent", title_justify="left")
    for heading in ("", *map(str, ANSWERS)):
        table.add_column(heading, justify="right" if heading else "left")
    for name, means in figures.items():
        table.add_row(name, *means, end_section=name.endswith(FIGURES[-1]))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


def _told(verdict: people.Verdict) -> str:
    return f"{verdict}" if verdict.reached else f"[{'yellow' if verdict.known else 'bold red'}]{verdict}"


def _print(figures: Figures) -> None:
    console = Console()
    for subject, measured in figures.items():
        for name, result in measured.items():
            table = Table(title=f"{subject}: {name}", title_justify="left")
            for heading in ("", "reference", "ours", "ours / reference"):
                table.add_column(heading, justify="right" if heading else "left")
            for key, ratio in result["ratio"].items():
                table.add_row(key, f"{result['reference'][key]:.4g}", f"{result['ours'][key]:.4g}", f"{ratio:.3f}")
            console.print(table)


if __name__ == "__main__":
    sys.exit(main())
