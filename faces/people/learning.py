"""What a library teaches about itself: how alike its people look, and which share of its faces are strangers'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from faces.people.calibration import FEWEST_STRANGERS, Learned, Numbers
from faces.people.enrolled import EnrolledPeople
from faces.people.identify import identify, margin_scores
from faces.people.matching import Encodings
from faces.photo.face import ENCODING_LENGTH, Encoding

#: Below so many people there is no shift.
FEWEST_PEOPLE = 10

#: People that are asked, spread evenly by id: the median of so many is within 0.002 of that of all.
MOST_PEOPLE = 2000

#: Below so many unnamed faces the share of strangers is not learned.
FEWEST_FACES = 100

_ROUNDS = 30

#: A share is looked for between these: at 0 and 1 there would be no odds.
_LEAST, _MOST = 0.02, 0.98


def learn(
    people: EnrolledPeople, first_faces: Encodings, unnamed: Encodings, sizes: Sequence[int] | None = None
) -> Learned:
    """Learn the shift from the enrolled people, and with it the share of strangers from what has no name.

    Args:
        people: who is enrolled.
        first_faces: each one's first confirmed face in the order of `people.ids`, shape (N, 128).
        unnamed: faces or middles of groups without a name, shape (n, 128).
        sizes: faces in each group; without it all are faces alone.
    """
    shift = learn_shift(people, first_faces)
    even = identify(unnamed, people, Learned(shift), sizes)
    chances = [found.probability if found else 0.0 for found in even]
    return Learned(shift, share_of_strangers(chances), len(people))


def learn_shift(people: EnrolledPeople, first_faces: Encodings) -> float:
    """Half-way to what the enrolled people say of each other; at most 0, and 0 below `FEWEST_PEOPLE`.

    Each one's first confirmed face is a stranger to all others. Where these strangers score lower than in an ordinary
    library (a family, one people), scores must be lower. Learned of named people only: the groups of a library are
    often pieces of one person.
    """
    if len(people) < FEWEST_PEOPLE:
        return 0.0
    expected = people.neighbourhood.cohort.calibration.expected_stranger(len(people), people.confirmed)
    return half_way(median_among(people, first_faces), expected)


def median_among(people: EnrolledPeople, first_faces: Encodings) -> float:
    """The median t of the enrolled people's first faces, each against all others; shift left out."""
    asked = asked_places(len(people))
    return float(np.median(margin_scores(people.rank(first_faces[asked], 2, left_out=asked))))


def first_or_middle(people: EnrolledPeople, first_faces: Mapping[int, Encoding]) -> Encodings:
    """The first confirmed face of each person at `asked_places`, for who has none the middle; shape (N, 128).

    Rows that nobody asks for are never touched, and take no memory.
    """
    rows = np.zeros((len(people), ENCODING_LENGTH))
    asked = asked_places(len(people))
    rows[asked] = people.middles[asked]
    for place, person in zip(asked.tolist(), people.ids[asked].tolist(), strict=True):
        if person in first_faces:
            rows[place] = first_faces[person]
    return rows


def asked_places(people: int) -> npt.NDArray[np.intp]:
    """Which of so many people are asked: only their first faces are looked at."""
    return np.arange(0, people, max(1, -(-people // MOST_PEOPLE)))


def half_way(median: float, expected: float) -> float:
    """The shift: half of what strangers score lower than is expected of an ordinary library; never above 0."""
    return 0.5 * min(0.0, median - expected)


def share_of_strangers(probabilities: Numbers | npt.ArrayLike) -> float:
    """The share of unnamed faces whose person is not enrolled, out of their probabilities at a share of one half.

    The share that the probabilities themselves have on the mean, when they are computed with it: found in rounds, as
    expectation-maximisation finds a prior. Never below `FEWEST_STRANGERS`: where strangers are few little is gained,
    and a library that changes would be linked too boldly.
    """
    even = np.asarray(probabilities, np.float64)
    if len(even) < FEWEST_FACES:
        return FEWEST_STRANGERS
    share = 0.5
    odds = even / (1 - even + 1e-12)
    for _ in range(_ROUNDS):
        scaled = odds * (1 - share) / share
        share = float(np.clip(1 - (scaled / (1 + scaled)).mean(), _LEAST, _MOST))
    return max(FEWEST_STRANGERS, share)
