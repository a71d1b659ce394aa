from __future__ import annotations

import json
import os
import re
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faces.library import index_file
from faces.library.index_file import Saved
from faces.people.enrolled import EnrolledPeople
from faces.people.groups.group_index import GroupIndex
from faces.people.neighbourhood import Neighbourhood
from tests.unit.faces.library.made_library import (
    COHORT,
    NEIGHBOURHOOD,
    PHOTOS,
    bits,
    everything,
    made_enrolled,
    made_groups,
    many,
    saved,
    total,
)

ROWS = st.lists(st.integers(0, len(PHOTOS) - 1), min_size=1, max_size=4)

#: Groups or people by id: which of the photos.
LIBRARIES = st.dictionaries(st.integers(1, 2**62), ROWS, max_size=15)

APP = "mysql://photos@localhost/photos"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """FACE_STATE_DIR, which is not there yet."""
    return tmp_path / "state"


def the_file(folder: Path) -> Path:
    return next(folder.glob("people-*.index"))


def load(folder: Path) -> Saved | None:
    return index_file.load(folder, APP, COHORT.version)


def loaded(folder: Path) -> Saved:
    found = load(folder)
    assert found is not None
    return found


def own_pages(file: Path) -> int:
    """How many pages of what this process has mapped of a file are copies of its own."""
    maps = Path("/proc/self/smaps").read_text().split("VmFlags:")
    ours = [text for text in maps if str(file) in text]
    assert ours
    return sum(int(kb) for text in ours for kb in re.findall(r"^Anonymous: +(\d+) kB", text, re.M)) // 4


# --- what is read is what was measured ---


@given(LIBRARIES, LIBRARIES, st.data())
def test_what_is_read_is_what_was_saved_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory,
    groups: dict[int, list[int]],
    people: dict[int, list[int]],
    data: st.DataObject,
) -> None:
    folder, index = tmp_path_factory.mktemp("state"), made_groups(groups)
    for group in data.draw(st.lists(st.sampled_from(sorted(groups)))) if groups else ():
        index.drop(group)
    before = saved(index, made_enrolled(people), data.draw(st.integers(0, 2**63)), data.draw(st.integers(0, 2**31)))
    index_file.save(folder, APP, before)
    assert everything(loaded(folder)) == everything(before)


@given(LIBRARIES, LIBRARIES, LIBRARIES)
def test_an_index_out_of_the_file_becomes_what_any_other_becomes(
    tmp_path_factory: pytest.TempPathFactory,
    groups: dict[int, list[int]],
    people: dict[int, list[int]],
    more: dict[int, list[int]],
) -> None:
    folder = tmp_path_factory.mktemp("state")
    index_file.save(folder, APP, saved(made_groups(groups, named=True), made_enrolled(people)))
    found = loaded(folder)
    index = GroupIndex.of_rows(NEIGHBOURHOOD, found.groups, 3)
    enrolled = EnrolledPeople.of_rows(NEIGHBOURHOOD, found.people, 3)
    other, others = made_groups(groups, named=True), made_enrolled(people)
    for row, photos in more.items():
        for one in (index, other):
            one.put(row, total(photos))
        for who in (enrolled, others):
            who.put(row, total(photos))
    assert bits(index.rows) == bits(other.rows)
    assert bits(enrolled.rows) == bits(others.rows)
    assert index.pairs(index.ids.tolist()) == other.pairs(other.ids.tolist())


def test_what_was_dropped_is_still_gone(folder: Path) -> None:
    index = made_groups({group: [group] for group in range(1, 50)})
    index.drop(7)
    index_file.save(folder, APP, saved(index, made_enrolled({})))
    found = GroupIndex.of_rows(NEIGHBOURHOOD, loaded(folder).groups, 3)
    assert (len(found), 7 in found, found.ids.tolist()) == (48, False, index.ids.tolist())


def test_rows_measured_with_an_older_number_are_stale(folder: Path) -> None:
    index_file.save(folder, APP, many(20))
    found = loaded(folder)
    index = GroupIndex.of_rows(NEIGHBOURHOOD, found.groups, 4)
    people = EnrolledPeople.of_rows(NEIGHBOURHOOD, found.people, 4)
    assert (index.stale, people.stale) == (20, 20)


def test_a_library_without_people_and_groups_has_a_file_too(folder: Path) -> None:
    index_file.save(folder, APP, many(0))
    assert everything(loaded(folder)) == everything(many(0))


