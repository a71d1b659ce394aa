"""Whatever is done to a folder between two scans: each photo has one row with its own face, and no name is lost."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faces.people.linking import Linking
from faces.sources import missing_files
from faces.store.database import Store
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows
from tests.servers.scanning import Scan, places, shown
from worker.commands.enrol import enrol_photo
from worker.commands.link import Linker

_PERSON = re.compile(rb"person (\d+)\.")


def person_of(content: bytes) -> int:
    match = _PERSON.search(content)
    assert match
    return int(match[1])


class Folder:
    """A folder in which a person tidies up, never quite; each photo shows a person of its own."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root, self._chance = root, chance
        self._folders = ["a", "b", "b/c", "d"]
        self._trash: list[bytes] = []
        self._made = 0
        for name in self._folders:
            (root / name).mkdir(parents=True)
            (root / name / "notes.txt").touch()

    @property
    def photos(self) -> list[Path]:
        return sorted(self.root.rglob("*.jpg"))

    def change(self) -> None:
        """One thing, of those that people do."""
        ways: list[Callable[[Path, Path], object]] = [
            *(self._add, Path.replace, self._copy, self._delete, self._restore, self._swap),
            *(self._edit, self._touch, self._move_folder),
        ]
        way = self._chance.choice(ways) if self.photos else self._add
        place = self.root / self._chance.choice(self._folders) / f"{self._chance.randrange(9)}.jpg"
        way(self._chance.choice(self.photos or [place]), place)

    def _new(self) -> bytes:
        self._made += 1
        # Of few sizes, so that sizes alone tell nothing.
        return f"person {self._made % len(PEOPLE)}.".encode().ljust(self._chance.choice([20, 20, 30]))

    def _add(self, _photo: Path, place: Path) -> None:
        if not place.exists():
            place.write_bytes(self._new())

    def _copy(self, photo: Path, place: Path) -> None:
        if not place.exists():
            place.write_bytes(photo.read_bytes())

    def _delete(self, photo: Path, _place: Path) -> None:
        self._trash.append(photo.read_bytes())
        photo.unlink()

    def _restore(self, _photo: Path, place: Path) -> None:
        if self._trash and not place.exists():
            place.write_bytes(self._trash.pop())

    def _swap(self, photo: Path, _place: Path) -> None:
        other, aside = self._chance.choice(self.photos), self.root / "aside"
        photo.rename(aside)
        if other != photo:
            other.rename(photo)
        aside.rename(other)

    def _edit(self, photo: Path, _place: Path) -> None:
        photo.write_bytes(self._new())

    def _touch(self, photo: Path, _place: Path) -> None:
        photo.write_bytes(photo.read_bytes())

    def _move_folder(self, _photo: Path, _place: Path) -> None:
        old, new = ("d", "e") if "d" in self._folders else ("e", "d")
        (self.root / old).rename(self.root / new)
        self._folders[self._folders.index(old)] = new


@pytest.mark.parametrize("seed", range(10))
def test_each_photo_has_one_row_with_its_own_face_and_keeps_its_name(
    seed: int, tmp_path: Path, scan: Scan, store: Store, rows: Rows
) -> None:
    chance = random.Random(seed)  # noqa: S311  the same changes in every run
    folder = Folder(tmp_path / "photos", chance)
    named: dict[int, str] = {}

    def show_the_person_asked_for() -> None:
        scan.api.found = [PEOPLE[person_of(scan.api.requests[-1])]]

    scan.api.before = show_the_person_asked_for
    for _ in range(10):
        for _ in range(chance.randrange(1, 6)):
            folder.change()
        scan(folder.root)
        there = {str(path): person_of(path.read_bytes()) for path in folder.photos}
        listed = places(store)
        assert sorted(listed.values()) == sorted(there)
        for image_id, place in listed.items():
            encodings = [json.loads(face["encoding"]) for face in rows.faces(image_id)]
            assert any(np.allclose(encoding, PEOPLE[there[place]]) for encoding in encodings)
        known = {(place, named[person]) for place, person in there.items() if person in named}
        assert known - set(shown(store)) == set()
        assert scan(folder.root) == {}
        assert scan.gone == []
        if folder.photos:
            name_one(scan, rows, listed, chance.choice(folder.photos), named)
        if chance.random() < 0.3:
            missing_files.forget(store, scan.found.tops)
            named = {person: name for person, name in named.items() if person in there.values()}


def name_one(scan: Scan, rows: Rows, listed: dict[int, str], photo: Path, named: dict[int, str]) -> None:
    """Name the person of a photo, in all photos; not where an edited photo has an old face, too."""
    person = person_of(photo.read_bytes())
    (image_id,) = [image_id for image_id, place in listed.items() if place == str(photo)]
    if person not in named and len(rows.faces(image_id)) == 1:
        named[person] = f"Person {person}"
        enrol_photo(scan.tools, named[person], photo, None)
        linker = Linker.of(scan.tools.store, Linking(0.6), lambda _linked: None)
        for linked_id in linker.images():
            linker.link_image(linked_id, dry_run=False)
