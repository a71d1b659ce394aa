"""Libraries of made people and groups, as an index file keeps them."""

from __future__ import annotations

import numpy as np

from faces.library.index_file import Saved
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.groups.group_index import GroupIndex, KeptGroup
from faces.people.measured_middles import MeasuredMiddles
from faces.people.neighbourhood import Neighbourhood
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

COHORT = made_cohort()
NEIGHBOURHOOD = Neighbourhood(COHORT, made_people(60, seed=5))
PHOTOS = np.concatenate([photos_of(person, 5, seed) for seed, person in enumerate(made_people(12))])


def total(rows: list[int]) -> EncodingSum:
    """Of some of the 60 photos."""
    return EncodingSum.of(PHOTOS[rows])


def made_groups(library: dict[int, list[int]], named: bool = False) -> GroupIndex:
    """Groups by id: which photos."""
    kept = [KeptGroup(group, total(rows), named=named) for group, rows in library.items()]
    return GroupIndex(NEIGHBOURHOOD, kept, number=3)


def made_enrolled(library: dict[int, list[int]]) -> EnrolledPeople:
    """People by id: which photos are confirmed."""
    return EnrolledPeople(NEIGHBOURHOOD, {person: total(rows) for person, rows in library.items()}, number=3)


def saved(groups: GroupIndex, people: EnrolledPeople, change: int = 7, number: int = 3) -> Saved:
    """As the file is asked to keep them."""
    return Saved(change, number, COHORT.version, groups.rows, people.rows)


def many(count: int, change: int = 7, number: int = 3) -> Saved:
    """So many groups and people, from id 1, of a photo each; another change has others."""
    library = {row: [(row + change) % len(PHOTOS)] for row in range(1, count + 1)}
    return saved(made_groups(library), made_enrolled(library), change, number)


def bits(rows: MeasuredMiddles) -> dict[str, bytes]:
    """All of them, to the bit, without the room for more."""
    return {name: array[: rows.used].tobytes() for name, array in rows.arrays.items()}


def everything(of: Saved) -> tuple[object, ...]:
    """All that a file keeps, to the bit."""
    return of.change, of.number, of.cohort, bits(of.groups), bits(of.people)
