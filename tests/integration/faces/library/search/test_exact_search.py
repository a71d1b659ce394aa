"""Our own search and its file: believed where it fits the tables, made anew where not, and shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faces.library.search.encodings_file import EncodingsFile
from faces.library.search.exact_search import ExactSearch
from faces.library.search.face_search import NearFace
from faces.store.database import Store
from faces.store.sidecar.tables import SidecarTables
from tests.integration.faces.library.search.made_encodings import PHOTOS, keep, keep_all
from tests.servers.rows import Rows
from tests.servers.small_disk import SmallDisk, small_disk

#: More than may be other than in the file.
MANY = 9000


@pytest.fixture
def tables(store: Store) -> SidecarTables:
    assert store.schema.sidecar is not None
    return store.schema.sidecar


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def begin(store: Store, tmp_path: Path) -> Callable[[], ExactSearch]:
    """Begins as a process of the machine does, and has followed."""

    def begin() -> ExactSearch:
        search = ExactSearch(store, tmp_path / "state")
        search.follow()
        return search

    return begin


def the_file(store: Store, folder: Path) -> EncodingsFile:
    return EncodingsFile(folder / "state", store.name)


def answers(search: ExactSearch) -> list[list[NearFace]]:
    return search.nearest(PHOTOS[::9], 7)


def fresh(store: Store) -> list[list[NearFace]]:
    """What all rows as they are now answer."""
    search = ExactSearch(store, None)
    search.follow()
    return answers(search)


def reads_all(statements: list[str]) -> bool:
    return any("ORDER BY" in one and "vectors.face_id > " in one for one in statements)


# --- beginning ---


def test_the_first_process_reads_all_and_the_next_maps_its_file(
    store: Store, begin: Callable[[], ExactSearch], statements: list[str]
) -> None:
    keep_all(store, 5000)
    one = begin()
    assert reads_all(statements)
    statements.clear()
    other = begin()
    assert not reads_all(statements)
    assert answers(one) == answers(other) == fresh(store)
    assert len(one) == len(other) == 5000


def test_what_came_since_the_file_was_written_is_followed(
    store: Store, begin: Callable[[], ExactSearch], statements: list[str]
) -> None:
    keep_all(store, 300)
    begin()
    keep(store, {face: PHOTOS[-face % len(PHOTOS)] for face in range(250, 400)}, gone=range(1, 20))
    statements.clear()
    later = begin()
    assert not reads_all(statements)
    assert answers(later) == fresh(store)


def test_a_look_where_little_changed_is_one_statement(
    store: Store, begin: Callable[[], ExactSearch], statements: list[str]
) -> None:
    keep_all(store, 300)
    search = begin()
    statements.clear()
    search.follow()
    assert len([one for one in statements if one != "BEGIN"]) == 1
    keep(store, {1: PHOTOS[7]}, gone=[2])
    statements.clear()
    search.follow()
    assert len([one for one in statements if one != "BEGIN"]) == 1
    assert answers(search) == fresh(store)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:5000],
        lambda data: b"",
        lambda data: data[:100_000] + b"x" + data[100_001:],
        lambda data: data[:-3000] + b"x" + data[-2999:],
        lambda data: data + bytes(4096),
    ],
)
def test_a_damaged_file_is_made_anew_and_costs_a_line(
    store: Store,
    begin: Callable[[], ExactSearch],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[bytes], bytes],
) -> None:
    keep_all(store, 300)
    begin()
    file = the_file(store, tmp_path)
    file.path.write_bytes(damage(file.path.read_bytes()))
    assert answers(begin()) == fresh(store)
    assert [message.split(":")[0] for message in caplog.messages] == [f"{file.path} is left alone and made anew"]
    assert file.load() is not None


def test_the_file_of_another_library_is_not_used(
    store: Store, begin: Callable[[], ExactSearch], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep_all(store, 30)
    begin()
    file, other = the_file(store, tmp_path), EncodingsFile(tmp_path / "state", "mysql://photos@localhost/photos")
    file.path.rename(other.path)
    keep(store, {}, gone=range(1, 10))
    assert answers(begin()) == fresh(store)
    assert other.load() is None
    assert "it is of another library" in caplog.text


@pytest.mark.parametrize(
    "put_back",
    [
        "UPDATE {library} SET `change` = 1",
        "DELETE FROM {vectors} WHERE face_id = 7",
        "UPDATE {vectors} SET encoding_crc = encoding_crc + 1 WHERE face_id = 7",
        "UPDATE {vectors} SET face_id = 7777 WHERE face_id = 7",
    ],
)
def test_the_file_of_a_database_that_was_put_back_is_not_believed(
    store: Store,
    rows: Rows,
    tables: SidecarTables,
    begin: Callable[[], ExactSearch],
    put_back: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(3):
        keep_all(store, 100)
    begin()
    rows.run(put_back.format(library=tables.library.name, vectors=tables.vectors.name))
    assert answers(begin()) == fresh(store)
    assert "is of other rows: they are read anew" in caplog.text
    caplog.clear()
    assert answers(begin()) == fresh(store)
    assert caplog.messages == []


def test_a_process_that_runs_sees_that_its_database_was_put_back(
    store: Store, rows: Rows, tables: SidecarTables, begin: Callable[[], ExactSearch]
) -> None:
    keep_all(store, 100)
    search, other = begin(), begin()
    keep(store, {face: PHOTOS[face] for face in range(50, 70)})
    search.follow()
    rows.run(f"DELETE FROM {tables.vectors.name} WHERE face_id > 40")
    rows.run(f"DELETE FROM {tables.vector_changes.name}")
    rows.run(f"UPDATE {tables.library.name} SET `change` = 0")
    for one in (search, other):
        one.follow()
        assert answers(one) == fresh(store)
        assert len(one) == 40


# --- the file anew ---


def test_when_much_has_changed_one_writes_the_file_anew_and_the_others_map_it(
    store: Store, begin: Callable[[], ExactSearch], tmp_path: Path
) -> None:
    keep_all(store, 200)
    one, other = begin(), begin()
    first = the_file(store, tmp_path).token()
    keep_all(store, MANY, first=100)
    keep(store, {}, gone=range(500, 600))
    one.follow()
    second = the_file(store, tmp_path).token()
    assert second not in (None, first)
    other.follow()
    assert the_file(store, tmp_path).token() == second
    keep(store, {3: PHOTOS[50]}, gone=[4])
    for search in (one, other, begin()):
        search.follow()
        assert answers(search) == fresh(store)
        assert len(search) == 99 + MANY - 101


def test_another_process_file_of_other_rows_is_not_believed(
    store: Store, begin: Callable[[], ExactSearch], tmp_path: Path
) -> None:
    keep_all(store, 200)
    search, file = begin(), the_file(store, tmp_path)
    keep_all(store, MANY)
    found = file.load()
    assert found is not None
    with file.writing():
        file.write(found.change, [])
    search.follow()
    assert answers(search) == fresh(store)
    assert len(search) == MANY


def test_in_a_processs_own_memory_as_much_may_change(store: Store) -> None:
    keep_all(store, 200)
    search = ExactSearch(store, None)
    search.follow()
    keep_all(store, MANY, first=100)
    keep(store, {}, gone=range(500, 600))
    search.follow()
    assert answers(search) == fresh(store)


# --- disks ---


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallDisk]:
    """What FACE_STATE_DIR is: there is no room for a file."""
    with small_disk(tmp_path / "state") as disk:
        yield disk


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_where_the_disk_is_full_or_takes_no_file_each_process_keeps_all_itself(
    store: Store, begin: Callable[[], ExactSearch], small: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    keep_all(store, 300)
    one = begin()
    assert "this process keeps all encodings in its own memory" in caplog.text
    assert [file.suffix for file in small.path.iterdir()] == [".writing"]
    small.allow(False)
    other = begin()
    assert "Read-only file system" in caplog.text
    small.allow(True)
    keep_all(store, MANY, first=200)
    for search in (one, other):
        search.follow()
        assert answers(search) == fresh(store)