# --- what changes stays one process's own ---


def test_what_changes_after_mapping_is_in_no_other_map_and_not_in_the_file(folder: Path) -> None:
    index_file.save(folder, APP, many(50))
    before = the_file(folder).read_bytes()
    one, other = loaded(folder), loaded(folder)
    index, people = (
        GroupIndex.of_rows(NEIGHBOURHOOD, one.groups, 3),
        EnrolledPeople.of_rows(NEIGHBOURHOOD, one.people, 3),
    )
    index.use(Neighbourhood(COHORT))
    people.use(Neighbourhood(COHORT))
    for kept in (index, people):
        kept.renew(20)
        kept.put(3, total([1, 2]))
        kept.put(99, total([4]))
    index.drop(5)
    assert everything(one) != everything(other)
    assert everything(other) == everything(many(50))
    assert the_file(folder).read_bytes() == before


def test_rows_beyond_the_room_are_the_processs_own(folder: Path) -> None:
    index_file.save(folder, APP, many(50))
    found = loaded(folder)
    index, people = (
        GroupIndex.of_rows(NEIGHBOURHOOD, found.groups, 3),
        EnrolledPeople.of_rows(NEIGHBOURHOOD, found.people, 3),
    )
    library = {row: [(row + 7) % len(PHOTOS)] for row in range(1, 301)}
    for row in range(51, 301):
        index.put(row, total(library[row]))
        people.put(row, total(library[row]))
    assert bits(index.rows) == bits(made_groups(library).rows)
    assert bits(people.rows) == bits(made_enrolled(library).rows)
    assert everything(loaded(folder)) == everything(many(50))


def test_a_new_row_takes_a_page_of_each_array_and_not_the_whole(folder: Path) -> None:
    index_file.save(folder, APP, many(5000))
    found = loaded(folder)
    index = GroupIndex.of_rows(NEIGHBOURHOOD, found.groups, 3)
    assert index.pairs([1])
    assert own_pages(the_file(folder)) == 0
    for row in range(5001, 5011):
        index.put(row, total([row % len(PHOTOS)]))
    arrays = len(found.groups.arrays)
    assert arrays <= own_pages(the_file(folder)) <= 2 * arrays


# --- files that are not used ---


def test_each_damaged_byte_of_the_header_is_seen(folder: Path) -> None:
    index_file.save(folder, APP, many(5))
    assert [place for place in range(4096) if not is_seen(folder, place)] == []
    assert load(folder) is not None


@given(st.integers(4096, 4096 * 40), st.integers(1, 255))
@settings(max_examples=300)
def test_a_damaged_byte_is_seen_or_is_in_no_row(tmp_path_factory: pytest.TempPathFactory, place: int, how: int) -> None:
    folder, whole = tmp_path_factory.getbasetemp() / "damaged-rows", many(100)
    index_file.save(folder, APP, whole)
    damage(the_file(folder), place % the_file(folder).stat().st_size, how)
    found = load(folder)
    assert found is None or everything(found) == everything(whole)


@pytest.mark.parametrize("column", [*many(0).groups.arrays])
def test_damage_in_each_array_is_seen(folder: Path, column: str) -> None:
    library = many(40)
    library.groups.named[::3] = True
    wanted = library.groups.arrays[column][:40].tobytes()
    index_file.save(folder, APP, library)
    damage(the_file(folder), the_file(folder).read_bytes().index(wanted, 4096) + len(wanted) - 1)
    assert load(folder) is None


@pytest.mark.parametrize("size", [0, 1, 20, 4095, 4096, 4097, 50_000, -4096, -1])
def test_a_file_that_was_cut_off_or_has_more_is_not_used(folder: Path, size: int) -> None:
    index_file.save(folder, APP, many(100))
    file = the_file(folder)
    os.truncate(file, size if size >= 0 else file.stat().st_size + size)
    assert load(folder) is None
    os.truncate(file, 10_000_000)
    assert load(folder) is None


