"""Any sequence of photos and of what a person or PHP changes: our tables say what the rows say, whatever the order."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faces.people.kept_face import FaceState
from faces.store.database import Store
from tests.servers.arriving import COHORT, Arriving, Photos
from tests.servers.library_verdict import unlike_a_fresh_one, wrong
from tests.servers.rows import Rows
from tests.unit.faces.people.made_people import made_people, photos_of

PEOPLE = made_people(4, seed=3)

#: What is done to a row that is not the machine's: by an answer, or by PHP.
CHANGES = {
    "named Ann": "UPDATE faces SET status = 'ok', name = 'Ann', parent_id = NULL WHERE id = :id",
    "named ann": "UPDATE faces SET status = 'ok', name = 'ann', parent_id = NULL WHERE id = :id",
    "named Bob": "UPDATE faces SET status = 'ok', name = 'Bob', parent_id = NULL WHERE id = :id",
    "not named any more": "UPDATE faces SET status = 'process', name = NULL, parent_id = NULL WHERE id = :id",
    "a stranger": "UPDATE faces SET status = 'unknown' WHERE id = :id",
    "no face": "UPDATE faces SET status = 'not_face' WHERE id = :id",
    "confirmed as it is linked": "UPDATE faces SET status = 'ok' WHERE id = :id",
    "deleted": "UPDATE faces SET deleted_at = '2024-05-01 10:00:00' WHERE id = :id",
    "restored": "UPDATE faces SET deleted_at = NULL WHERE id = :id",
    "the first one's encoding": "UPDATE faces SET encoding = (SELECT encoding FROM faces LIMIT 1) WHERE id = :id",
    "without an encoding": "UPDATE faces SET encoding = NULL WHERE id = :id",
    "removed": "DELETE FROM faces WHERE id = :id",
}

#: Of these, what one face is told once.
ANSWERS = ("named Ann", "named Bob", "a stranger", "no face", "deleted")

photo = st.tuples(st.just("photo"), st.lists(st.integers(0, len(PEOPLE) - 1), min_size=1, max_size=3, unique=True))
change = st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 30))
look = st.tuples(st.just("look"), st.none())
settle = st.tuples(st.just("settle"), st.none())
steps = st.lists(st.one_of(photo, photo, change, change, look, settle), min_size=3, max_size=14)


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        Store.open(f"sqlite:///{file}", create=True).close()
        yield file


class Library:
    """A library in a file, and what is done to it."""

    def __init__(self, folder: Path, empty: Path) -> None:
        file = folder / "faces.db"
        file.write_bytes(empty.read_bytes())
        (folder / "2020").mkdir()
        (folder / "2020/a.jpg").write_bytes(b"a photo")
        self.rows = Rows(f"sqlite:///{file}")
        self.arriving = Arriving(Photos(f"sqlite:///{file}", folder, {}))
        self._photos: dict[int, np.ndarray] = {}
        self.arriving.photos = Photos(f"sqlite:///{file}", folder, self._photos)
        self.numbers: dict[int, int] = {}
        self.changed: list[int] = []

    def close(self) -> None:
        self.arriving.close()
        self.rows.close()

    def photo(self, people: list[int], number: int | None = None) -> None:
        """The job of a photo that has these people; whatever its row, one of the same number is the same."""
        image = self.rows.image()
        number = image if number is None else number
        self.numbers[image] = number
        self._photos[image] = np.concatenate([photos_of(PEOPLE[one], 1, seed=10 * number + one) for one in people])
        self.arriving.do(image)

    def change(self, name: str, number: int) -> None:
        """Of one of the faces; the look at what has changed comes later."""
        if not (faces := self.rows.read("SELECT id, image_id FROM faces ORDER BY id")):
            return
        face = faces[number % len(faces)]
        self._run(name, face)

    def say(self, name: str, place: tuple[int, int]) -> bool:
        """Of a face of the photo of a number; False where there is none yet."""
        query = "SELECT id, image_id FROM faces WHERE image_id = :image AND face_index = :index"
        images = [image for image, number in self.numbers.items() if number == place[0]]
        found = [face for image in images for face in self.rows.read(query, image=image, index=place[1])]
        for face in found:
            self._run(name, face)
        return bool(found)

    def _run(self, name: str, face: dict[str, Any]) -> None:
        self.changed.append(face["image_id"])
        self.rows.run(CHANGES[name], id=face["id"])

    def look(self) -> None:
        self.arriving.arrivals.update_images(self.changed)
        self.changed.clear()

    def settle(self) -> None:
        self.arriving.settling.settle_all()

    def do(self, steps: list[tuple[str, Any]]) -> None:
        for name, argument in steps:
            if name == "photo":
                self.photo(argument)
            elif name == "look":
                self.look()
            elif name == "settle":
                self.settle()
            else:
                self.change(name, argument)
        self.look()
        self.settle()

    def confirmed(self) -> set[tuple[int, int, str, str]]:
        """What persons have said: photo, place, state and name."""
        query = (
            "SELECT f.image_id, f.face_index, i.state, p.name FROM face_index i JOIN faces f ON f.id = i.face_id "
            "LEFT JOIN people p ON p.id = i.person_id WHERE i.state >= 3"
        )
        return {
            (self.numbers[row["image_id"]], row["face_index"], FaceState(row["state"]).name, row["name"] or "")
            for row in self.rows.read(query)
        }

    def known(self) -> dict[str, tuple[int, int, bytes | None]]:
        """Each person's confirmed faces: number, k and sum, by name."""
        query = "SELECT name_key, confirmed, k, sum FROM people WHERE confirmed > 0"
        return {row["name_key"]: (row["confirmed"], row["k"], row["sum"]) for row in self.rows.read(query)}

    def everything(self) -> list[list[dict[str, object]]]:
        tables = [table.name for table in self.arriving.store.schema.sidecar.metadata.sorted_tables]  # type: ignore[union-attr]
        return [self.rows.read(f'SELECT * FROM "{table}"') for table in sorted(tables)]


