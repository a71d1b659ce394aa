"""`worker group`: what is older than the tables of people and groups comes into them, is joined and asked about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.servers.app_schema import V1
from tests.servers.library_rows import tables_at
from tests.servers.mariadb import MariaDB
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows
from tests.servers.worker_process import Worker


@pytest.fixture
def grouper(tmp_path: Path, url: str) -> Iterator[Worker]:
    """A worker that needs no API."""
    worker = Worker(tmp_path / "home", {"FACE_DATABASE_URL": url, "FACE_MATCH": "calibrated"})
    yield worker
    worker.end()


@pytest.fixture
def faces(url: str) -> Iterator[list[int]]:
    """Three photos of one unknown and one of another, from before our tables, and two of Ada, one with her name."""
    rows = Rows(url)
    near = np.random.default_rng(0).normal(0, 0.2 / 16, (6, 128))
    shown = [PEOPLE[1], PEOPLE[1], PEOPLE[2], PEOPLE[1], PEOPLE[0]]
    found = [rows.face(rows.image(), person + more) for person, more in zip(shown, near[1:], strict=True)]
    rows.master(PEOPLE[0], name="Ada")
    rows.close()
    tables_at(url)
    yield found


def test_it_takes_in_joins_asks_and_tells_in_numbers(grouper: Worker, faces: list[int]) -> None:
    out, _ = grouper.run("group")
    assert out.splitlines() == [
        "6 faces of 6 photos taken in",
        "3 groups; 0 were joined to others",
        "1 faces in 1 groups linked; 0 groups with an offer",
    ]
    ((group,),) = grouper.records("groups")
    assert group["faces"] == 3
    assert {face["id"] for face in grouper.records("faces", "--group", group["ref"])[0]} == {
        faces[0],
        faces[1],
        faces[3],
    }


def test_a_second_run_has_nothing_to_do_and_machines_read_that(grouper: Worker, faces: list[int]) -> None:
    grouper.run("group")
    (told,) = grouper.records("group")
    assert told == {
        "photos_taken_in": 0,
        "faces_taken_in": 0,
        "groups": 3,
        "joined": 0,
        "linked_groups": 0,
        "linked_faces": 0,
        "offered_groups": 0,
    }


def test_where_nearest_links_it_only_offers(grouper: Worker, faces: list[int]) -> None:
    (told,) = grouper.records("group", FACE_MATCH="nearest")
    assert (told["linked_faces"], told["offered_groups"]) == (0, 1)


def test_without_our_tables_it_says_what_makes_them(tmp_path: Path, mariadb: MariaDB) -> None:
    worker = Worker(tmp_path / "home", {"FACE_DATABASE_URL": mariadb.new_database(*V1)})
    _, err = worker.run("group", code=1)
    worker.end()
    assert "`worker tables --create` makes them" in err


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_scan_takes_in_what_is_older_and_settles(grouper: Worker, faces: list[int], tmp_path: Path, url: str) -> None:
    (tmp_path / "photos").mkdir()
    grouper.run("scan", tmp_path / "photos")
    ((group,),) = grouper.records("groups")
    assert group["faces"] == 3
    (told,) = grouper.records("group")
    assert (told["photos_taken_in"], told["linked_faces"]) == (0, 0)
