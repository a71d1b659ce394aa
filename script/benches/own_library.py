"""Whether `worker evaluate` says the truth: libraries of known people, the cohort made of others, some names wrong.

What it says of the confirmed faces of a library is compared with what becomes of faces that are not in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import numpy as np
import numpy.typing as npt

from faces.people.calibration import Learned
from faces.people.cohort import Cohort
from faces.people.evaluation.alike_in_photo import AlikeInPhotos, alike_in_photos
from faces.people.evaluation.evaluation import Evaluation
from faces.people.evaluation.holding_together import holds_of, suspicions_of
from faces.people.evaluation.left_out import leave_out
from faces.people.evaluation.shots import NO_TIME, EvaluatedFaces
from faces.people.identify import LINK, identify
from faces.people.neighbourhood import Neighbourhood
from script.benches.people import Split, without_kind
from script.cohorts.libraries import ASKED, Library, Tried, centres_of_kinds, of_kind
from script.cohorts.people_file import Faces, read_people

#: People of the libraries, and confirmed faces of each at most.
_SIZES = ((60, 3), (60, 10), (100, 5), (150, 50))

#: Faces that are confirmed wrongly, as a share, and people who are joined to another.
_WRONG, _JOINED = 0.05, 5

#: Kinds of people, of which the cohort lacks one.
_KINDS = 8

#: What is promised, in percent.
SUSPICIONS_RIGHT, STRANGERS_LEAST, STRANGERS_MOST = 70.0, 0.33, 1.0

#: Percent, by what was measured; each library adds one.
Shares = dict[str, list[float]]


@dataclass(slots=True)
class Truth:
    """What was measured of all libraries so far."""

    shares: Shares = field(default_factory=lambda: defaultdict(list))

    def mean_of(self, name: str) -> float:
        """Of all libraries."""
        return mean(self.shares[name])

    @property
    def is_as_promised(self) -> bool:
        """Whether docs/people.md is right about it."""
        linked = self.mean_of(THRESHOLD)
        return self.mean_of(SUSPECTED) >= SUSPICIONS_RIGHT and STRANGERS_LEAST <= linked <= STRANGERS_MOST


SUSPECTED = "the first R suspicions that are right, R wrong"
THRESHOLD = "strangers really linked at its threshold for 1 %"


def measure(file: Path, splits: int, tell: Callable[[str], None]) -> Truth:
    """Measure on so many divisions of the file's people."""
    faces, truth = read_people(file), Truth()
    for seed in range(splits):
        split = Split.of(faces, seed)
        tell(f"split {seed + 1} of {splits}: {len(split.cohort.averages)} averages")
        for people, photos in _SIZES:
            judge(split, people, photos, truth)
        _photos_of_two(split, truth)
    return truth


def judge(split: Split, people: int, photos: int, truth: Truth) -> None:
    """One library as it is, with wrong names, and with people joined."""
    library = _draw(split.faces, people, photos, split.dice)
    _say_and_see(split, library, truth, f"{people} people, up to {photos} photos")
    _wrong_names(split, library, truth)
    _joined(split, library, truth)


def _draw(faces: Faces, people: int, photos: int, dice: np.random.Generator) -> Library:
    """People with three confirmed faces and more, `photos` at most; other faces of theirs and strangers' are asked."""
    rows_of = {person: dice.permutation(rows) for person, rows in faces.rows_of().items()}
    able = [person for person, rows in rows_of.items() if len(rows) > ASKED]
    enrolled = {person: rows_of[person][:-1][:photos] for person in dice.permutation(able)[:people].tolist()}
    asked, truth = [], []
    for person, rows in rows_of.items():
        for row in (rows[len(enrolled[person]) :] if person in enrolled else rows)[:ASKED]:
            asked.append(np.array([row]))
            truth.append(person)
    return Library(faces, enrolled, asked, np.array(truth, np.int64), 1)


def _say_and_see(split: Split, library: Library, truth: Truth, name: str) -> None:
    """What is said beside what is so."""
    tried, learned = _enrolled(split, library)
    evaluation = _evaluate(tried, learned)
    found = identify(library.middles(), tried.people, learned)
    chances = np.array([one.probability if one else 0.0 for one in found])
    right = np.array([one.person_id if one else -1 for one in found]) == library.truth
    strangers, known = chances[~library.known], library.known
    linked = evaluation.levels[3]
    tell = truth.shares
    tell[f"{name}: known found, said"].append(100 * linked.found / evaluation.asked.known)
    tell[f"{name}: known found, true"].append(100 * float(((chances >= LINK) & right)[known].mean()))
    tell[f"{name}: strangers linked, said"].append(100 * linked.strangers / evaluation.asked.strangers)
    tell[f"{name}: strangers linked, true"].append(100 * float((strangers >= LINK).mean()))
    tell["faces that look wrong and are not"].append(100 * len(evaluation.suspicions) / evaluation.asked.strangers)
    two = sum(one.is_probably_two for one in evaluation.holds)
    tell["people who are taken for two and are not"].append(100 * two / evaluation.measured)
    if evaluation.threshold is not None:
        limit = evaluation.threshold
        linked_there = 100 * float((strangers >= limit.p).mean())
        tell[THRESHOLD].append(linked_there)
        tell[f"{name}: the same"].append(linked_there)
        ends = [100 * float((strangers >= end).mean()) for end in (limit.high, limit.low)]
        tell["libraries where 1 % lies between the two ends"].append(100.0 * (ends[0] <= 1 <= ends[1]))


