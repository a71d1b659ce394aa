"""Measure what many groups of unknown faces cost: see script/bench-groups."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import numpy.typing as npt

from faces.people.cohort import read_cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.groups.alarm import USUAL, Alarm
from faces.people.groups.group_index import KeptGroup
from faces.people.groups.growing import SLICE, Groups
from faces.people.groups.memberships import Memberships, NewFace
from faces.people.neighbourhood import Neighbourhood
from script.benches import index_start

#: What may be reached at most.
LIMITS = {
    "a face, CPU ms": 20.0,
    "joining after 100 faces, CPU s": 1.0,
    "all neighbourhoods anew, CPU s": 5.0,
    "bytes a group": 600.0,
    "bytes a person": 600.0,
    "a start out of the file, CPU s": 0.2,
}

#: Faces that arrive.
_ARRIVALS = 100

#: How far a group is from the shipped average beside it, and a photo from its person's middle, on the mean.
_APART, _SPREAD = 0.45, 0.3


@dataclass(slots=True)
class _MadeMembers(Memberships):
    """Groups of one face each; what has been joined since is kept apart."""

    encodings: npt.NDArray[np.float64]
    totals: dict[int, EncodingSum | None] = field(default_factory=dict)

    def known(self, group: int) -> KeptGroup | None:
        total = self._total(group)
        return total and KeptGroup(group, total)

    def may_take(self, group: int, face: NewFace) -> bool:
        return True

    def may_be_one(self, one: int, other: int) -> bool:
        return True

    def start(self, face: NewFace) -> int:
        group = max(len(self.encodings), *self.totals, 0) + 1
        self.totals[group] = EncodingSum.of(face.encoding[None])
        return group

    def add(self, face: NewFace, group: int) -> EncodingSum | None:
        total = self._total(group)
        self.totals[group] = total and total + EncodingSum.of(face.encoding[None])
        return self.totals[group]

    def absorb(self, kept: int, gone: int) -> EncodingSum | None:
        one, other = self._total(kept), self._total(gone)
        self.totals[kept], self.totals[gone] = one and other and one + other, None
        return self.totals[kept]

    def _total(self, group: int) -> EncodingSum | None:
        if group in self.totals:
            return self.totals[group]
        return EncodingSum.of(self.encodings[group - 1][None])


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench-groups", description=__doc__)
    parser.add_argument("--groups", type=int, default=100_000, metavar="N", help="groups that there are")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    told = parser.parse_args()
    dice = np.random.default_rng(7)
    encodings = made_encodings(told.groups, dice)
    starts = index_start.measure(encodings)
    figures = measure(encodings, dice, starts)
    print(json.dumps(figures | {"starts": starts}) if told.json else _page(told.groups, figures, starts))  # noqa: T201
    return 1 if any(value > LIMITS[name] for name, value in figures.items()) else 0


def made_encodings(count: int, dice: np.random.Generator) -> npt.NDArray[np.float64]:
    """So many, beside averages of the cohort; shape (count, 128)."""
    averages = read_cohort().averages
    return _near(averages[dice.integers(0, len(averages), count)], _APART, dice)


def measure(
    encodings: npt.NDArray[np.float64], dice: np.random.Generator, starts: dict[str, dict[str, float]]
) -> dict[str, float]:
    """The figures of `LIMITS`, with a group of each encoding; `starts` is what `index_start.measure` found of them."""
    cohort, count = read_cohort(), len(encodings)
    middles = Neighbourhood(cohort).shipped_alone(encodings)
    kept = [
        KeptGroup(group, EncodingSum.of(encoding[None]), around=float(around))
        for group, (encoding, around) in enumerate(zip(encodings, middles, strict=True), 1)
    ]
    usual = Alarm.of(np.full(count, USUAL, np.float32))
    groups = Groups(cohort, _MadeMembers(encodings), kept, alarm=usual)
    del kept
    known = _near(encodings[dice.integers(0, count, _ARRIVALS // 2)], _SPREAD, dice)
    strangers = _near(cohort.averages[dice.integers(0, len(cohort.averages), _ARRIVALS // 2)], _APART, dice)
    faces = dice.permutation(np.concatenate([known, strangers]))
    groups.merge()
    _renew_all(groups)
    each = [_cpu(lambda face=face: groups.arrive([face])) for face in _new_faces(faces)]  # type: ignore[misc]
    joining = _cpu(groups.merge)
    return {
        "a face, CPU ms": 1000 * median(each),
        "joining after 100 faces, CPU s": joining,
        "all neighbourhoods anew, CPU s": _cpu(lambda: _renew_all(groups)),
        "bytes a group": groups.index.bytes / len(groups.index),
        "bytes a person": _bytes_a_person(encodings),
        "a start out of the file, CPU s": starts["file"]["CPU s"],
    }


def _page(count: int, figures: dict[str, float], starts: dict[str, dict[str, float]]) -> str:
    lines = [f"  {name:32} {value:8.2f}   at most {LIMITS[name]:g}" for name, value in figures.items()]
    head = (
        f"  {f'a process starts, {count:,} people, too:':40} {'out of rows':>14} {'out of the file':>17} {'ratio':>8}"
    )
    columns = [(name, starts["rows"][name], starts["file"][name]) for name in index_start.FIGURES]
    rows = [f"  {name:40} {one:14.2f} {other:17.3f} {other / one:8.4f}" for name, one, other in columns]
    return "\n".join([f"{count:,} groups", *lines, head, *rows])


def _bytes_a_person(encodings: npt.NDArray[np.float64]) -> float:
    """With the room that one more person made."""
    sums = {person: EncodingSum.of(encoding[None]) for person, encoding in enumerate(encodings)}
    measured = dict.fromkeys(sums, (USUAL, 0))
    people = EnrolledPeople(Neighbourhood(read_cohort()), sums, measured=measured)
    people.put(len(sums), sums[0])
    return people.bytes / len(people)


def _near(middles: npt.NDArray[np.floating], apart: float, dice: np.random.Generator) -> npt.NDArray[np.float64]:
    """One made encoding beside each."""
    return middles + dice.normal(0, apart / np.sqrt(middles.shape[1]), middles.shape)


def _new_faces(encodings: npt.NDArray[np.float64]) -> list[NewFace]:
    return [NewFace(face, face, encoding) for face, encoding in enumerate(encodings)]


def _renew_all(groups: Groups) -> None:
    while len(groups.renew(SLICE)):
        pass


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds of all threads."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
