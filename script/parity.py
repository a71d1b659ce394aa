"""Compare our engine with the reference method on a folder of photos: see script/parity."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from faces.photo.open_engine import open_engine
from faces.settings import load
from tests.oracle.compare import FARTHEST, Difference, compare
from tests.oracle.reference import why_not


def main() -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/parity", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="photos of any kind, also in folders below")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is not a folder")
    compared, skipped = _compare_all(arguments.folder)
    figures = _figures(compared, skipped)
    if arguments.json:
        print(json.dumps(figures, indent=2, ensure_ascii=False))  # noqa: T201  the answer
    else:
        _print(figures)
    return 1 if figures["wrong"] or not compared else 0


def _compare_all(folder: Path) -> tuple[dict[str, Difference], dict[str, str]]:
    engine = open_engine(load())
    compared: dict[str, Difference] = {}
    skipped: dict[str, str] = {}
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        name = str(path.relative_to(folder))
        if reason := why_not(path):
            skipped[name] = reason
        else:
            compared[name] = compare(engine, path)
    return compared, skipped


def _figures(compared: dict[str, Difference], skipped: dict[str, str]) -> dict[str, object]:
    return {
        "photos": len(compared),
        "with_faces": sum(difference.faces > 0 for difference in compared.values()),
        "faces": sum(difference.faces for difference in compared.values()),
        "largest_box_difference": max((difference.box for difference in compared.values()), default=0),
        "largest_encoding_difference": max((difference.encoding for difference in compared.values()), default=0.0),
        "limit_of_encoding_difference": FARTHEST,
        "wrong": {name: difference.wrong for name, difference in compared.items() if difference.wrong},
        "not_comparable": skipped,
    }


def _print(figures: dict[str, object]) -> None:
    for title, value in figures.items():
        if isinstance(value, dict):
            print(f"{title}: {len(value)}")  # noqa: T201
            for name, reason in value.items():
                print(f"  {name}: {reason}")  # noqa: T201
        else:
            print(f"{title}: {value}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
