"""Libraries to try the rule on, drawn from faces whose people are known: some people enrolled, the others strangers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.calibration import Calibration
from faces.people.cohort import Cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.identify import margin_scores
from faces.people.learning import FEWEST_PEOPLE, half_way, median_among
from faces.people.neighbourhood import Neighbourhood
from script.cohorts.growth import GrownLibrary
from script.cohorts.people_file import Faces

#: Faces, or groups of faces, of one person that are asked about, commonly.
ASKED = 3

#: Rounds of a k-means.
_ROUNDS = 30

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """Rows of `faces`: each enrolled person's confirmed ones, and what is asked about, face by face or grouped."""

    faces: Faces
    enrolled: dict[int, Rows]
    asked: list[Rows]
    """Faces of one person each, `size` of them."""
    truth: npt.NDArray[np.int64]
    """Whose they are."""
    size: int

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Of what is asked about: whether the person is enrolled."""
        return np.isin(self.truth, list(self.enrolled))

    def neighbourhood(self, cohort: Cohort, dice: np.random.Generator) -> Neighbourhood:
        """With the groups that the faces without a name grow into, each a photo of its own, in a drawn order.

        The confirmed ones are left out: with them a point or two fewer are found.
        """
        rows = dice.permutation(np.concatenate(self.asked))
        return GrownLibrary(cohort, self.faces.encodings[rows]).neighbourhood

    def middles(self) -> npt.NDArray[np.float64]:
        """The mean of each that is asked about, shape (n, 128)."""
        if self.size == 1:
            return self.faces.encodings[np.concatenate(self.asked)].astype(np.float64)
        return np.stack([self.faces.encodings[rows].mean(axis=0, dtype=np.float64) for rows in self.asked])


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """The enrolled people of a library, ready to be asked."""

    library: Library
    people: EnrolledPeople
    median: float
    """What the enrolled people say of each other."""

    @classmethod
    def of(cls, library: Library, neighbourhood: Neighbourhood) -> Tried:
        """Enrol them."""
        encodings = library.faces.encodings
        people = EnrolledPeople(
            neighbourhood, {person: EncodingSum.of(encodings[rows]) for person, rows in library.enrolled.items()}
        )
        first = encodings[[library.enrolled[person][0] for person in people.ids.tolist()]]
        return cls(library, people, median_among(people, first.astype(np.float64)))

    def shift(self, calibration: Calibration) -> float:
        """The shift that they teach with this calibration."""
        if len(self.people) < FEWEST_PEOPLE:
            return 0.0
        return half_way(self.median, calibration.expected_stranger(len(self.people), self.people.confirmed))

    def scores(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """For each that is asked about t without the shift, who is nearest, and that person's confirmed faces."""
        ranking = self.people.rank(self.library.middles(), 2)
        nearest = ranking.places[:, 0]
        return margin_scores(ranking), self.people.ids[nearest], self.people.confirmed[nearest].astype(np.int64)


def draw_library(
    faces: Faces, people: int, photos: int, size: int, dice: np.random.Generator, most: int = ASKED
) -> Library:
    """Enrol `people` drawn ones, fewer where there are not so many, with `photos` faces each; ask about the rest.

    Args:
        faces: of all people who may be in it.
        people: how many are enrolled; each has `photos` + `size` faces or more.
        photos: confirmed faces of each.
        size: faces in each group that is asked about.
        dice: what is drawn is drawn from it.
        most: faces or groups of one person that are asked about at most.
    """
    rows_of = {person: dice.permutation(rows) for person, rows in faces.rows_of().items()}
    able = [person for person, rows in rows_of.items() if len(rows) >= photos + size]
    enrolled = {int(person): rows_of[person][:photos] for person in dice.permutation(able)[:people].tolist()}
    asked, truth = [], []
    for person, rows in rows_of.items():
        rest = rows[photos:] if person in enrolled else rows
        for start in range(0, min(len(rest) // size, most) * size, size):
            asked.append(rest[start : start + size])
            truth.append(person)
    return Library(faces, enrolled, asked, np.array(truth, np.int64), size)


def centres_of_kinds(faces: Faces, count: int, dice: np.random.Generator) -> npt.NDArray[np.float64]:
    """Centres of `count` kinds of people by k-means of their middles, shape (count, 128)."""
    points = _middles(faces)
    centres = points[dice.permutation(len(points))[:count]]
    for _ in range(_ROUNDS):
        kinds = _nearest(points, centres)
        centres = np.stack(
            [points[kinds == kind].mean(axis=0) if (kinds == kind).any() else centres[kind] for kind in range(count)]
        )
    return centres


def of_kind(faces: Faces, centres: npt.NDArray[np.float64], kind: int) -> Faces:
    """The people of one kind."""
    return faces.of(faces.people[_nearest(_middles(faces), centres) == kind])


def _middles(faces: Faces) -> npt.NDArray[np.float64]:
    return np.stack([faces.encodings[rows].mean(axis=0, dtype=np.float64) for rows in faces.rows_of().values()])


def _nearest(points: npt.NDArray[np.float64], centres: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    found: npt.NDArray[np.intp] = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    return found
