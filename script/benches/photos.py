"""The reference method and ours on the same photos, in turns: CPU seconds, wall time, peak memory, and their ratios."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from script.benches.method import Cost, Method
from tests.oracle.reference import why_not


def measure(kinds: dict[str, list[Path]], rounds: int) -> dict[str, Any]:
    """Each photo `rounds` times by each method in turns; figures by kind.

    Raises:
        SystemExit: the two did not find the same.
    """
    with Method("reference") as reference, Method("ours") as ours:
        return {kind: _kind(reference, ours, photos, rounds) for kind, photos in kinds.items()}


def of_folder(folder: Path) -> dict[str, list[Path]]:
    """The photos below a folder that the reference method can measure, as one kind."""
    photos = sorted(path for path in folder.rglob("*") if path.is_file() and why_not(path) is None)
    if not photos:
        raise SystemExit(f"found no photo in {folder} that the reference method can read as we do")
    return {f"{folder.name}: {len(photos)} photos": photos}


def _kind(reference: Method, ours: Method, photos: Sequence[Path], rounds: int) -> dict[str, Any]:
    theirs: list[list[Cost]] = [[] for _ in photos]
    mine: list[list[Cost]] = [[] for _ in photos]
    for _ in range(rounds):
        for at, photo in enumerate(photos):
            theirs[at].append(reference.cost(photo))
            mine[at].append(ours.cost(photo))
            _compare(photo, theirs[at][-1], mine[at][-1])
    figures = {"reference": _sums(theirs), "ours": _sums(mine)}
    ratios = {name: figures["ours"][name] / figures["reference"][name] for name in figures["ours"]}
    return {**figures, "ratio": ratios, "faces": sum(costs[0].faces for costs in theirs), "photos": len(photos)}


def _compare(photo: Path, theirs: Cost, ours: Cost) -> None:
    if (theirs.faces, theirs.scale) != (ours.faces, ours.scale):
        raise SystemExit(
            f"{photo}: the reference finds {theirs.faces} at {theirs.scale}, we {ours.faces} at {ours.scale}"
        )


def _sums(costs: list[list[Cost]]) -> dict[str, float]:
    """Over all photos: of each photo's rounds the least and the median; of the peaks the largest."""
    return {
        "cpu_min": sum(min(cost.cpu for cost in rounds) for rounds in costs),
        "cpu_median": sum(median(cost.cpu for cost in rounds) for rounds in costs),
        "wall_min": sum(min(cost.wall for cost in rounds) for rounds in costs),
        "wall_median": sum(median(cost.wall for cost in rounds) for rounds in costs),
        "peak_mb": max(cost.peak_mb for rounds in costs for cost in rounds),
    }
