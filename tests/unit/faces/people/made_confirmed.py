"""Confirmed faces of made people, as an evaluation gets them."""

from __future__ import annotations

import numpy as np

from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.evaluation.shots import NO_TIME, EvaluatedFaces
from faces.people.neighbourhood import Neighbourhood
from tests.unit.faces.people.made_people import made_cohort, photos_of


def confirmed(*people: np.ndarray, times: np.ndarray | None = None, images: np.ndarray | None = None) -> EvaluatedFaces:
    """These people's faces, the first with id 1 and so on; without more each is a photo of its own."""
    rows = np.concatenate(people).astype(np.float32)
    count = np.arange(1, len(rows) + 1)
    return EvaluatedFaces(
        ids=count,
        persons=np.repeat(np.arange(1, len(people) + 1), [len(faces) for faces in people]),
        images=count if images is None else images,
        contents=count,
        times=np.full(len(rows), NO_TIME) if times is None else times,
        listed=np.ones(len(rows), np.bool_),
        encodings=rows,
    )


def people_of(some: EvaluatedFaces) -> EnrolledPeople:
    """Enrolled by just these faces."""
    sums = {person: EncodingSum.of(some.encodings[some.persons == person]) for person in set(some.persons.tolist())}
    return EnrolledPeople(Neighbourhood(made_cohort()), sums)


def photos_of_each(points: np.ndarray, count: int) -> list[np.ndarray]:
    """So many photos of each person."""
    return [photos_of(point, count, seed) for seed, point in enumerate(points)]
