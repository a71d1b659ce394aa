"""Groups of the tables join and are asked about: the same groups as in memory, and what a person has said holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from faces.library.arrivals import Arrivals
from faces.library.library import Library
from faces.library.settling import Settling
from faces.people.groups.growing import Groups, next_batch
from faces.people.groups.members_in_memory import MembersInMemory
from faces.people.groups.memberships import NewFace
from faces.store.database import Store
from tests.servers.library_verdict import wrong
from tests.servers.rows import Rows
from tests.unit.faces.people.made_people import made_cohort, made_people

COHORT = made_cohort()


@dataclass
class Album:
    """A library whose photos come one after the other."""

    store: Store
    rows: Rows
    prefix: str

    def __post_init__(self) -> None:
        self.library = Library(COHORT)
        self.arrivals = Arrivals(self.store, self.library)
        self.settling = Settling(self.store, self.library, links=True)

    def photo(self, *people: np.ndarray, **values: object) -> list[int]:
        """A photo with these faces comes; its faces' ids."""
        image = self.rows.image()
        faces = [self.rows.face(image, person, face_index=place, **values) for place, person in enumerate(people)]
        self.arrivals.update_images([image])
        return faces

    def read(self, query: str, **values: object) -> list[dict[str, object]]:
        """What the tables say; `{groups}` is one of ours."""
        names = ("groups", "group_members", "face_index", "people", "ledger", "ledger_faces", "library", "never")
        return self.rows.read(query.format(**{name: f"{self.prefix}{name}" for name in names}), **values)

    def members(self) -> dict[int, list[int]]:
        """The groups that there are, with their faces."""
        found: dict[int, list[int]] = {}
        for row in self.read("SELECT group_id, face_id FROM {group_members} ORDER BY face_id"):
            found.setdefault(row["group_id"], []).append(row["face_id"])
        return found

    def groups(self) -> set[tuple[int, ...]]:
        return {tuple(faces) for faces in self.members().values()}

    def wrong(self) -> list[str]:
        return wrong(self.store, COHORT)


@pytest.fixture
def album(store: Store, url: str) -> Iterator[Album]:
    rows = Rows(url)
    yield Album(store, rows, "" if store.is_file else "face_sidecar_")
    rows.close()


def photos_in_turn(people: int, count: int, seed: int = 1) -> np.ndarray:
    """Photos of made people in any order, shape (count, 128)."""
    dice = np.random.default_rng(seed)
    who = dice.integers(0, people, count)
    return made_people(people, seed)[who] + dice.normal(0, 0.4 / 16, (count, 128))


def grown_in_memory(faces: Sequence[np.ndarray]) -> set[tuple[int, ...]]:
    """The groups of photos with one face each, in memory: joined after the same faces as in the tables."""
    members = MembersInMemory()
    groups = Groups(COHORT, members)
    joined_at = 0
    for number, encoding in enumerate(faces, 1):
        kept = encoding.astype(np.float32).astype(np.float64)
        groups.arrive([NewFace(number, number, kept)])
        if number - joined_at >= next_batch(joined_at):
            joined_at = number
            groups.merge()
            while len(groups.renew()):
                pass
    return {tuple(sorted(faces)) for faces in members.groups().values()}


def test_groups_of_the_tables_are_those_of_memory(album: Album) -> None:
    faces = photos_in_turn(30, 220)
    ids = []
    for face in faces:
        ids += album.photo(face)
        album.settling.settle_some()
    told = {tuple(ids.index(face) + 1 for face in group) for group in album.groups()}
    assert told == grown_in_memory(faces)
    assert album.wrong() == []