def _wrong_names(split: Split, library: Library, truth: Truth) -> None:
    """Some faces are confirmed as another: half of them strangers', half of other people who are known."""
    dice = split.dice
    rows, persons = _confirmed(library)
    count = round(_WRONG * len(rows))
    places = dice.permutation(len(rows))[:count]
    strangers = dice.permutation(np.concatenate(library.asked)[~library.known])
    for place in places[: count // 2]:
        rows[place], strangers = strangers[0], strangers[1:]
    others = places[count // 2 :]
    persons[others] = np.array([dice.choice(np.setdiff1d(persons, [persons[place]])) for place in others])
    evaluation = _evaluate(*_enrolled(split, _with(library, rows, persons)))
    # Faces are numbered by the rows of the file.
    suspected = [one.face_id for one in evaluation.suspicions]
    wrong = set(rows[places].tolist())
    first = [face in wrong for face in suspected[:count]]
    truth.shares[SUSPECTED].append(100 * sum(first) / count)
    truth.shares["wrong names that are suspected at all"].append(100 * len(wrong & set(suspected)) / count)


def _joined(split: Split, library: Library, truth: Truth) -> None:
    """Some people are confirmed as one with another."""
    rows, persons = _confirmed(library)
    people = split.dice.permutation(list(library.enrolled))[: 2 * _JOINED].reshape(_JOINED, 2)
    for one, other in people.tolist():
        persons[persons == other] = one
    evaluation = _evaluate(*_enrolled(split, _with(library, rows, persons)))
    two = {one.person_id for one in evaluation.holds if one.is_probably_two}
    truth.shares["two people joined that are told"].append(100 * len(two & set(people[:, 0].tolist())) / _JOINED)


def _photos_of_two(split: Split, truth: Truth) -> None:
    """Two people on a photo, any two and two of a kind that the cohort lacks: how many look like one person."""
    found = {"any people": _alike(split.faces, Neighbourhood(split.cohort), split.dice)}
    centres = centres_of_kinds(split.faces, _KINDS, split.dice)
    lacking = AlikeInPhotos()
    for kind in range(_KINDS):
        around = Neighbourhood(without_kind(split, centres, kind))
        lacking += _alike(of_kind(split.faces, centres, kind), around, split.dice)
    found["people of a kind that the cohort lacks"] = lacking
    for name, photos in found.items():
        truth.shares[f"photos of two on which they look like one: {name}"].append(100 * photos.share)


def _alike(faces: Faces, around: Neighbourhood, dice: np.random.Generator) -> AlikeInPhotos:
    order = dice.permutation(len(faces.person))
    pairs = order[: len(order) // 2 * 2].reshape(-1, 2)
    pairs = pairs[faces.person[pairs[:, 0]] != faces.person[pairs[:, 1]]]
    return alike_in_photos(faces.encodings[pairs.ravel()], np.repeat(np.arange(len(pairs)), 2), around)


def _evaluate(tried: Tried, learned: Learned) -> Evaluation:
    """As the product does it, with each face a photo of its own day."""
    rows, persons = _confirmed(tried.library)
    count = np.arange(len(rows))
    every, never = np.ones(len(rows), np.bool_), np.full(len(rows), NO_TIME)
    encodings = np.ascontiguousarray(tried.library.faces.encodings[rows], np.float32)
    some = EvaluatedFaces(rows.astype(np.int64), persons, count, count, never, every, encodings)
    left_out = leave_out(some, tried.people, learned)
    doubts = suspicions_of(some, tried.people, learned.shift)
    holds = list(holds_of(some, left_out, doubts, tried.people, learned.shift))
    return Evaluation.of(len(tried.people), learned, left_out, doubts, holds, AlikeInPhotos())


def _enrolled(split: Split, library: Library) -> tuple[Tried, Learned]:
    cohort: Cohort = split.cohort
    tried = split.tried(library, cohort)
    return tried, Learned(tried.shift(cohort.calibration), people=len(tried.people))


def _confirmed(library: Library) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Rows of the file, and as whom each is confirmed."""
    counts = [len(rows) for rows in library.enrolled.values()]
    rows = np.concatenate(list(library.enrolled.values()))
    return rows, np.repeat(list(library.enrolled), counts).astype(np.int64)


def _with(library: Library, rows: npt.NDArray[np.intp], persons: npt.NDArray[np.int64]) -> Library:
    """The same people with other confirmed faces."""
    enrolled = {int(person): rows[persons == person] for person in np.unique(persons)}
    return Library(library.faces, enrolled, library.asked, library.truth, library.size)


def lines(truth: Truth) -> Iterator[tuple[str, float, float, float, int]]:
    """Each figure: its name, the mean, the least and the most of all libraries, and how many these are."""
    for name, values in truth.shares.items():
        yield name, mean(values), min(values), max(values), len(values)
