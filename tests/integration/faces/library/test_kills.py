"""Several processes on one library, killed at each statement of a job and of settling, and begun again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faces.library.upkeep.outside_changes import OutsideChanges
from faces.library.upkeep.refresh import Refresh
from faces.store.database import Store
from tests.servers.arriving import COHORT, Arriving, Photos, add_photos, add_single_groups
from tests.servers.library_verdict import unlike_a_fresh_one, wrong
from tests.servers.lives import kill_and_go_on, kill_and_settle
from tests.servers.machine_links import untold
from tests.servers.made_album import enrol_people, forbid_writing_persons, made_album, name_people
from tests.servers.rows import Rows

PEOPLE = 5

#: Statements and commits of a job, and some of the next one's.
DEATHS = range(1, 57)

#: Photos for so many processes: nobody's share is done before the last death.
PHOTOS = {2: 24, 4: 48}

#: Of settling each third: it has some hundred statements, and all of them would take half a minute more.
DEATHS_OF_SETTLING = range(1, 400, 3)


@pytest.fixture
def photos(url: str, store: Store, tmp_path: Path, workers: int) -> Iterator[Photos]:
    """To be done; two of the people on them have a photo with their name.

    Where the app has persons they have a confirmed face, and one more has a middle alone; all can only be read.
    """
    rows = Rows(url)
    photos = add_photos(url, tmp_path / "disk", made_album(PHOTOS[workers], PEOPLE))
    with closing(Arriving(photos)) as arriving:
        if store.schema.has_persons:
            enrol_people(rows, PEOPLE, named=2)
            OutsideChanges(arriving.arrivals).look()
            forbid_writing_persons(rows)
        else:
            arriving.arrivals.update_images(name_people(rows, PEOPLE, named=2))
    yield photos
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


@pytest.mark.parametrize(
    ("url", "workers"), [("sqlite", 2), ("mariadb", 4), ("mariadb v4", 2), ("mariadb v5", 4)], indirect=["url"]
)
def test_at_whatever_statement_a_process_is_killed_no_face_is_lost_doubled_or_half_done(
    store: Store, photos: Photos, follower: Arriving, workers: int
) -> None:
    assert kill_and_go_on(photos, workers, DEATHS, follower.follow) == len(DEATHS)
    assert photos.waiting() == []
    is_whole(store, photos, follower)


@pytest.mark.parametrize("workers", [2])
@pytest.mark.parametrize("url", ["sqlite", "mariadb", "mariadb v4", "mariadb v5"], indirect=True)
def test_at_whatever_statement_of_settling_processes_are_killed_groups_stay_whole(
    store: Store, photos: Photos, follower: Arriving, workers: int
) -> None:
    """The killed one's right to settle ends at once: all settle at the same time."""
    add_single_groups(photos)
    kills = kill_and_settle(photos, workers, DEATHS_OF_SETTLING, follower.follow)
    assert kills > 10
    if not store.schema.has_persons:
        assert len(follower.library.groups) == PEOPLE
    is_whole(store, photos, follower)
