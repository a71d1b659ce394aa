"""Which groups of unknown faces a page shows, and which of the unknown faces are shown beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from faces.report.sheet import SheetFace

#: Groups that a page shows: the largest. `groups` lists all.
MAX_GROUPS = 60

#: Faces of a group on the page.
_LEAST = 2

#: A face and the number of its photo.
Found = tuple[int, SheetFace]


@dataclass(frozen=True, slots=True)
class UnknownFaces:
    """Unknown faces: `groups` by id, the largest first, `more` groups that are not shown, and faces in none that is."""

    groups: dict[int, list[Found]]
    more: int
    alone: list[Found]


def grouped(unknown: Iterable[Found]) -> UnknownFaces:
    """Part faces without a name: of a group that has only one of them here nothing is to be seen."""
    groups: defaultdict[int, list[Found]] = defaultdict(list)
    for number, face in unknown:
        if face.group is not None:
            groups[face.group].append((number, face))
    large = sorted(
        (group for group in groups if len(groups[group]) >= _LEAST), key=lambda one: (-len(groups[one]), one)
    )
    shown = {group: groups[group] for group in large[:MAX_GROUPS]}
    alone = [(number, face) for number, face in unknown if face.group not in shown]
    return UnknownFaces(shown, len(large) - len(shown), alone)
