"""`evaluate` as it is typed: in words for a person, in JSON for machines, run after run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from faces.people.cohort import arrays_of
from tests.servers.app_schema import V1
from tests.servers.linked_before import COHORT
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from tests.servers.sidecar import create_tables
from tests.servers.worker_process import Worker
from tests.unit.faces.people.made_people import made_people, photos_of

PEOPLE = made_people(40, seed=5)


@pytest.fixture
def worker(tmp_path: Path, url: str) -> Iterator[Worker]:
    """With the cohort that made people are told apart by; it needs no API."""
    np.savez(tmp_path / "cohort.npz", **arrays_of(COHORT))
    settings = {"FACE_COHORT": str(tmp_path / "cohort.npz"), "FACE_DATABASE_URL": url, "SUDO_USER": "tester"}
    if not url.startswith("sqlite"):
        create_tables(url)
    worker = Worker(tmp_path / "home", settings | {"FACE_MATCH": "calibrated"})
    yield worker
    worker.end()


def confirm(worker: Worker, url: str, faces: dict[str, list[np.ndarray]]) -> dict[str, list[int]]:
    """Photos on which these people are confirmed; the faces' ids."""
    with closing(Rows(url)) as rows:
        found = {
            name: [rows.face(rows.image(faces_checked=1), face, status="ok", name=name) for face in of]
            for name, of in faces.items()
        }
    worker.run("group")
    return found


def album(people: int) -> dict[str, list[np.ndarray]]:
    """Three photos of each."""
    return {f"Person {number}": list(photos_of(PEOPLE[number], 3, number)) for number in range(people)}


def test_it_is_told_in_words(worker: Worker, url: str) -> None:
    faces = album(22)
    faces["Ann"] = [*photos_of(PEOPLE[30], 6, 30), PEOPLE[31]]
    faces["Bob"] = [*photos_of(PEOPLE[32], 7, 32), *photos_of(PEOPLE[33], 4, 33)]
    ids = confirm(worker, url, faces)
    out, _ = worker.run("evaluate")
    lines = out.splitlines()
    assert lines[0].startswith("How good recognition is on this library: run 1, ")
    assert lines[1].startswith("Measured on the 84 faces that people have confirmed, of 24 people. ")
    assert "how sure\tknown people found\ttaken for somebody else\tstrangers given a name" in lines
    assert any(line.startswith("95 % or more\t") and line.endswith("\t0.0 % (0 of 84)") for line in lines)
    assert any(line.startswith("Of 100 faces of people who are known, ") for line in lines)
    assert any(line.startswith("If faces were linked from ") for line in lines)
    assert "how sure\tsaid\ttrue\tfaces" in lines
    (two,) = [line for line in lines if line.startswith("Probably two people: ")]
    second = [f"f{face}" for face in ids["Bob"][7:]]
    assert f"4 of 11 faces look like somebody else: {', '.join(second)}. If they are, `split p" in two
    assert two.endswith(f" {' '.join(second)}` parts them.")
    worker.run(*two.partition("`")[2].partition("`")[0].split(" "))
    assert not any(line.startswith("Probably two people: ") for line in worker.run("evaluate")[0].splitlines())
    first = lines[lines.index("Probably confirmed wrongly, the least likely first:") + 1]
    assert first.startswith(f"  f{ids['Ann'][6]} as Ann (p")
    assert not any(line.startswith("Since run") for line in lines)


def test_machines_get_what_is_kept_and_the_run_before(worker: Worker, url: str) -> None:
    confirm(worker, url, album(3))
    (first,) = worker.records("evaluate")
    assert first.keys() == {"run", "at", "actor", "version", "cohort", "figures", "names", "previous"}
    assert (first["run"], first["actor"], first["previous"]) == (1, "tester", None)
    assert first["figures"]["faces"] == {"known": 9, "alone": 0, "strangers": 9}
    assert first["figures"]["threshold"] is None
    confirm(worker, url, {"Eve": list(photos_of(PEOPLE[9], 2))})
    (second,) = worker.records("evaluate")
    assert second["previous"] == {name: value for name, value in first.items() if name not in ("names", "previous")}
    assert second["figures"]["people"] == {"enrolled": 4, "measured": 4}
    assert second["figures"].keys() == first["figures"].keys()


def test_the_next_run_tells_what_has_changed(worker: Worker, url: str) -> None:
    confirm(worker, url, album(3))
    worker.run("evaluate")
    same = worker.run("evaluate")[0].splitlines()[-1]
    assert same.startswith("Since run 1, ")
    assert same.endswith(" nothing has changed.")
    confirm(worker, url, {"Eve": [*photos_of(PEOPLE[9], 5), PEOPLE[35]]})
    changed = worker.run("evaluate")[0].splitlines()[-1]
    assert changed.startswith("Since run 2, ")
    assert "people known 3 -> 4; faces that could be found 9 -> 15" in changed
    assert "faces that look wrong: 1 new, 0 gone" in changed


def test_too_few_people_are_told(worker: Worker, url: str) -> None:
    confirm(worker, url, {**album(3), "Alone": [PEOPLE[20]]})
    out, _ = worker.run("evaluate")
    assert "Too few people: " in out
    assert "20 people with confirmed faces are needed, and there are 4." in out
    assert "1 face could only be asked about as strangers" in out
    assert "No confirmed face looks wrong, and nobody looks like two people." in out


def test_one_person_and_nobody_are_told(worker: Worker, url: str) -> None:
    assert "Nobody is known here yet" in worker.run("evaluate")[0]
    confirm(worker, url, album(1))
    out, _ = worker.run("evaluate", FACE_MATCH="nearest")
    assert "With one person there is nobody whom a stranger could be taken for" in out
    assert "Here FACE_MATCH is nearest" in out


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_beside_an_app_without_our_tables_it_says_what_makes_them(worker: Worker, mariadb: MariaDB) -> None:
    _, err = worker.run("evaluate", code=1, FACE_DATABASE_URL=mariadb.new_database(*V1), FACE_MATCH="nearest")
    assert "found no tables of people and groups" in err


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_run_that_another_version_kept_otherwise_is_not_compared(worker: Worker, url: str) -> None:
    confirm(worker, url, album(2))
    worker.run("evaluate")
    with closing(Rows(url)) as rows:
        rows.run("UPDATE evaluations SET figures = '{\"format\": 99}'")
    assert worker.run("evaluate")[0].splitlines()[-1].endswith(": nothing is compared.")
