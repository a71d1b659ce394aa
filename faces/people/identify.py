"""Who a face or a group of faces is: a score, a probability, and what may be done with it. Decides, never stores.

score       s = distance - (neighbourhood of the face + neighbourhood of the person's middle) / 2
t           s of the nearest person - a quarter of the second person's s - the library's shift
probability logistic in t, the number of people, the person's confirmed faces, and the group's size
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.calibration import Learned
from faces.people.cohort import MARGIN
from faces.people.enrolled import EnrolledPeople, Ranking
from faces.people.kept_face import Decision
from faces.people.products import Matrix, as_matrix
from faces.photo.face import Encoding

#: From the first on a face is linked by itself, from the second on it is offered, below it nothing is said.
LINK, OFFER = 0.95, 0.2

#: Where the second person is as near as this (siblings, or one person enrolled twice), a person decides.
TWO_NEAR = -0.05

#: The second person's score where there is none: a stranger's.
NO_SECOND = 0.1

#: Next people that are told beside the likeliest.
_NEXT = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """By what a probability was computed, as the ledger keeps it."""

    people: int
    confirmed: int
    faces: int
    shift: float
    strangers: float
    cohort: str

    @classmethod
    def parse(cls, text: str) -> Rule | None:
        """Read what `str` wrote; None where it is another rule's."""
        name, _, rest = text.partition(" ")
        fields = dict(pair.split("=", 1) for pair in rest.split() if "=" in pair)
        try:
            counts = (int(fields["N"]), int(fields["k"]), int(fields["m"]))
            rule = cls(*counts, float(fields["shift"]), float(fields["strangers"]), fields["cohort"])
        except (KeyError, ValueError):
            return None
        return rule if name == "calibrated" else None

    def __str__(self) -> str:
        return (
            f"calibrated N={self.people} k={self.confirmed} m={self.faces} shift={self.shift:.4f} "
            f"strangers={self.strangers:.3f} cohort={self.cohort}"
        )


@dataclass(frozen=True, slots=True)
class Nearby:
    """One of the next people."""

    person_id: int
    score: float
    distance: float


@dataclass(frozen=True, slots=True)
class Identification:
    """The likeliest person of a face or a group, and how sure that is."""

    person_id: int
    probability: float
    t: float
    score: float
    distance: float
    """Euclidean, to the middle of the person's confirmed faces."""
    others: tuple[Nearby, ...]
    """The next two people, nearest first; fewer where fewer are enrolled."""
    rule: Rule

    @property
    def two_are_near(self) -> bool:
        """Whether a second person is so near that only a person can tell them apart."""
        return bool(self.others) and self.others[0].score < TWO_NEAR


def identify(
    encodings: npt.ArrayLike,
    people: EnrolledPeople,
    learned: Learned,
    sizes: Sequence[int] | None = None,
    refused: Sequence[Collection[int]] | None = None,
    around: npt.NDArray[np.float32] | None = None,
    least: float = 0.0,
) -> list[Identification | None]:
    """Find the likeliest person of each face or group; None where no person is left to choose.

    One product a block of faces; neither the order nor the other faces of a batch change an answer.

    Args:
        encodings: shape (n, 128): a face's, or the mean of a group's.
        people: who is enrolled.
        learned: the library's shift and share of strangers.
        sizes: faces in each group, 1 or more; without it all are faces alone.
        refused: for each the people that it is known not to be. They are not chosen, but still count as near ones.
        around: the neighbourhood of each, shape (n,), where it is known already, else NaN: that is the dearest part.
        least: of whom it is less likely than this, there is None.

    Raises:
        ValueError: encodings of another shape, numbers that no encoding has, or a group without a face.
    """
    ranking = people.rank(encodings, 1 + _NEXT + max((len(ids) for ids in refused or ()), default=0), around=around)
    best = _first_not_refused(ranking, people, refused)
    rows = np.flatnonzero(best >= 0)
    faces = _sizes(sizes, len(best))
    confirmed = people.confirmed[ranking.places[rows, best[rows]]]
    t = _margin_scores(ranking, rows, best[rows]) - learned.shift
    cohort = people.neighbourhood.cohort
    strangers = learned.strangers_beside(confirmed)
    chances = cohort.calibration.probability(t, len(people), confirmed, faces[rows], strangers)
    found: list[Identification | None] = [None] * len(best)
    columns = (rows, best[rows], confirmed, faces[rows], strangers, t, chances)
    worth_telling = (column[chances >= least].tolist() for column in columns)
    for row, rank, k, m, share, at, chance in zip(*worth_telling, strict=True):
        rule = Rule(len(people), k, m, learned.shift, share, cohort.version)
        found[row] = _identification(_nearby(ranking, people, row), rank, at, chance, rule)
    return found


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the people that a face or group may be, and how likely that is if it is not one of the others."""

    person_id: int
    probability: float
    t: float
    score: float
    distance: float
    confirmed: int
    """Faces that the person is known by: k."""


def contenders(
    encoding: Encoding,
    people: EnrolledPeople,
    learned: Learned,
    count: int,
    *,
    size: int = 1,
    own: int | None = None,
) -> list[Contender]:
    """The nearest people of one face or group, by score, refused ones too: for a person to read.

    The first one's numbers are those of `identify`; each other's second person is the first, as where that was refused.

    Args:
        encoding: shape (128,).
        people: who is enrolled.
        learned: the library's shift and share of strangers.
        count: how many people at most.
        size: faces in the group.
        own: the person who has been confirmed as this face's: measured by the other faces, and left out without any.
    """
    row = as_matrix(encoding[None])
    place = people.places_of([] if own is None else [own])
    place = place[place >= 0]
    ranking = people.rank(row, count + 1, left_out=place if len(place) else None)
    there = np.flatnonzero(ranking.places[0] >= 0)
    places = ranking.places[0, there]
    columns = (places, people.confirmed[places], ranking.distances[0, there], ranking.scores[0, there])
    table = np.stack([column.astype(np.float64) for column in columns])
    if len(place) and people.confirmed[place[0]] > 1:
        table = np.append(table, _by_the_others(row, place, people), axis=1)
    order = np.lexsort((table[0], table[3]))
    rank, confirmed, distances, scores = table[:, order]
    second = np.full(len(scores), scores[0] if len(scores) else NO_SECOND)
    second[:1] = scores[1] if len(scores) > 1 else NO_SECOND
    t = scores - MARGIN * second - learned.shift
    calibration, sizes = people.neighbourhood.cohort.calibration, np.full(len(t), size, np.int64)
    chances = calibration.probability(t, len(people), confirmed.astype(np.int64), sizes, learned.strangers)
    ids = people.ids[rank.astype(np.intp)]
    numbers = (ids, chances, t, scores, distances, confirmed.astype(np.int64))
    return [Contender(*values) for values in zip(*(column.tolist() for column in numbers), strict=True)][:count]


def _by_the_others(row: Matrix, place: npt.NDArray[np.intp], people: EnrolledPeople) -> npt.NDArray[np.float64]:
    """A person's place, number of faces, distance and score without one confirmed face, shape (4, 1)."""
    apart = people.distances_without(row, place)
    around = (people.neighbourhood.around(row).astype(np.float64) + people.around[place]) / 2
    return np.stack([place, people.confirmed[place] - 1, apart, apart - around])