def test_a_file_measured_with_another_cohort_or_of_another_library_is_not_used(folder: Path) -> None:
    index_file.save(folder, APP, many(5))
    assert index_file.load(folder, APP, "0123456789ab") is None
    assert index_file.load(folder, "sqlite:////photos/faces.db", COHORT.version) is None
    index_file.save(folder, "sqlite:////photos/faces.db", many(6))
    one, other = sorted(folder.glob("people-*.index"))
    one.write_bytes(other.read_bytes())
    found = [index_file.load(folder, app, COHORT.version) for app in (APP, "sqlite:////photos/faces.db")]
    assert found.count(None) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"layout": [0]},
        {"layout": None},
        {"people": 6},
        {"groups": 4000},
    ],
)
def test_a_file_of_another_version_is_not_used(folder: Path, change: dict[str, object]) -> None:
    index_file.save(folder, APP, many(5))
    rewrite_header(the_file(folder), change)
    assert load(folder) is None
    assert index_file.saved_number(folder, APP, COHORT.version) in (None, 3)


def test_a_link_and_what_is_no_file_are_not_used(folder: Path) -> None:
    index_file.save(folder, APP, many(5))
    file = the_file(folder)
    file.rename(folder / "other")
    file.symlink_to("other")
    assert load(folder) is None
    file.unlink()
    file.mkdir()
    assert load(folder) is None


def test_of_a_file_that_is_not_used_one_line_is_logged_and_the_next_save_replaces_it(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert load(folder) is None
    assert caplog.messages == []
    index_file.save(folder, APP, many(5))
    damage(the_file(folder), 1000)
    assert load(folder) is None
    assert caplog.messages == [f"{the_file(folder)} is left alone and made anew: its header is damaged"]
    index_file.save(folder, APP, many(6))
    assert everything(loaded(folder)) == everything(many(6))
    assert len(caplog.messages) == 1


# --- the file and what lies beside it ---


def test_only_its_user_may_read_it_whatever_the_umask(folder: Path) -> None:
    before = os.umask(0)
    try:
        index_file.save(folder, APP, many(5))
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_its_number_is_told_without_reading_it_all(folder: Path) -> None:
    assert index_file.saved_number(folder, APP, COHORT.version) is None
    for number in (4, 5, 3):
        index_file.save(folder, APP, many(5, number=number))
        assert index_file.saved_number(folder, APP, COHORT.version) == number
    assert index_file.saved_number(folder, APP, "0123456789ab") is None


def test_two_libraries_have_two_files(folder: Path) -> None:
    index_file.save(folder, APP, many(5, change=1))
    index_file.save(folder, "sqlite:////photos/faces.db", many(5, change=2))
    assert [index_file.load(folder, app, COHORT.version).change for app in (APP, "sqlite:////photos/faces.db")] == [
        1,
        2,
    ]  # type: ignore[union-attr]


def test_a_folder_that_cannot_be_made_costs_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file")
    index_file.save(tmp_path / "state", APP, many(5))
    assert len(caplog.messages) == 1
    assert "each process measures people and groups by itself" in caplog.messages[0]


# --- who measures anew ---


def test_one_at_a_time_measures_a_librarys_neighbourhoods_anew(folder: Path) -> None:
    with index_file.renewal(folder, APP) as first, index_file.renewal(folder, APP) as second:
        assert (first, second) == (True, False)
        with index_file.renewal(folder, "sqlite:////photos/faces.db") as other:
            assert other
    with index_file.renewal(folder, APP) as third:
        assert third


def test_who_measures_anew_may_save(folder: Path) -> None:
    with index_file.renewal(folder, APP):
        index_file.save(folder, APP, many(5))
    assert load(folder) is not None


def test_where_no_lock_can_be_had_each_process_measures_for_itself(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with index_file.renewal(tmp_path / "state", APP) as first, index_file.renewal(tmp_path / "state", APP) as second:
        assert (first, second) == (True, True)


def damage(file: Path, place: int, how: int = 0xFF) -> None:
    """Change one byte; a second time changes it back."""
    with file.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)[0]
        opened.seek(place)
        opened.write(bytes([byte ^ how]))


def is_seen(folder: Path, place: int) -> bool:
    """Whether a damaged byte is; it is whole again afterwards."""
    damage(the_file(folder), place)
    found = load(folder)
    damage(the_file(folder), place)
    return found is None


def rewrite_header(file: Path, change: dict[str, object]) -> None:
    """As another version would have written it, its checksum right."""
    data = file.read_bytes()
    told = json.loads(data[20:4096].rstrip(b"\0")) | change
    text = json.dumps(told).encode().ljust(4096 - 20, b"\0")
    file.write_bytes(data[:16] + zlib.crc32(text).to_bytes(4, "little") + text + data[4096:])
