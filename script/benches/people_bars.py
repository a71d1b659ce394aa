"""What is promised about people, as bars: docs/people.md has the same figures. Percent of what the column says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of library, and what is promised of it."""

    name: str
    people: int
    """Enrolled; where the file has not so many, as many as it has."""
    photos: int
    """Confirmed faces of each."""
    strangers_linked: float
    """At most: strangers linked by themselves. The promise."""
    linked: float
    """At least: faces of enrolled people linked by themselves, and rightly."""
    offered: float
    """At least: the same linked or offered."""
    strangers_offered: float
    """At most: strangers linked, or offered as an enrolled person."""
    size: int = 1
    """Photos of an unknown person that are grouped before they are asked about."""
    own_groups: bool = True
    kind: str = "ordinary"
    """`ordinary`, `alike` (all of one kind of people), or `lacked` (alike, and the cohort has no such people)."""


ROWS = (
    Row("20 people, 1 photo", 20, 1, 0.6, 73, 92, 7),
    Row("200 people, 1 photo", 200, 1, 0.7, 79, 92, 12),
    Row("the same, no own groups yet", 200, 1, 0.9, 78, 92, 14, own_groups=False),
    Row("400 people, 1 photo", 400, 1, 1.0, 79, 92, 16),
    Row("600 people, 1 photo", 600, 1, 1.1, 76, 91, 20),
    Row("100 people, 3 photos", 100, 3, 0.2, 86, 96, 4),
    Row("100 people, 5 photos", 100, 5, 0.1, 88, 97, 3),
    Row("200 people, 1 photo, two unknown grouped", 200, 1, 0.2, 83, 96, 6, size=2),
    Row("100 people, 5 photos, two unknown grouped", 100, 5, 0.0, 90, 99, 1.2, size=2),
    Row("up to 50 of one kind, 1 photo", 50, 1, 1.2, 68, 84, 18, kind="alike"),
    Row("the same, a cohort that lacks them", 50, 1, 2.1, 69, 87, 25, kind="lacked"),
)

#: Everything but the first column may miss the promise by so many points: half of the file's people make the cohort.
SLACK = 1.0

#: Figures of all ordinary rows, and those that are not about a row: name, whether more or less is better, the promise,
#: and the points by which it may be missed.
OTHERS: dict[str, tuple[str, float, float]] = {
    "enrolled people linked as another one": ("at most", 0.1, 0.0),
    "enrolled people offered as another one": ("at most", 2.0, SLACK),
    "old links kept that are right": ("at least", 98.0, SLACK),
    "right old links that are kept": ("at least", 79.0, SLACK),
    "share of strangers 50 to 90 %: points that it is learned wrong by": ("at most", 2.0, SLACK),
    "the same: what is linked with it and right": ("at least", 98.0, SLACK),
    "share of strangers 95 %: what is linked and right": ("at least", 96.0, SLACK),
    "the same, people with 5 photos: what is linked and right": ("at least", 96.0, SLACK),
    "groups: pairs that are one person": ("at least", 99.5, SLACK),
    "groups: pairs of one person that are found": ("at least", 86.0, SLACK),
    "groups: faces in a mixed group": ("at most", 1.5, SLACK),
    "groups: pairs of one photo": ("at most", 0.0, 0.0),
    "groups of one kind: pairs that are one person": ("at least", 97.0, SLACK),
    "groups of one kind: faces in a mixed group": ("at most", 7.0, SLACK),
    "groups of one kind that the cohort lacks: faces in a mixed group": ("at most", 6.0, 0.0),
    "families: heavy persons found": ("at least", 100.0, 0.0),
    "families: faces in a mixed group": ("at most", 3.0, 0.0),
    "families of a kind that the cohort lacks: heavy persons found": ("at least", 100.0, 0.0),
    "families of a kind that the cohort lacks: faces in a mixed group": ("at most", 6.0, 0.0),
    "family, share of perfect groups after 50 answers": ("at least", 94.0, SLACK),
    "family, share of perfect groups after 250 answers": ("at least", 94.0, SLACK),
    "family, wrong of named after 50 answers": ("at most", 0.3, 0.0),
    "family, wrong of named after 250 answers": ("at most", 0.3, 0.0),
    "close family, share of perfect groups after 50 answers": ("at least", 95.0, SLACK),
    "close family, share of perfect groups after 250 answers": ("at least", 97.0, SLACK),
    "close family, wrong of named after 50 answers": ("at most", 0.3, 0.0),
    "close family, wrong of named after 250 answers": ("at most", 0.3, 0.0),
}

#: Bars that are known to be missed, by the figure's name or the row's name and the column, and what holds instead:
#: docs/people.md tells each with what was tried. Whoever falls below that misses as with any other bar.
KNOWN_MISSES: Mapping[str | tuple[str, str], float] = {
    ("400 people, 1 photo", "linked, right"): 77.5,
    "families of a kind that the cohort lacks: heavy persons found": 84.0,
}
