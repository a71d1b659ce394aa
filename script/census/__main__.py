"""Print how large a house is and how far one has to walk in it: see script/house."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from script.census import hops, modules
from script.census.modules import Module

ROOT = Path(__file__).resolve().parents[2]

#: Two people, side by side: the same for every checkout, because what is passed depends on the photo.
_PHOTO = ROOT / ".cache/samples/photos/side-by-side.jpg"

#: Figures by what they are of.
Figures = dict[str, Any]


def main() -> int:
    """Count, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/house", description=__doc__)
    parser.add_argument("other", nargs="?", type=Path, metavar="DIR", help="another checkout to compare with")
    parser.add_argument("--json", action="store_true", help="all of it, for machines")
    parser.add_argument("--text", action="store_true", help="only what the text says: runs nothing")
    told = parser.parse_args()
    checkouts = [folder.resolve() for folder in (told.other, ROOT) if folder]
    for checkout in checkouts:
        if not modules.packages_of(checkout):
            parser.error(f"{checkout} is no checkout: found no package in it")
    counted = {str(checkout): _count(checkout, flows=not told.text) for checkout in checkouts}
    if told.json:
        print(json.dumps(counted, indent=2, ensure_ascii=False))  # noqa: T201  the answer
    else:
        _print(counted)
    return 1 if any("not measured" in figures for figures in counted.values()) else 0


def _count(checkout: Path, *, flows: bool) -> Figures:
    found = modules.modules_of(checkout)
    figures: Figures = {"sizes": _sizes(found), "rooms": modules.rooms(found), "to look at": _to_look_at(found)}
    if flows:
        figures["flows"] = {}
        for flow in hops.FLOWS:
            ways, complaint = walked(flow, checkout)
            figures["flows"] |= {f"{flow} to its {end}": functions for end, functions in ways.items()}
            if not ways:
                figures.setdefault("not measured", {})[flow] = complaint
    return figures


def _sizes(found: Sequence[Module]) -> dict[str, int]:
    functions = modules.function_lines(found)
    lines = [module.lines for module in found]
    return {
        "modules": len(found),
        "lines": sum(lines),
        "lines of a module: median": modules.at(0.5, lines),
        "p90": modules.at(0.9, lines),
        "longest": max(lines),
        "functions": len(functions),
        "lines of a function: median": modules.at(0.5, functions),
        "p90 ": modules.at(0.9, functions),
        "docstrings": sum(len(list(module.docstrings)) for module in found),
        "docstrings with riddles": sum(map(len, modules.riddles(found).values())),
    }


def _to_look_at(found: Sequence[Module]) -> dict[str, Any]:
    return {
        "base names used twice": modules.base_names_twice(found),
        "class names used twice": modules.class_names_twice(found),
        f"folders with more than {modules.FULL} modules": modules.full_folders(found),
        f"modules under {modules.SMALL} lines with one importer": modules.small_with_one_importer(found),
        "modules with riddles in docstrings": modules.riddles(found),
    }


def walked(flow: str, checkout: Path) -> tuple[hops.Answer, str]:
    """A flow's functions in a process of that checkout; where there are none, what it complained of."""
    own = checkout / ".venv/bin/python"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("FACE_")}
    ended = subprocess.run(  # noqa: S603  the words are those of `hops.FLOWS`
        [own if own.exists() else sys.executable, "-", flow, checkout, _PHOTO],
        input=Path(hops.__file__).read_text(encoding="utf-8"),
        cwd=checkout,
        env=variables | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = (ended.stdout if ended.returncode == 0 else ended.stderr).strip().splitlines()
    if ended.returncode == 0 and (ways := json.loads(said[-1])):
        return ways, ""
    return {}, said[-1 if ended.returncode else 0] if said else f"exit status {ended.returncode}"


def _print(counted: dict[str, Figures]) -> None:
    _line("", *counted)
    for name in next(iter(counted.values()))["sizes"]:
        _line(name, *(figures["sizes"][name] for figures in counted.values()))
    _line()
    for name in dict.fromkeys(flow for figures in counted.values() for flow in figures.get("flows", ())):
        ways = [figures["flows"].get(name) for figures in counted.values()]
        _line(f"{name}: modules", *(_counted(way, module_of) for way in ways))
        _line("functions", *(_counted(way, name_of) for way in ways))
        _line("functions, lambdas, comprehensions", *(_counted(way) for way in ways))
    _line()
    for folder in sorted({folder for figures in counted.values() for folder in figures["rooms"]}):
        _line(folder, *("{} / {}".format(*figures["rooms"].get(folder, ("–", "–"))) for figures in counted.values()))
    _line()
    for name in next(iter(counted.values()))["to look at"]:
        _line(name, *(len(figures["to look at"][name]) for figures in counted.values()))
    _print_last(counted)


def _print_last(counted: dict[str, Figures]) -> None:
    """What is to be looked at in this checkout, and what could not be measured in any."""
    for name, found in counted[str(ROOT)]["to look at"].items():
        if found:
            _line(f"\n{name}:")
        for what, where in found.items():
            _line(f"  {what}: {', '.join(where) if isinstance(where, list) else where}")
    for checkout, figures in counted.items():
        for flow, complaint in figures.get("not measured", {}).items():
            _line(f"\nnot measured in {checkout}: {flow}: {complaint}")


def _counted(way: Sequence[str] | None, of: Callable[[str], str] = str) -> int | str:
    return "?" if way is None else len({of(function) for function in way} - {""})


def module_of(function: str) -> str:
    return function.partition(":")[0]


def name_of(function: str) -> str:
    return "" if function.endswith(">") else function


def _line(name: str = "", *values: object) -> None:
    print(f"{name:52}{''.join(f'{value:>16}' for value in values)}".rstrip())  # noqa: T201  the answer


if __name__ == "__main__":
    sys.exit(main())
