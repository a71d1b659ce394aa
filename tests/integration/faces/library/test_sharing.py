"""Processes of a machine on one library: one measures anew for all of them, and its file is believed with a look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faces.library import index_file
from faces.people.groups.growing import SLICE
from faces.store.database import Store
from faces.store.sidecar import library_row
from script.benches.large_library import fill_library
from tests.servers.library_rows import tables_at
from tests.servers.library_verdict import unlike_a_fresh_one
from tests.servers.rows import Rows
from tests.servers.settled_album import COHORT, Album

#: More than a process measures by itself without a word.
GROUPS = SLICE + 300

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    """Of a library with many groups."""
    fill_library(url, tables_at(url), COHORT, people=3, groups=GROUPS)
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def begin(store: Store, rows: Rows, tmp_path: Path) -> Iterator[list[Album]]:
    """Two processes that follow the library, and know each other by a folder."""
    yield [Album.sharing(store, rows, tmp_path), Album.sharing(store, rows, tmp_path)]


def publish(album: Album) -> None:
    """Put another neighbourhood in force."""
    state, measured = album.library.state, album.library.measured_now()
    album.store.write(
        lambda transaction: library_row.publish(
            transaction, state.number + 1, COHORT.version, measured.own[: 100 * state.number], 0.0
        )
    )
    album.follow()


def renew(album: Album) -> int:
    """Measure all anew; in how many slices."""
    slices = 0
    while album.library.renew(SLICE):
        slices += 1
    return slices


def test_one_measures_anew_and_the_other_maps_it(begin: list[Album]) -> None:
    one, other = begin
    publish(one)
    other.follow()
    assert one.library.renew(SLICE) == SLICE
    assert other.library.renew(SLICE) == 0
    assert other.library.is_stale
    assert renew(one) == 1
    other.follow()
    assert not other.library.is_stale
    assert unlike_a_fresh_one(one.store, other.library) == []


def test_a_process_starts_from_the_file_with_what_came_since(
    begin: list[Album], store: Store, rows: Rows, tmp_path: Path
) -> None:
    one = begin[0]
    publish(one)
    renew(one)
    one.photo(COHORT.averages[0] + 0.02)
    later = Album.sharing(store, rows, tmp_path)
    assert not later.library.is_stale
    assert len(later.library.groups) == GROUPS + 1
    assert unlike_a_fresh_one(store, later.library) == []


@pytest.mark.parametrize("put_back", ["UPDATE {library} SET `change` = 1", "UPDATE {groups} SET size = 2 WHERE id = 9"])
def test_the_file_of_a_library_that_was_put_back_is_not_believed(
    begin: list[Album], store: Store, rows: Rows, tmp_path: Path, put_back: str
) -> None:
    one = begin[0]
    publish(one)
    renew(one)
    one.run(put_back)
    later = Album.sharing(store, rows, tmp_path)
    assert later.library.is_stale
    assert later.library.groups.faces == one.read("SELECT SUM(size) AS n FROM {groups}")[0]["n"]


def test_a_disk_that_takes_no_file_leaves_each_process_to_itself(
    begin: list[Album], store: Store, rows: Rows, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("")
    one = Album.sharing(store, rows, tmp_path / "a file" / "folder")
    publish(one)
    assert renew(one) == 2
    assert not one.library.is_stale
    assert index_file.load(tmp_path / "a file" / "folder", store.name, COHORT.version) is None
