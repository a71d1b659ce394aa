"""What was said and decided, told by the verbs: `ledger`, `why` and `faces --doubtful`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from faces.store.database import Store
from tests.servers.rows import Rows
from tests.servers.sidecar import create_tables
from tests.servers.worker_process import Worker
from tests.unit.faces.people.made_people import made_people, photos_of

ANN, BOB, EVE = made_people(3, seed=5)


@pytest.fixture
def teller(tmp_path: Path, url: str) -> Iterator[Worker]:
    """A worker that needs no API."""
    worker = Worker(tmp_path / "home", {"FACE_DATABASE_URL": url, "SUDO_USER": "tester"})
    yield worker
    worker.end()


@dataclass
class Library:
    """Four photos of Ann, one of Bob and one of Eve; all but Eve were named Ann."""

    ann: list[int]
    bob: int
    eve: int

    @property
    def named(self) -> list[str]:
        return [f"f{face}" for face in (*self.ann, self.bob)]


@pytest.fixture
def library(teller: Worker, url: str) -> Library:
    if not url.startswith("sqlite"):
        create_tables(url)
    rows = Rows(url)
    found = [
        rows.face(rows.image(filename=f"{number}.jpg"), face, face_index=number)
        for number, face in enumerate([*photos_of(ANN, 4), BOB, EVE])
    ]
    rows.close()
    library = Library(found[:4], *found[4:])
    teller.run("group")
    teller.run("name", *library.named, "Ann")
    return library


def table(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_the_ledger_is_listed_for_a_person_and_for_machines(teller: Worker, library: Library) -> None:
    teller.run("reject", f"f{library.eve}", "--person", "Ann")
    head, rejected, named = table(teller.run("ledger", "--by", "tester")[0])
    assert head == ["entry", "when", "who", "what", "undone by"]
    assert rejected[2:] == ["tester", f"said that f{library.eve} is not Ann (p1)", ""]
    assert named[3] == "named 5 faces Ann (p1)"
    ((record,),) = teller.records("ledger", "--kind", "named", "--person", "p1", "--face", f"f{library.bob}")
    assert record["id"] == int(named[0])
    assert (record["what"], record["actor"], record["faces"]) == ("named 5 faces Ann (p1)", "tester", 5)
    out, err = teller.run("ledger", "--limit", "1")
    assert err.endswith(f"ledger: there are more: --after {rejected[0]} lists those behind it\n")
    assert table(out)[1:] == [rejected]
    assert table(teller.run("ledger", "--by", "tester", "--after", rejected[0])[0])[1:] == [named]
    _, err = teller.run("ledger", "--after", "999", code=2)
    assert "found no entry 999" in err


def test_why_tells_of_a_face_for_a_person_and_for_machines(teller: Worker, library: Library) -> None:
    lines = teller.run("why", f"f{library.bob}")[0].splitlines()
    assert lines[0].startswith(f"f{library.bob}: face 4 in photos:2020/4.jpg, found ")
    assert "now: confirmed as Ann (p1)" in lines
    (said,) = [line for line in lines if line.startswith("  a person said who it is, entry ")]
    entry = said.rsplit(" ", 1)[1]
    assert any(line.startswith(f"  {entry}, ") and line.endswith("tester: named 5 faces Ann (p1)") for line in lines)
    (ann,) = [line for line in lines if line.startswith("  Ann (p1): p 0.")]
    assert ann.endswith(", by 4 other faces")
    assert "  it does not fit the other faces of Ann (p1): below p 0.05 `faces --doubtful` lists it" in lines
    (record,) = teller.records("why", f"f{library.eve}")
    assert (record["state"], record["face_index"], record["photo"]) == ("unknown", 5, "photos:2020/5.jpg")
    assert record["nearest"][0]["person"] == {"id": 1, "ref": "p1", "name": "Ann"}
    p = record["nearest"][0]["probability"]
    assert record["reasons"] == [f"the likeliest is Ann (p1), p {p:.2f}: below 0.2 nobody is offered"]
    assert (record["linked"], record["ledger"]) == (None, [])
    _, err = teller.run("why", "f999", code=2)
    assert "found no face f999" in err
    _, err = teller.run("why", "17", code=2)
    assert "needed an id with its letter" in err


def test_doubtful_faces_are_listed_for_a_person_and_for_machines(teller: Worker, library: Library) -> None:
    head, row = table(teller.run("faces", "--doubtful")[0])
    assert head == ["photo", "face", "who", "p", "distance", "others", "likelier", "id"]
    assert (row[0], row[2], row[5], row[7]) == ("photos:2020/4.jpg", "Ann", "4", f"f{library.bob}")
    ((record,),) = teller.records("faces", "--doubtful", "--person", "p1", "--limit", "1")
    assert (record["ref"], record["person_id"], record["others"]) == (f"f{library.bob}", 1, 4)
    assert record["probability"] < 0.05
    _, err = teller.run("faces", "--doubtful", "--group", "g1", code=2)
    assert "found --group beside --doubtful" in err
    _, err = teller.run("faces", "--doubtful", "--person", "p99", code=2)
    assert "found no person p99" in err


@pytest.mark.parametrize("url", ["mariadb"], indirect=True)
def test_beside_an_app_without_our_tables_the_verbs_say_what_makes_them(teller: Worker, url: str) -> None:
    for words in (["ledger"], ["why", "f1"], ["faces", "--doubtful"]):
        _, err = teller.run(*words, code=1)
        assert "found no tables of people and groups in this database" in err


def test_an_empty_library_has_nothing_to_tell(teller: Worker, tmp_path: Path) -> None:
    empty = f"sqlite:///{tmp_path}/empty.db"
    Store.open(empty, create=True).close()
    assert teller.run("ledger", "--json", FACE_DATABASE_URL=empty)[0] == "[]\n"
    assert teller.run("faces", "--doubtful", "--json", FACE_DATABASE_URL=empty)[0] == "[]\n"
