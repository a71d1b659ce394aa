"""Several processes killed at each statement where the app has persons: what they suggest is whole, and told once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faces.library.upkeep.outside_changes import OutsideChanges
from faces.library.upkeep.refresh import Refresh
from faces.store.database import Store
from tests.servers.arriving import (
    COHORT,
    Arriving,
    Photos,
    add_photos,
    add_single_groups,
    kill_and_go_on,
    kill_and_settle,
)
from tests.servers.library_verdict import unlike_a_fresh_one, wrong
from tests.servers.machine_links import untold
from tests.servers.made_album import enrol_people, forbid_writing_persons, made_album
from tests.servers.rows import Rows

PEOPLE = 5

#: Statements and commits of a job, and some of the next one's. Each comes once: half of them in either version, and of
#: these every second with two processes, the others with four.
KILLS = [
    ("mariadb v5", 2, range(1, 57, 4)),
    ("mariadb v5", 4, range(3, 57, 4)),
    ("mariadb v4", 2, range(2, 57, 4)),
    ("mariadb v4", 4, range(4, 57, 4)),
]


@pytest.fixture
def photos(url: str, tmp_path: Path) -> Iterator[Photos]:
    """To be done; two of the people on them are persons with a confirmed face, one has a middle alone."""
    rows = Rows(url)
    enrol_people(rows, PEOPLE, named=2)
    photos = add_photos(url, tmp_path / "disk", made_album(16, PEOPLE))
    arriving = Arriving(photos)
    OutsideChanges(arriving.arrivals).look()
    arriving.close()
    forbid_writing_persons(rows)
    persons = rows.read("SELECT * FROM persons")
    yield photos
    assert rows.read("SELECT * FROM persons") == persons
    rows.close()


@pytest.fixture
def follower(photos: Photos) -> Iterator[Arriving]:
    follower = Arriving(photos)
    yield follower
    follower.close()


def is_whole(store: Store, photos: Photos, follower: Arriving) -> None:
    """Photos once, groups whole, what is derived as made anew, and the ledger as the rows."""
    assert photos.written() == photos.expected()
    assert wrong(store, COHORT) == []
    assert unlike_a_fresh_one(store, follower.library) == []
    assert untold(store) == []
    assert Refresh(follower.arrivals, keep=False).run().is_nothing


@pytest.mark.parametrize(("url", "workers", "deaths"), KILLS, indirect=["url"])
def test_at_whatever_statement_a_process_is_killed_its_suggestions_are_whole(
    store: Store, photos: Photos, follower: Arriving, workers: int, deaths: range
) -> None:
    assert kill_and_go_on(photos, workers, deaths, follower.follow) == len(deaths)
    assert photos.waiting() == []
    is_whole(store, photos, follower)


@pytest.mark.parametrize(("url", "workers"), [("mariadb v5", 2), ("mariadb v4", 4)], indirect=["url"])
def test_at_whatever_statement_of_settling_processes_are_killed_suggestions_of_groups_are_whole(
    store: Store, photos: Photos, follower: Arriving, workers: int
) -> None:
    """The killed one's right to settle ends at once: all settle at the same time."""
    add_single_groups(photos)
    kills = kill_and_settle(photos, workers, range(1, 400, 5), follower.follow)
    assert kills > 8
    is_whole(store, photos, follower)
