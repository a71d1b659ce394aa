"""Who is who, measured: libraries drawn from a file of known people, the cohort made of other people of the file.

Each split gives half of the people to the cohort and its calibration, and draws libraries from the other half. What is
told is the mean of all splits, beside what docs/people.md promises.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt

from faces.people.calibration import SEVERAL, Learned
from faces.people.cohort import Cohort
from faces.people.identify import OFFER, decide, identify
from faces.people.judging.old_links import believed
from faces.people.learning import learn
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import rough_distances, squares_of
from script.benches.people_answers import ANSWERS, FAMILIES, FIGURES, judge_answers
from script.benches.people_bars import KNOWN_MISSES, OTHERS, ROWS, SLACK, Row
from script.benches.people_groups import heavy_people, judge_families, judge_groups, largest_people
from script.cohorts.averages import averages_of
from script.cohorts.fitting import level_of, make_cohort
from script.cohorts.libraries import Library, Tried, centres_of_kinds, draw_library, of_kind
from script.cohorts.people_file import Faces, read_people

#: Kinds of people for libraries of one kind.
_KINDS = 8

#: People in a library beside those with very many photos; the same for people of one kind, and how many have very many.
_FAMILIES, _FAMILY_ALIKE, _HEAVY_ALIKE = (50, 150, 300), 100, 4

#: The distance under which the old rule linked, and the masters of an old library.
_OLD_THRESHOLD, _MASTERS = 0.6, 200

#: Figures of one column over all libraries, percent; by the row's name or the figure's.
Figures = dict[str, dict[str, list[float]]]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A cohort and people it has not seen."""

    faces: Faces
    makers: Faces
    """The people that the cohort is made of."""
    cohort: Cohort
    dice: np.random.Generator

    @classmethod
    def of(cls, faces: Faces, seed: int) -> Split:
        """Divide the people, and make the cohort."""
        dice = np.random.default_rng(seed)
        order = dice.permutation(faces.people)
        makers = faces.of(order[: len(order) // 2])
        return cls(faces.of(order[len(order) // 2 :]), makers, make_cohort(makers, seed), dice)

    def tried(self, library: Library, cohort: Cohort, *, own_groups: bool = True) -> Tried:
        """Enrol a library's people."""
        return Tried.of(library, library.neighbourhood(cohort, self.dice) if own_groups else Neighbourhood(cohort))


@dataclass(slots=True)
class Result:
    """What was measured of all splits so far."""

    rows: Figures = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    others: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def measure(file: Path, splits: int, tell: Callable[[str], None]) -> Result:
    """Measure all rows on so many splits of the file's people."""
    faces, result = read_people(file), Result()
    for seed in range(splits):
        split = Split.of(faces, seed)
        tell(f"split {seed + 1} of {splits}: {len(split.cohort.averages)} averages, {split.cohort.calibration}")
        for row in ROWS:
            for library, cohort in _libraries(split, row):
                _identify(split, row, library, cohort, result)
        _old_links(split, result)
        _shares(split, result)
        _groups(split, result)
        _answers(split, result)
        _many_strangers(split, result)
    return result


def _libraries(split: Split, row: Row) -> Iterator[tuple[Library, Cohort]]:
    """The libraries of a row, each with the cohort that it is measured with."""
    if row.kind == "ordinary":
        yield draw_library(split.faces, row.people, row.photos, row.size, split.dice), split.cohort
        return
    centres = centres_of_kinds(split.faces, _KINDS, split.dice)
    for kind in range(_KINDS):
        library = draw_library(of_kind(split.faces, centres, kind), row.people, row.photos, row.size, split.dice)
        if library.known.any() and not library.known.all():
            yield library, split.cohort if row.kind == "alike" else without_kind(split, centres, kind)


def without_kind(split: Split, centres: npt.NDArray[np.float64], kind: int) -> Cohort:
    """The cohort made anew without one kind, with its level; the logistic stays, as it would for who is unlike it."""
    unwanted = of_kind(split.makers, centres, kind).people
    others = split.makers.of(np.setdiff1d(split.makers.people, unwanted))
    averages = averages_of(others.one_of_each(split.dice))
    level = level_of(others, len(averages), split.dice)
    return Cohort(averages, replace(split.cohort.calibration, level=level))


def _identify(split: Split, row: Row, library: Library, cohort: Cohort, result: Result) -> None:
    answers = _ask(split.tried(library, cohort, own_groups=row.own_groups))
    known, right = library.known, answers.person == library.truth
    found = result.rows[row.name]
    found["enrolled"].append(len(library.enrolled))
    found["strangers linked"].append(_percent(answers.linked[~known]))
    found["linked, right"].append(_percent((answers.linked & right)[known]))
    found["offered, right"].append(_percent((answers.offered & right)[known]))
    found["strangers offered"].append(_percent(answers.offered[~known]))
    if row.kind == "ordinary":
        result.others["enrolled people linked as another one"].append(_percent((answers.linked & ~right)[known]))
        result.others["enrolled people offered as another one"].append(_percent((answers.offered & ~right)[known]))


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    person: npt.NDArray[np.int64]
    offered: npt.NDArray[np.bool_]
    """Or linked."""
    linked: npt.NDArray[np.bool_]


def _ask(tried: Tried, strangers: float = 0.5) -> _Answers:
    library = tried.library
    learned = Learned(tried.shift(tried.people.neighbourhood.cohort.calibration), strangers)
    found = identify(library.middles(), tried.people, learned, [library.size] * len(library.asked))
    return _Answers(
        np.array([one.person_id if one else -1 for one in found]),
        np.array([one is not None and one.probability >= OFFER for one in found]),
        np.array([decide(one) == "link" for one in found]),
    )


def _old_links(split: Split, result: Result) -> None:
    """Everything nearer than the old threshold to a master was its child: which of these are believed."""
    library = draw_library(split.faces, _MASTERS, 1, 1, split.dice, most=len(split.faces.person))
    tried = split.tried(library, split.cohort)
    middles = library.middles().astype(np.float32)
    masters = tried.people.middles
    apart = rough_distances(middles, masters, squares_of(masters))
    linked = apart.min(axis=1) < _OLD_THRESHOLD
    parents = tried.people.ids[apart.argmin(axis=1)][linked]
    shift = tried.shift(split.cohort.calibration)
    kept, right = (
        believed(middles[linked], parents.tolist(), tried.people, Learned(shift)),
        parents == library.truth[linked],
    )
    result.others["old links kept that are right"].append(_percent(right[kept]))
    result.others["right old links that are kept"].append(_percent(kept[right]))


def _shares(split: Split, result: Result) -> None:
    """Libraries with other shares of strangers than a half: is it learned, and what is linked with it."""
    library = draw_library(split.faces, 200, 1, 1, split.dice)
    tried = split.tried(library, split.cohort)
    encodings = split.faces.encodings
    first = encodings[[library.enrolled[person][0] for person in tried.people.ids.tolist()]].astype(np.float64)
    for share in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        chosen = _with_share(library.known, share, split.dice)
        asked = library.middles()[chosen]
        learned = learn(tried.people, first, asked)
        found = identify(asked, tried.people, learned)
        linked = np.array([decide(one) == "link" for one in found])
        right = np.array([one is not None and one.person_id for one in found]) == library.truth[chosen]
        if share < 0.95:
            name = "share of strangers 50 to 90 %: points that it is learned wrong by"
            result.others[name].append(100 * abs(learned.strangers - share))
            result.others["the same: what is linked with it and right"].append(_percent(right[linked]))
        else:
            result.others["share of strangers 95 %: what is linked and right"].append(_percent(right[linked]))


def _many_strangers(split: Split, result: Result) -> None:
    """A share of strangers of 95 % counts less against people with several photos. It has dice of its own."""
    (dice,) = split.dice.spawn(1)
    library = draw_library(split.faces, 100, SEVERAL, 1, dice)
    chosen = _with_share(library.known, 0.95, dice)
    answers = _ask(Tried.of(library, library.neighbourhood(split.cohort, dice)), 0.95)
    right = (answers.person == library.truth)[chosen]
    name = f"the same, people with {SEVERAL} photos: what is linked and right"
    result.others[name].append(_percent(right[answers.linked[chosen]]))


def _with_share(known: npt.NDArray[np.bool_], share: float, dice: np.random.Generator) -> npt.NDArray[np.intp]:
    """As many as there are with this share of strangers."""
    ours, others = dice.permutation(np.flatnonzero(known)), dice.permutation(np.flatnonzero(~known))
    most = min(len(ours) / (1 - share), len(others) / share)
    return np.concatenate([ours[: round(most * (1 - share))], others[: round(most * share)]])


def _groups(split: Split, result: Result) -> None:
    """Groups of an ordinary library, of families, and of people of one kind that the cohort has or lacks."""

    def tell(name: str, figures: dict[str, float]) -> None:
        for figure, value in figures.items():
            result.others[f"{name}: {figure}"].append(value)

    tell("groups", judge_groups(split.cohort, split.faces, split.dice))
    for others in _FAMILIES:
        heavy = heavy_people(split.faces, split.dice)
        tell("families", judge_families(split.cohort, split.faces, heavy, others, split.dice))
    centres = centres_of_kinds(split.faces, _KINDS, split.dice)
    for kind in range(_KINDS):
        alike, lacking = of_kind(split.faces, centres, kind), without_kind(split, centres, kind)
        tell("groups of one kind", judge_groups(split.cohort, alike, split.dice))
        tell("groups of one kind that the cohort lacks", judge_groups(lacking, alike, split.dice))
        heavy = largest_people(alike, _HEAVY_ALIKE)
        figures = judge_families(lacking, alike, heavy, _FAMILY_ALIKE, split.dice)
        tell("families of a kind that the cohort lacks", figures)


def _answers(split: Split, result: Result) -> None:
    """How far an owner gets by answers; each library has dice of its own, whatever was measured before."""
    for family, dice in zip(FAMILIES, split.dice.spawn(len(FAMILIES)), strict=True):
        for figure, value in judge_answers(split.cohort, split.faces, family, dice).items():
            result.others[f"{family.name}, {figure}"].append(value)


def _percent(values: npt.NDArray[np.bool_]) -> float:
    return 100 * float(values.mean()) if len(values) else 0.0


# --- what is told ---


@dataclass(frozen=True, slots=True)
class Verdict:
    """The mean of one figure beside its bar, and the worst of it."""

    found: float
    worst: float
    bar: str
    reached: bool
    known: str = ""
    """What holds instead, where the bar is missed and known to be; empty elsewhere."""

    def __str__(self) -> str:
        missed = "" if self.reached else f" missed, known: {self.known}" if self.known else " missed"
        return f"{self.found:.2f} ({self.worst:.1f}) {self.bar}{missed}"

    @property
    def is_as_told(self) -> bool:
        """Whether docs/people.md is right about it: the bar is reached, or what holds instead."""
        return self.reached or bool(self.known)


def of_rows(result: Result) -> dict[str, list[Verdict]]:
    """The four columns of every row, by its name and how many people were enrolled."""
    found = {}
    for row in ROWS:
        figures = result.rows[row.name]
        bars = {
            "strangers linked": ("at most", row.strangers_linked, 0.0),
            "linked, right": ("at least", row.linked, SLACK),
            "offered, right": ("at least", row.offered, SLACK),
            "strangers offered": ("at most", row.strangers_offered, SLACK),
        }
        found[f"{row.name} ({mean(figures['enrolled']):.0f})"] = [
            _verdict(figures[column], *bar, KNOWN_MISSES.get((row.name, column))) for column, bar in bars.items()
        ]
    return found


def of_others(result: Result) -> dict[str, Verdict]:
    """The figures that are not about one row."""
    return {name: _verdict(result.others[name], *bar, KNOWN_MISSES.get(name)) for name, bar in OTHERS.items()}


def of_answers(result: Result) -> dict[str, list[str]]:
    """The means of what is counted after each number of answers, by the library and the figure."""
    return {
        f"{family.name}, {figure}": [
            f"{mean(result.others[f'{family.name}, {figure} after {answers} answers']):.2f}" for answers in ANSWERS
        ]
        for family in FAMILIES
        for figure in FIGURES
    }


def _verdict(figures: list[float], better: str, promise: float, slack: float, instead: float | None) -> Verdict:
    found, least = mean(figures), better == "at least"
    sign, bar, worst = ("≥", promise - slack, min(figures)) if least else ("≤", promise + slack, max(figures))

    def holds(limit: float) -> bool:
        return found >= limit if least else found <= limit

    known = f"{sign} {instead:g}" if instead is not None and not holds(bar) and holds(instead) else ""
    return Verdict(found, worst, f"{sign} {bar:g}", holds(bar), known)


def as_figures(result: Result) -> dict[str, Any]:
    """All figures, for a file."""
    return {"rows": {name: dict(columns) for name, columns in result.rows.items()}, "others": dict(result.others)}