def margin_scores(ranking: Ranking) -> npt.NDArray[np.float64]:
    """The first person's score less a quarter of the second's, for each row; each must have a first."""
    return _margin_scores(ranking, np.arange(len(ranking.places)), np.zeros(len(ranking.places), np.intp))


def decide(found: Identification | None, *, in_photo: bool = False) -> Decision:
    """What to do with an answer: link it by itself, offer it to a person, or say nothing.

    Args:
        found: what `identify` found.
        in_photo: the person has a face in the same photo already (of a group: in a photo of one of its faces).
    """
    if found is None or found.probability < OFFER:
        return "silent"
    return "offer" if found.probability < LINK or found.two_are_near or in_photo else "link"


def decide_photo(found: Sequence[Identification | None], present: Iterable[int] = ()) -> list[Decision]:
    """The same for all new faces of a photo: of those that are one person the likeliest is linked, the others offered.

    Args:
        found: the faces' answers by place.
        present: people who have a face in this photo already.
    """
    taken = set(present)
    decisions: list[Decision] = ["silent"] * len(found)
    for place in sorted(range(len(found)), key=lambda place: (-_probability(found[place]), place)):
        one = found[place]
        decisions[place] = decide(one, in_photo=one is not None and one.person_id in taken)
        if one is not None and decisions[place] == "link":
            taken.add(one.person_id)
    return decisions


def _sizes(sizes: Sequence[int] | None, count: int) -> npt.NDArray[np.int64]:
    faces = np.ones(count, np.int64) if sizes is None else np.asarray(sizes, np.int64)
    if faces.shape != (count,) or (faces < 1).any():
        raise ValueError(f"found {faces.size} sizes, the least {faces.min(initial=1)}; needed {count}, 1 or more each")
    return faces


def _probability(found: Identification | None) -> float:
    return found.probability if found else 0.0


def _first_not_refused(
    ranking: Ranking, people: EnrolledPeople, refused: Sequence[Collection[int]] | None
) -> npt.NDArray[np.intp]:
    """The first rank in each row that holds a person who is not refused; -1 where there is none."""
    usable = ranking.places >= 0
    for row, ids in enumerate(refused or ()):
        if ids:
            usable[row] &= ~np.isin(ranking.places[row], people.places_of(list(ids)))
    return np.where(usable.any(axis=1), usable.argmax(axis=1), -1)


def _margin_scores(ranking: Ranking, rows: npt.NDArray[np.intp], best: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    second = np.where(best == 0, ranking.scores[rows, 1], ranking.scores[rows, 0])
    return ranking.scores[rows, best] - MARGIN * np.where(np.isfinite(second), second, NO_SECOND)


def _nearby(ranking: Ranking, people: EnrolledPeople, row: int) -> list[Nearby]:
    """A row of the ranking."""
    places = ranking.places[row]
    ids = people.ids[places[places >= 0]].tolist()
    return list(map(Nearby, ids, ranking.scores[row].tolist(), ranking.distances[row].tolist()))


def _identification(ranked: list[Nearby], rank: int, t: float, probability: float, rule: Rule) -> Identification:
    best = ranked.pop(rank)
    return Identification(best.person_id, probability, t, best.score, best.distance, tuple(ranked[:_NEXT]), rule)
