"""Threads of one process, as a scan has them: they share a library in memory, and no change of theirs is lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faces.store.database import Store
from tests.servers.arriving import COHORT, Arriving, add_photos
from tests.servers.library_verdict import unlike_a_fresh_one, wrong
from tests.servers.made_album import made_album, name_people
from tests.servers.rows import Rows

PEOPLE, THREADS = 4, 4

#: Seconds in which all must be over, however slow the machine: threads that wait for each other never end.
_PATIENCE = 120


@pytest.fixture
def arriving(url: str, tmp_path: Path) -> Iterator[Arriving]:
    """Photos to be done, some of whose people are named."""
    rows = Rows(url)
    named = name_people(rows, PEOPLE, named=2)
    arriving = Arriving(add_photos(url, tmp_path / "disk", made_album(30, PEOPLE)))
    arriving.arrivals.update_images(named)
    yield arriving
    arriving.close()
    rows.close()


def test_threads_that_share_a_library_lose_nothing_and_never_wait_for_each_other(
    arriving: Arriving, store: Store
) -> None:
    def work(image: int) -> None:
        arriving.do(image)
        arriving.settling.settle_some()
        # As a look at what was changed: the same image by another thread, perhaps at the same time.
        arriving.arrivals.update_images([image - 1, image])

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, image) for image in arriving.photos.faces]:
            done.result(_PATIENCE)
    assert arriving.photos.written() == arriving.photos.expected()
    assert wrong(store, COHORT) == []
    assert unlike_a_fresh_one(store, arriving.library) == []