@contextmanager
def library(empty: Path) -> Iterator[Library]:
    with tempfile.TemporaryDirectory() as folder:
        one = Library(Path(folder), empty)
        try:
            yield one
        finally:
            one.close()


@settings(max_examples=20)
@given(steps=steps)
def test_after_any_sequence_all_that_is_derived_is_as_made_anew(empty: Path, steps: list[tuple[str, Any]]) -> None:
    with library(empty) as one:
        one.do(steps)
        assert wrong(one.arriving.store, COHORT) == []
        assert unlike_a_fresh_one(one.arriving.store, one.arriving.library) == []
        before = one.everything()
        one.arriving.arrivals.update_images(row["id"] for row in one.rows.read("SELECT id FROM images ORDER BY id"))
        assert one.everything() == before


photos = st.lists(
    st.lists(st.integers(0, len(PEOPLE) - 1), min_size=1, max_size=3, unique=True), min_size=2, max_size=6
)
said = st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 2)), st.sampled_from(ANSWERS), max_size=6)


@settings(max_examples=20)
@given(photos=photos, said=said, dice=st.randoms(use_true_random=False))
def test_neither_order_nor_batches_change_what_was_confirmed(
    empty: Path, photos: list[list[int]], said: dict[tuple[int, int], str], dice: random.Random
) -> None:
    """In one library all is said after all photos, each looked at once; in the other in any order, in any batches."""
    with library(empty) as one, library(empty) as other:
        for number, people in enumerate(photos):
            one.photo(people, number)
        for place, name in said.items():
            one.say(name, place)
            one.look()
        left = dict(said)
        for number in dice.sample(range(len(photos)), len(photos)):
            other.photo(photos[number], number)
            for place in dice.sample(sorted(left), dice.randint(0, len(left))):
                if other.say(left[place], place):
                    del left[place]
            if dice.random() < 0.5:
                other.look()
        for place, name in left.items():
            other.say(name, place)
        other.look()
        assert other.confirmed() == one.confirmed()
        assert other.known() == one.known()
