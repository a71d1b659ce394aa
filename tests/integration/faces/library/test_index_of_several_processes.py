"""Several processes: some map the file, one replaces it, one is killed over it. And disks that cannot be written."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from faces.library import index_file
from faces.library.index_file import Saved
from faces.people.enrolled import EnrolledPeople
from faces.people.groups.group_index import GroupIndex
from faces.people.neighbourhood import Neighbourhood
from tests.servers.small_disk import SmallDisk, small_disk
from tests.unit.faces.library.made_library import COHORT, NEIGHBOURHOOD, bits, everything, many

APP = "mysql://photos@localhost/photos"

#: A library whose file is 1 MB.
LARGE = 800

_spawn = multiprocessing.get_context("spawn")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallDisk]:
    """What FACE_STATE_DIR is: one file is there, and there is room for half of another."""
    with small_disk(tmp_path / "state") as disk:
        index_file.save(disk.path, APP, many(300))
        (disk.path / "filler").write_bytes(bytes(450_000))
        yield disk


def load(folder: Path) -> Saved | None:
    return index_file.load(folder, APP, COHORT.version)


def loaded(folder: Path) -> Saved:
    found = load(folder)
    assert found is not None
    return found


def names(folder: Path) -> list[str]:
    """What lies there beside locks."""
    return [file.name for file in folder.iterdir() if file.suffix not in (".saving", ".renewal")]


# --- killed ---


def _save_until_the_kernel_ends_it(folder: Path, size: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    index_file.save(folder, APP, many(LARGE, change=8))


def _save_without_end(folder: Path, begun: Connection) -> None:
    libraries = [many(LARGE, change) for change in range(3)]
    begun.send(None)
    while True:
        for library in libraries:
            index_file.save(folder, APP, library)


@pytest.mark.parametrize("size", [1, 4096, 5000, 200_000, 900_000])
def test_a_process_that_ends_in_the_middle_of_a_save_leaves_the_old_file(tmp_path: Path, size: int) -> None:
    before = many(LARGE)
    index_file.save(tmp_path, APP, before)
    process = _spawn.Process(target=_save_until_the_kernel_ends_it, args=(tmp_path, size))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGXFSZ
    assert len(names(tmp_path)) == 2
    assert everything(loaded(tmp_path)) == everything(before)
    index_file.save(tmp_path, APP, many(LARGE, change=9))
    assert len(names(tmp_path)) == 1
    assert everything(loaded(tmp_path)) == everything(many(LARGE, change=9))


def test_whenever_a_process_is_killed_a_whole_file_is_there(tmp_path: Path) -> None:
    known = [everything(many(LARGE, change)) for change in range(3)]
    index_file.save(tmp_path, APP, many(LARGE, change=0))
    for pause in range(10):
        ours, theirs = _spawn.Pipe()
        process = _spawn.Process(target=_save_without_end, args=(tmp_path, theirs))
        process.start()
        ours.recv()
        time.sleep(0.02 + 0.003 * pause)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join(60)
        assert everything(loaded(tmp_path)) in known


# --- mapped by some, replaced by another ---


def _map_and_answer(folder: Path, asked: Connection) -> None:
    """Map the file; at each word tell what is in the map, `again`: map it anew before."""
    found = index_file.load(folder, APP, COHORT.version)
    assert found is not None
    asked.send(everything(found))
    while (word := asked.recv()) != "end":
        if word == "again":
            found = index_file.load(folder, APP, COHORT.version)
            assert found is not None
        if word == "change":
            found.groups.around[:] = 0
            found.people.numbers[:] = 99
        asked.send(everything(found))


def test_two_processes_keep_what_they_mapped_while_a_third_replaces_the_file(tmp_path: Path) -> None:
    old, new = many(LARGE), many(LARGE, change=8, number=4)
    index_file.save(tmp_path, APP, old)
    pipes = [_spawn.Pipe() for _ in range(2)]
    processes = [_spawn.Process(target=_map_and_answer, args=(tmp_path, theirs)) for _, theirs in pipes]
    for process in processes:
        process.start()
    one, other = (ours for ours, _ in pipes)
    assert [one.recv(), other.recv()] == [everything(old)] * 2
    one.send("change")
    assert one.recv() != everything(old)
    index_file.save(tmp_path, APP, new)
    other.send("")
    assert other.recv() == everything(old)
    assert index_file.saved_number(tmp_path, APP, COHORT.version) == 4
    for pipe in (one, other):
        pipe.send("again")
        assert pipe.recv() == everything(new)
        pipe.send("end")
    for process in processes:
        process.join(60)


# --- one renews, the others map ---


def _renew(folder: Path, told: Connection) -> None:
    """Measure all anew, if no other process does, and save; between two slices wait for a word."""
    found = index_file.load(folder, APP, COHORT.version)
    assert found is not None
    groups, people = _renewed(found)
    with index_file.renewal(folder, APP) as is_ours:
        told.send(is_ours)
        while is_ours and (len(groups.renew(100)) or len(people.renew(100))):
            told.recv()
        if is_ours:
            saved = Saved(found.change, groups.number, COHORT.version, groups.rows, people.rows)
            index_file.save(folder, APP, saved)
    told.send(None)


def _renewed(found: Saved) -> tuple[GroupIndex, EnrolledPeople]:
    """As a process goes on that sees a new neighbourhood."""
    groups = GroupIndex.of_rows(NEIGHBOURHOOD, found.groups, found.number)
    people = EnrolledPeople.of_rows(NEIGHBOURHOOD, found.people, found.number)
    for index in (groups, people):
        index.use(Neighbourhood(COHORT), 4)
    return groups, people


def begin_to_renew(folder: Path) -> tuple[multiprocessing.process.BaseProcess, Connection, bool]:
    ours, theirs = _spawn.Pipe()
    process = _spawn.Process(target=_renew, args=(folder, theirs))
    process.start()
    return process, ours, ours.recv()


def test_one_process_measures_anew_and_the_others_map_what_it_measured(tmp_path: Path) -> None:
    index_file.save(tmp_path, APP, many(LARGE))
    one, pipe, is_first = begin_to_renew(tmp_path)
    other, _, is_second = begin_to_renew(tmp_path)
    assert (is_first, is_second) == (True, False)
    other.join(60)
    assert index_file.saved_number(tmp_path, APP, COHORT.version) == 3
    for _ in range(2 * LARGE // 100):
        pipe.send(None)
    one.join(60)
    assert index_file.saved_number(tmp_path, APP, COHORT.version) == 4
    groups, people = _renewed(many(LARGE))
    groups.renew(LARGE)
    people.renew(LARGE)
    assert (bits(loaded(tmp_path).groups), bits(loaded(tmp_path).people)) == (bits(groups.rows), bits(people.rows))


def test_when_the_process_that_measures_is_killed_another_may(tmp_path: Path) -> None:
    index_file.save(tmp_path, APP, many(LARGE))
    process, _, is_first = begin_to_renew(tmp_path)
    with index_file.renewal(tmp_path, APP) as ours:
        assert (is_first, ours) == (True, False)
    process.kill()
    process.join(60)
    with index_file.renewal(tmp_path, APP) as ours:
        assert ours


# --- disks and users ---


def test_a_full_disk_leaves_the_old_file_and_costs_a_line(small: SmallDisk, caplog: pytest.LogCaptureFixture) -> None:
    index_file.save(small.path, APP, many(600, change=8))
    assert everything(loaded(small.path)) == everything(many(300))
    assert len(caplog.messages) == 1
    assert "No space left on device" in caplog.messages[0]
    assert len(names(small.path)) == 2  # the file and the filler: no half of a file takes the room
    small.empty()
    index_file.save(small.path, APP, many(400, change=8))
    assert everything(loaded(small.path)) == everything(many(400, change=8))


def test_a_disk_that_cannot_be_written_is_read_and_each_process_measures_for_itself(
    small: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    small.allow(False)
    index_file.save(small.path, APP, many(5))
    assert ["Read-only file system" in message for message in caplog.messages] == [True]
    assert everything(loaded(small.path)) == everything(many(300))
    with index_file.renewal(small.path, APP) as one, index_file.renewal(small.path, APP) as other:
        assert (one, other) == (True, True)
    small.allow(True)


def test_a_file_of_another_user_is_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    index_file.save(tmp_path, APP, many(5))
    file = next(tmp_path.glob("people-*.index"))
    file.chmod(0o644)
    subprocess.run([*([] if os.geteuid() == 0 else ["sudo", "-n"]), "chown", "nobody", file], check=True)
    assert load(tmp_path) is None
    assert "found a file of user" in caplog.text
    index_file.save(tmp_path, APP, many(6))
    assert everything(loaded(tmp_path)) == everything(many(6))
