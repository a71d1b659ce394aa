"""`link` as it is typed: by probability, and --again, in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faces.people.cohort import arrays_of
from faces.store.database import Store
from tests.servers.app_schema import V1, V5
from tests.servers.library_verdict import wrong
from tests.servers.linked_before import COHORT, PEOPLE, Old, between, made_old
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from tests.servers.sidecar import create_tables
from tests.servers.worker_process import Worker
from tests.unit.faces.people.made_people import photos_of


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """With the cohort that made people are told apart by."""
    np.savez(tmp_path / "cohort.npz", **arrays_of(COHORT))
    worker = Worker(tmp_path / "home", {"FACE_COHORT": str(tmp_path / "cohort.npz")})
    yield worker
    worker.end()


@pytest.fixture
def old(worker: Worker) -> Iterator[Old]:
    """In the worker's own file."""
    url = f"sqlite:///{worker.database}"
    store, rows = Store.open(url, create=True), Rows(url)
    yield made_old(store, rows)
    rows.close()
    store.close()


def test_again_says_what_it_needs(worker: Worker, old: Old) -> None:
    _, bare = worker.run("link", "--again", code=2)
    assert "--again needs either --dry-run" in bare
    assert "--again needs either --dry-run" in worker.run("link", "--again", "--dry-run", "--apply", code=2)[1]
    assert "--apply is for --again" in worker.run("link", "--apply", code=2)[1]


def test_again_tells_each_doubtful_link_and_what_it_would_become(worker: Worker, old: Old) -> None:
    out, _ = worker.run("link", "--again", "--dry-run")
    *lines, last = out.splitlines()
    assert [line.split(" ")[0] for line in lines] == [f"f{face}" for face in old.doubtful]
    assert f'f{old.doubtful[1]} -> p2 "Person 1", distance ' in lines[1]
    assert lines[1].endswith("; today: unknown")
    assert last.startswith("12 links looked at again, 6 doubtful (p below 0.9).")
    (record,) = worker.records("link", "--again", "--dry-run")
    assert [one["face"] for one in record["doubtful"]] == [f"f{face}" for face in old.doubtful]
    assert (record["applied"], record["taken_back"], record["entry"]) == (False, 0, None)


def test_again_takes_them_back_and_warns_while_nearest_links(worker: Worker, old: Old) -> None:
    out, err = worker.run("link", "--again", "--apply", FACE_MATCH="nearest")
    assert "6 faces taken back to unknown, in the ledger as " in out
    assert "FACE_MATCH is nearest, which links these faces again" in err
    assert [old.row(face)["parent_id"] for face in old.doubtful] == [None] * 6
    (record,) = worker.records("link", "--again", "--apply", FACE_MATCH="calibrated")
    assert (record["judged"], record["taken_back"], record["doubtful"]) == (6, 0, [])
    assert wrong(old.store, COHORT) == []


def test_masters_of_one_name_are_one_person_and_bear_each_others_faces_out(old: Old) -> None:
    second = old.rows.master(photos_of(PEOPLE[0], 1, seed=90)[0], name="Person 0")
    child = old.rows.face(old.rows.image(faces_checked=1), photos_of(PEOPLE[0], 1, seed=91)[0], parent_id=second)
    old.arrivals.update_images(row["id"] for row in old.rows.read("SELECT id FROM images"))
    assert child not in old.doubted()


def test_by_probability_groups_are_linked_and_told(worker: Worker, old: Old) -> None:
    faces = [old.rows.face(old.rows.image(faces_checked=1), photo) for photo in photos_of(PEOPLE[10], 2, seed=7)]
    (would,) = worker.records("link", "--dry-run", FACE_MATCH="calibrated")
    assert would["linked"] == []
    worker.run("group", FACE_MATCH="nearest")
    (would,) = worker.records("link", "--dry-run", FACE_MATCH="calibrated")
    assert [one["ref"] for one in would["linked"]] == [f"f{face}" for face in faces]
    assert [old.row(face)["parent_id"] for face in faces] == [None, None]
    (did,) = worker.records("link", FACE_MATCH="calibrated")
    assert [(one["ref"], one["name"]) for one in did["linked"]] == [(f"f{face}", "Person 10") for face in faces]
    assert [old.row(face)["parent_id"] for face in faces] == [old.masters[10]] * 2
    assert wrong(old.store, COHORT) == []


def test_by_distance_it_is_as_ever(worker: Worker, old: Old) -> None:
    face = old.rows.face(old.rows.image(faces_checked=1), photos_of(PEOPLE[10], 1)[0])
    out, _ = worker.run("link", "--dry-run", FACE_MATCH="nearest")
    assert out.splitlines()[-1] == "1 faces would be linked"
    out, _ = worker.run("link", FACE_MATCH="nearest")
    assert out == "1 faces linked\n"
    assert old.row(face)["parent_id"] == old.masters[10]
    assert wrong(old.store, COHORT) == []


def test_where_faces_are_linked_to_persons_it_is_refused(worker: Worker, mariadb: MariaDB) -> None:
    url = mariadb.new_database(*V5)
    create_tables(url)
    _, err = worker.run("link", "--again", "--apply", code=1, FACE_DATABASE_URL=url)
    assert "persons are the app's" in err


def test_without_our_tables_it_says_how_they_are_made(worker: Worker, mariadb: MariaDB) -> None:
    _, err = worker.run("link", "--again", "--dry-run", code=2, FACE_DATABASE_URL=mariadb.new_database(*V1))
    assert "`worker tables --create` makes them" in err


def test_an_apps_old_library_is_brought_to_probability_verb_by_verb(worker: Worker, mariadb: MariaDB) -> None:
    url = mariadb.new_database(*V1)
    store, rows = Store.open(url), Rows(url)
    masters = [rows.master(person, name=f"Person {number}") for number, person in enumerate(PEOPLE[:12])]
    linked = {"parent_id": masters[0], "name": "Person 0"}
    right = rows.face(rows.image(faces_checked=1), photos_of(PEOPLE[0], 1)[0], **linked)
    wrongly = rows.face(rows.image(faces_checked=1), between(PEOPLE[0], PEOPLE[3], 0.9), **linked)
    stranger = rows.face(rows.image(faces_checked=1), between(PEOPLE[0], PEOPLE[30], 0.8), **linked)
    app = {"FACE_DATABASE_URL": url}
    worker.run("tables", "--create", "--yes", **app)
    worker.run("group", **app)
    (told,) = worker.records("link", "--again", "--dry-run", **app)
    assert {one["face"]: one["today"]["becomes"] for one in told["doubtful"]} == {
        f"f{wrongly}": "linked to another",
        f"f{stranger}": "unknown",
    }
    worker.run("link", "--again", "--apply", **app)
    worker.run("link", FACE_MATCH="calibrated", **app)
    parents = {row["id"]: (row["parent_id"], row["name"]) for row in rows.read("SELECT * FROM faces")}
    assert [parents[face] for face in (right, wrongly, stranger)] == [
        (masters[0], "Person 0"),
        (masters[3], None),
        (None, None),
    ]
    with_tables = Store.open(url)
    assert wrong(with_tables, COHORT) == []
    with_tables.close()
    rows.close()
    store.close()
