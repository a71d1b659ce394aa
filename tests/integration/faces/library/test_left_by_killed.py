"""A process that is killed between a face that is another person now and the faces that hang on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from faces.library.opening import OpenLibrary, open_library
from faces.library.row_changes import write_rows
from faces.library.upkeep.refresh import Differences, Refresh
from faces.store import faces, images
from faces.store.database import Store, Transaction
from tests.servers.arriving import COHORT, Arriving, Photos
from tests.servers.library_verdict import wrong
from tests.servers.lives import end_of, live
from tests.servers.rows import Rows
from tests.unit.faces.people.made_people import made_people, photos_of

#: Photos with a face that hangs on the master.
FOLLOWERS = 2

#: People who have faces of their own.
OTHERS = ("Berta", "Carla")


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def photos(url: str, rows: Rows, tmp_path: Path) -> Photos:
    """A person's master, and photos of which a face is linked to it, all of them in our tables."""
    person, *others = made_people(1 + len(OTHERS), seed=5)
    for name, one in zip(OTHERS, others, strict=True):
        rows.face(rows.image(), one, name=name, status="ok")
    encodings = photos_of(person, FOLLOWERS + 1, 1)
    master = rows.face(rows.image(filename="master.jpg"), encodings[0], name="Anna", status="ok")
    for encoding in encodings[1:]:
        rows.face(rows.image(), encoding, name="Anna", parent_id=master)
    photos = Photos(url, tmp_path)
    arriving = Arriving(photos)
    arriving.arrivals.update_images(row["id"] for row in rows.read("SELECT id FROM images ORDER BY id"))
    arriving.close()
    return photos


@pytest.fixture
def other(photos: Photos, store: Store) -> OpenLibrary:
    """Another process, which has looked."""
    other = open_library(store, calibrated=True, cohort=lambda: COHORT)
    assert other.upkeep
    other.upkeep.look()
    return other


def name_master(name: str, arriving: Arriving) -> None:
    """Say that the master is somebody else, as a verb does."""

    def work(transaction: Transaction, changed: set[int]) -> None:
        query = sa.text("SELECT id FROM images WHERE filename = 'master.jpg'")
        image = transaction.connection.execute(query).scalar_one()
        images.lock(transaction, image)
        (row,) = faces.lock_of_image(transaction, image)
        faces.update(transaction, row, {"name": name})
        changed.add(image)

    write_rows(arriving.store, arriving.arrivals, work)


def look(other: OpenLibrary, photos: Photos, rows: Rows) -> None:
    """As between two jobs, half a minute after each other; each is over after a quarter of a second."""
    for _ in range(1 + FOLLOWERS):
        rows.run(f"UPDATE {photos.prefix}library SET looked_at = NULL")
        if other.outside:
            other.outside._next = -1.0
        assert other.upkeep
        other.upkeep.look_if_due()
        if pending(photos, rows) == 0:
            return


def pending(photos: Photos, rows: Rows) -> int:
    """How many notes there are."""
    return int(rows.one(f"SELECT COUNT(*) AS n FROM {photos.prefix}pending_images")["n"])


def test_at_whatever_statement_it_is_killed_the_next_look_of_another_brings_all_up_to_date(
    photos: Photos, rows: Rows, store: Store, other: OpenLibrary
) -> None:
    assert other.arrivals
    left = []
    for die_at in itertools.count(1):
        process = live(photos, partial(name_master, OTHERS[die_at % 2]), die_at)
        is_done = end_of(process)
        left.append(pending(photos, rows))
        look(other, photos, rows)
        assert pending(photos, rows) == 0
        assert wrong(store, COHORT) == [], die_at
        if is_done:
            break
    assert left[0] == left[-1] == 0
    assert {*left} == {0, *range(1, FOLLOWERS + 1)}
    assert Refresh(other.arrivals, keep=False).run() == Differences()


def test_what_hangs_on_a_face_is_noted_until_it_is_brought_up_to_date(photos: Photos, rows: Rows) -> None:
    arriving = Arriving(photos)
    arriving.follow()
    name_master("Berta", arriving)
    arriving.close()
    assert pending(photos, rows) == 0
    who = f"SELECT name, COUNT(*) AS n FROM {photos.prefix}face_index JOIN {photos.prefix}people ON id = person_id"
    assert rows.read(f"{who} GROUP BY name ORDER BY name") == [
        {"name": "Berta", "n": 2 + FOLLOWERS},
        {"name": "Carla", "n": 1},
    ]
