"""Old libraries: which links that the fixed threshold made are to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.calibration import Learned
from faces.people.cohort import MARGIN
from faces.people.enrolled import EnrolledPeople
from faces.people.identify import Identification, identify
from faces.people.products import as_matrix

#: A child counts from here on. Measured: 98 to 99 % of those kept are right, and 79 to 89 % of the right ones are kept.
BELIEVED = 0.9


@dataclass(frozen=True, slots=True)
class OldLink:
    """What is to be thought of a link."""

    probability: float
    """That the face is the person it is linked to."""
    distance: float
    """Euclidean, to the middle of that person's masters."""
    likelier: int | None
    """Another person who is likelier; None where there is none."""

    @property
    def is_believed(self) -> bool:
        """Whether it counts: nobody is likelier, and it is likely enough."""
        return self.likelier is None and self.probability >= BELIEVED


def judge(encodings: npt.ArrayLike, parents: Sequence[int], masters: EnrolledPeople, learned: Learned) -> list[OldLink]:
    """How sure it is that children belong to the person they are linked to.

    A third of what the threshold 0.6 links is wrong, and a middle with all children in it finds fewer faces than the
    master alone. So a person starts from the master, and takes in what is believed, once.

    Args:
        encodings: the children's, shape (n, 128).
        parents: for each the id of the person it is linked to; each must be enrolled.
        masters: all people by the master's face alone.
        learned: the shift of just these masters.
    """
    rows = as_matrix(encodings)
    places = masters.places_of(list(parents))
    distances = np.linalg.norm(rows.astype(np.float64) - masters.middles[places], axis=1)
    around = (masters.neighbourhood.around(rows).astype(np.float64) + masters.around[places]) / 2
    found = identify(rows, masters, learned)
    likeliest = np.array([one.score if one else 0.0 for one in found])
    # Who is not the likeliest has the likeliest as second person, as where that one was refused.
    t = distances - around - MARGIN * likeliest - learned.shift
    calibration = masters.neighbourhood.cohort.calibration
    ones = np.ones(len(rows), np.int64)
    confirmed = masters.confirmed[places]
    chances = calibration.probability(t, len(masters), confirmed, ones, learned.strangers_beside(confirmed))
    return [
        _judged(one, parent, distance, chance)
        for one, parent, distance, chance in zip(found, parents, distances.tolist(), chances.tolist(), strict=True)
    ]


def believed(
    encodings: npt.ArrayLike, parents: Sequence[int], masters: EnrolledPeople, learned: Learned
) -> npt.NDArray[np.bool_]:
    """Which children belong to the person they are linked to; the arguments are those of `judge`."""
    return np.array([one.is_believed for one in judge(encodings, parents, masters, learned)], np.bool_)


def _judged(found: Identification | None, parent: int, distance: float, chance: float) -> OldLink:
    if found is not None and found.person_id == parent:
        return OldLink(found.probability, found.distance, None)
    return OldLink(chance, distance, found.person_id if found else None)
