"""Measure our way of finding faces beside the reference method's: see script/bench."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from script.benches import comparing, made_photos, matching, photos, service

ROOT = Path(__file__).resolve().parents[2]

#: Figures by subject, then by what was measured.
Figures = dict[str, dict[str, Any]]


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("photos", "matching", "comparing", "service", "all"), default="all")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="measure on these instead of made ones")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each photo is taken (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    told = parser.parse_args()
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
            figures["comparing"] = comparing.measure(told.rounds)
        if told.what in ("service", "all"):
            figures["service"] = service.measure(kinds, told.rounds)
    _print(figures)
    if told.json:
        told.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


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
