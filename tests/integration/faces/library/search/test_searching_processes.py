"""Several processes search in one library: two begin at once, one is killed while it writes, rows change under them."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from faces.answers.added import DrawnFace, add
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.library.search.encoding_blocks import BLOCK
from faces.library.search.encodings_file import EncodingsFile
from faces.library.search.exact_search import ExactSearch
from faces.library.search.face_search import NearFace
from faces.photo.face import Quality, RatioBox
from faces.store.database import Store
from tests.integration.faces.library.search.made_encodings import PHOTOS, keep, keep_all
from tests.integration.faces.library.search.plain_search import PlainSearch
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM = made_people(3, seed=5)

_spawn = multiprocessing.get_context("spawn")


def _search(url: str, folder: Path, asked: Connection) -> None:
    """Begin at the first word; at each further one follow, and tell what is near."""
    store = Store.open(url)
    search = ExactSearch(store, folder)
    asked.send(None)
    while asked.recv() != "end":
        search.follow()
        asked.send(search.nearest([*PHOTOS[::30], ANN, BOB, CEM], 5))
    store.close()


@contextmanager
def searching(url: str, folder: Path) -> Iterator[Connection]:
    """A process that searches, and has not begun yet."""
    ours, theirs = _spawn.Pipe()
    process = _spawn.Process(target=_search, args=(url, folder, theirs))
    process.start()
    ours.recv()
    yield ours
    ours.send("end")
    process.join(60)
    assert process.exitcode == 0


def told(pipe: Connection) -> list[list[NearFace]]:
    pipe.send("")
    found: list[list[NearFace]] = pipe.recv()
    return found


def plain(store: Store, count: int = 5) -> list[list[NearFace]]:
    search = PlainSearch(store)
    search.follow()
    return search.nearest([*PHOTOS[::30], ANN, BOB, CEM], count)


def test_two_processes_that_begin_at_once_make_one_file(store: Store, url: str, tmp_path: Path) -> None:
    keep_all(store, 5000)
    with searching(url, tmp_path) as one, searching(url, tmp_path) as other:
        for pipe in (one, other):
            pipe.send("")
        assert one.recv() == other.recv() == plain(store)
        token = EncodingsFile(tmp_path, store.name).token()
        assert told(one) == told(other) == plain(store)
        assert EncodingsFile(tmp_path, store.name).token() == token is not None
    assert [file.suffix for file in sorted(tmp_path.glob("*faces-*"))] == [".writing", ".encodings"]


def test_what_another_process_and_a_person_change_is_searched(
    album: Album, store: Store, url: str, tmp_path: Path
) -> None:
    answers = Answers(album.arrivals, album.settling)
    with searching(url, tmp_path) as other:
        assert told(other) == [[]] * 7
        one, two = album.photo(ANN, BOB)
        assert told(other) == plain(store)
        image = album.rows.one("SELECT image_id FROM faces WHERE id = :id", id=one)["image_id"]
        added = add(answers, GivenAnswer("me"), image, _drawn())
        assert told(other) == plain(store)
        undo(answers, GivenAnswer("me"), added.entry or 0)
        assert told(other) == plain(store)
        album.rows.run("UPDATE faces SET deleted_at = '2021-01-01 00:00:00' WHERE id = :id", id=two)
        album.arrivals.update_images([image])
        album.photo(CEM)
        assert told(other) == plain(store)
        assert [near[0].distance for near in told(other)[-3:]] != [0.0] * 3


def test_while_several_write_at_once_no_change_is_missed(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    keep_all(store, 60)
    search = ExactSearch(store, None)
    search.follow()

    def write(number: int) -> None:
        for place in range(25):
            face = 1 + (7 * place + number) % 80
            keep(store, {face: PHOTOS[place + number]}, gone=[1 + (face + 11) % 80])

    with ThreadPoolExecutor(4) as writers:
        written = [writers.submit(write, number) for number in range(4)]
        while not all(one.done() for one in written):
            search.follow()
        for one in written:
            one.result()
    search.follow()
    assert search.nearest([*PHOTOS[::30], ANN, BOB, CEM], 100) == plain(store, 100)
    assert caplog.messages == []


def _search_until_the_kernel_ends_it(url: str, folder: Path, size: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    ExactSearch(Store.open(url), folder).follow()


@pytest.mark.parametrize("url", ["mariadb"], indirect=True)
def test_a_process_that_ends_in_the_middle_of_the_file_leaves_none_and_the_next_one_writes_it(
    store: Store, url: str, tmp_path: Path
) -> None:
    keep_all(store, 300)
    file = EncodingsFile(tmp_path, store.name)
    for size in (1, 5000, BLOCK.itemsize, BLOCK.itemsize + 4000):
        process = _spawn.Process(target=_search_until_the_kernel_ends_it, args=(url, tmp_path, size))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGXFSZ
        assert [one.suffix for one in sorted(tmp_path.iterdir())] == [".new", ".writing"]
        assert file.token() is None
    search = ExactSearch(store, tmp_path)
    search.follow()
    assert search.nearest([*PHOTOS[::30], ANN, BOB, CEM], 5) == plain(store)
    assert [one.suffix for one in sorted(tmp_path.iterdir())] == [".writing", ".encodings"]


def _write_without_end(url: str, folder: Path, begun: Connection) -> None:
    store = Store.open(url)
    begun.send(None)
    while True:
        search = ExactSearch(store, folder)
        search.follow()
        EncodingsFile(folder, store.name).path.unlink()


def test_whenever_a_process_is_killed_the_next_one_finds_all(store: Store, url: str, tmp_path: Path) -> None:
    keep_all(store, 6000)
    for pause in range(4):
        ours, theirs = _spawn.Pipe()
        process = _spawn.Process(target=_write_without_end, args=(url, tmp_path, theirs))
        process.start()
        ours.recv()
        time.sleep(0.05 + 0.02 * pause)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join(60)
        search = ExactSearch(store, tmp_path)
        search.follow()
        assert search.nearest([*PHOTOS[::30], ANN, BOB, CEM], 5) == plain(store)
        EncodingsFile(tmp_path, store.name).path.unlink()
    search = ExactSearch(store, tmp_path)
    search.follow()
    assert [file.suffix for file in sorted(tmp_path.glob("*faces-*"))] == [".writing", ".encodings"]


def _drawn() -> DrawnFace:
    return DrawnFace(CEM, Quality(60.0, 10.0, 20.0, 20.0, 10.0), RatioBox(0.1, 0.4, 0.3, 0.2))
