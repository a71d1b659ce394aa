"""Several processes on one library, killed at each statement of a job and begun again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
from tests.servers.made_album import made_album, name_people
from tests.servers.rows import Rows

PEOPLE = 5

#: Statements and commits of a job, and some of the next one's: every second with two processes, the others with four.
DEATHS = {2: range(1, 57, 2), 4: range(2, 57, 2)}


@pytest.fixture
def photos(url: str, tmp_path: Path) -> Photos:
    """To be done; two of the people on them have a photo with their name."""
    rows = Rows(url)
    named = name_people(rows, PEOPLE, named=2)
    photos = add_photos(url, tmp_path / "disk", made_album(24, PEOPLE))
    arriving = Arriving(photos)
    arriving.arrivals.update_images(named)
    arriving.close()
    rows.close()
    return photos


@pytest.fixture
def follower(photos: Photos) -> Iterator[Arriving]:
    follower = Arriving(photos)
    yield follower
    follower.close()


@pytest.mark.parametrize("workers", [2, 4])
def test_at_whatever_statement_a_process_is_killed_no_face_is_lost_doubled_or_half_done(
    store: Store, photos: Photos, follower: Arriving, workers: int
) -> None:
    kills = kill_and_go_on(photos, workers, DEATHS[workers], follower.follow)
    assert kills == len(DEATHS[workers])
    assert photos.waiting() == []
    assert photos.written() == photos.expected()
    assert wrong(store, COHORT) == []
    assert unlike_a_fresh_one(store, follower.library) == []


def test_at_whatever_statement_of_settling_two_processes_are_killed_groups_stay_whole(
    store: Store, photos: Photos, follower: Arriving
) -> None:
    """The killed one's right to settle ends at once: both settle at the same time."""
    add_single_groups(photos)
    kills = kill_and_settle(photos, 2, range(1, 400, 5), follower.follow)
    assert kills > 10
    assert len(follower.library.groups) == PEOPLE
    assert photos.written() == photos.expected()
    assert wrong(store, COHORT) == []
    assert unlike_a_fresh_one(store, follower.library) == []
