"""The verbs about people and groups as they are typed, in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.people.cohort import arrays_of
from faces.store.database import Store
from tests.servers.library_verdict import wrong
from tests.servers.rows import Rows
from tests.servers.settled_album import COHORT, Album
from tests.servers.worker_process import Worker
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM = made_people(3, seed=5)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """Ann is p1 by f1, Bob is p2 by f2 and f3, which hangs on it; f4 to f6 are the only group of several faces."""
    np.savez(tmp_path / "cohort.npz", **arrays_of(COHORT))
    worker = Worker(tmp_path / "home", {"FACE_COHORT": str(tmp_path / "cohort.npz")})
    url = f"sqlite:///{worker.database}"
    with closing(Store.open(url, create=True)) as store, closing(Rows(url)) as rows:
        album = Album(store, rows)
        album.master(ANN, "Ann")
        album.photo(BOB, parent_id=album.master(BOB, "Bob"), name="Bob")
        for _ in range(3):
            album.photo(CEM)
    yield worker
    worker.end()


def people(worker: Worker) -> list[tuple[str, str | None, int, int]]:
    """Reference, name, confirmed and linked faces."""
    return [(one["ref"], one["name"], one["confirmed"], one["linked"]) for one in listed(worker, "people")]


def listed(worker: Worker, *words: str) -> list[dict[str, Any]]:
    (found,) = worker.records(*words)
    return list(found)


def told(worker: Worker, *words: str) -> str:
    return worker.run(*words)[0].strip()


def test_people_are_renamed_joined_and_forgotten_and_all_is_taken_back(worker: Worker) -> None:
    _, refused = worker.run("rename", "p2", "ann", code=2)
    assert "`join p1 p2` makes the two one person" in refused
    assert told(worker, "rename", "p2", "Rob") == "p2 is Rob now, on 2 faces. `undo 1` takes it back"
    assert told(worker, "join", "p1", "p2") == "p2 is p1 now: 2 faces. `undo 2` takes it back"
    assert people(worker) == [("p1", "Ann", 2, 1)]
    out, err = worker.run("faces", "--person", "p2")
    assert "p2 was joined to p1: these are the faces of p1" in err
    assert len(out.splitlines()) >= 3
    assert told(worker, "forget", "p1") == "p1 is nobody now: 3 faces unknown. `undo 3` takes it back"
    assert people(worker) == []
    for entry in ("3", "2", "1"):
        worker.run("undo", entry)
    assert sorted(people(worker)) == [("p1", "Ann", 1, 0), ("p2", "Bob", 1, 1)]
    with closing(Store.open(f"sqlite:///{worker.database}")) as store:
        assert wrong(store, COHORT) == []


def test_people_are_hidden_favourites_and_shown_by_a_face(worker: Worker) -> None:
    assert told(worker, "hide", "p1", "p2") == "p1, p2: hidden. `undo 1` takes it back"
    assert people(worker) == []
    assert told(worker, "hide", "p2", "--off").startswith("p2: listed again.")
    assert told(worker, "favourite", "p2").startswith("p2: a favourite.")
    (bob,) = listed(worker, "people")
    assert (bob["ref"], bob["favourite"]) == ("p2", True)
    assert told(worker, "cover", "p2", "f3").startswith("f3 stands for p2.")
    _, again = worker.run("cover", "p2", "f3", code=1)
    assert "nothing was changed" in again
    assert "found that f1 is not p2's" in worker.run("cover", "p2", "f1", code=2)[1]
    assert "found 12, needed an id with its letter" in worker.run("hide", "12", code=2)[1]


def test_groups_are_split_and_not_joined_again_but_by_taking_it_back(worker: Worker) -> None:
    (group,) = [one["ref"] for one in listed(worker, "groups")]
    assert told(worker, "split", group, "f4") == f"1 face left {group}, never to come back. `undo 1` takes it back"
    (new,) = [one["ref"] for one in listed(worker, "groups", "--min", "1") if one["faces"] == 1]
    _, refused = worker.run("join", group, new, code=2)
    assert f"{group} and {new} were said not to be one by entry 1: `undo 1` takes that back" in refused
    worker.run("undo", "1")
    (again,) = listed(worker, "groups", "--min", "1")
    assert (again["ref"], again["faces"]) == (group, 3)
