"""Two at once on one library: one does all its work in the middle of the other's, before each lock that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faces.store.database import Store
from tests.servers.arriving import COHORT, Arriving, Photos
from tests.servers.in_the_middle import PEOPLE, Works, at_each_lock
from tests.servers.library_verdict import unlike_a_fresh_one, wrong
from tests.servers.rows import Rows

pytestmark = pytest.mark.parametrize("url", ["mariadb"], indirect=True)


class Two:
    """A library, and two processes' worth of what works on it."""

    def __init__(self, url: str, folder: Path) -> None:
        (folder / "2020").mkdir()
        (folder / "2020/a.jpg").write_bytes(b"a photo")
        self.faces: dict[int, np.ndarray] = {}
        photos = Photos(url, folder, self.faces)
        self.rows, self.one, self.other = Rows(url), Arriving(photos), Arriving(photos)

    def close(self) -> None:
        self.one.close()
        self.other.close()
        self.rows.close()

    def image(self, *found: np.ndarray) -> int:
        image = self.rows.image()
        self.faces[image] = np.stack(found)
        return image

    def name(self, image: int, name: str) -> None:
        """By PHP, past us."""
        self.rows.run("UPDATE faces SET status = 'ok', name = :name WHERE image_id = :image", name=name, image=image)


@pytest.fixture
def two(url: str, tmp_path: Path) -> Iterator[Two]:
    two = Two(url, tmp_path)
    yield two
    two.close()


def test_two_photos_of_one_unknown_person(two: Two, store: Store) -> None:
    def prepare(photos: np.ndarray) -> Works:
        one, other = two.image(photos[0], PEOPLE[0]), two.image(photos[1])
        return lambda: two.one.do(one), lambda: two.other.do(other)

    assert at_each_lock(prepare) > 5
    assert wrong(store, COHORT) == []


def test_two_faces_of_one_group_become_two_people_who_are_known(two: Two, store: Store) -> None:
    for name, person in (("Ann", PEOPLE[0]), ("Bob", PEOPLE[1])):
        image = two.image(person)
        two.one.do(image)
        two.name(image, name)
        two.one.arrivals.update_images([image])

    def prepare(photos: np.ndarray) -> Works:
        images = [two.image(photo) for photo in photos]
        for image in images:
            two.one.do(image)
        two.name(images[0], "Ann")
        two.name(images[1], "Bob")
        return (
            lambda: two.one.arrivals.update_images([images[0]]),
            lambda: two.other.arrivals.update_images([images[1]]),
        )

    assert at_each_lock(prepare) > 3
    assert wrong(store, COHORT) == []


def test_two_photos_of_one_person_who_is_new(two: Two, store: Store) -> None:
    def prepare(photos: np.ndarray) -> Works:
        images = [two.image(photo) for photo in photos[:2]]
        for image in images:
            two.one.do(image)
            two.name(image, f"Ann {images[0]}")
        return (
            lambda: two.one.arrivals.update_images([images[0]]),
            lambda: two.other.arrivals.update_images([images[1]]),
        )

    assert at_each_lock(prepare) > 3
    assert wrong(store, COHORT) == []
    assert two.rows.read("SELECT name FROM face_sidecar_people GROUP BY name HAVING COUNT(*) > 1") == []


def test_a_group_loses_its_last_face_while_another_comes(two: Two, store: Store) -> None:
    def prepare(photos: np.ndarray) -> Works:
        gone, comes = two.image(photos[0]), two.image(photos[1])
        two.one.do(gone)
        two.rows.run("UPDATE faces SET deleted_at = '2024-05-01' WHERE image_id = :image", image=gone)
        return lambda: two.one.do(comes), lambda: two.other.arrivals.update_images([gone])

    assert at_each_lock(prepare) > 5
    assert wrong(store, COHORT) == []


def test_a_face_is_named_while_its_group_joins_another(two: Two, store: Store) -> None:
    def prepare(photos: np.ndarray) -> Works:
        images = [two.image(photo) for photo in photos[:2]]
        two.other.follow()
        for image in images:
            two.rows.face(image, two.faces[image][0])
            two.other.arrivals.update_images([image])
        two.name(images[0], f"Ann {images[0]}")
        return lambda: two.one.arrivals.update_images([images[0]]), lambda: two.other.settling.settle_all()

    assert at_each_lock(prepare) > 3
    assert wrong(store, COHORT) == []


def test_two_photos_of_a_source_that_is_new(two: Two, store: Store) -> None:
    def prepare(photos: np.ndarray) -> Works:
        disk = f"disk {len(two.rows.read('SELECT id FROM images'))}"
        images = [two.rows.image(disk=disk) for _ in range(2)]
        for image, encoding in zip(images, photos[:2], strict=True):
            two.rows.face(image, encoding)
        return (
            lambda: two.one.arrivals.update_images([images[0]]),
            lambda: two.other.arrivals.update_images([images[1]]),
        )

    assert at_each_lock(prepare) > 3
    assert wrong(store, COHORT) == []
    query = "SELECT name FROM face_sidecar_sources GROUP BY name HAVING COUNT(*) > 1"
    assert two.rows.read(query) == []


def test_a_face_leaves_while_a_process_follows(two: Two, store: Store) -> None:
    def prepare(photos: np.ndarray) -> Works:
        image = two.image(photos[0])
        two.other.do(image)
        two.rows.run("UPDATE faces SET deleted_at = '2024-05-01' WHERE image_id = :image", image=image)
        return two.one.follow, lambda: two.other.arrivals.update_images([image])

    assert at_each_lock(prepare, ("SELECT face_sidecar",)) > 3
    assert unlike_a_fresh_one(store, two.one.library) == []
