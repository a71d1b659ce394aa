"""Gold sets on the command line: real photos, a real API, a file of our own, and an app's database."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.app_schema import V1, V5
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from tests.servers.worker_process import Worker

PHOTOS = ("blue-room.jpg", "speech.jpg", "side-by-side.jpg", "astronaut.png")

#: What the summary of a comparison says where all is as marked.
ALL_AS_MARKED = {
    **{"faces": 6, "found": 6, "missed": 0, "extra": 0, "no_face": 0},
    **{"people": 4, "right": 4, "by_people": 4, "wrong": 0, "not_named": 0, "strangers": 2, "strangers_named": 0},
}


@pytest.fixture
def scanned(worker: Any, photos: Path, samples: Path) -> Worker:
    """A database of its own, of photos of which some was said."""
    for name in PHOTOS:
        shutil.copy(samples / "photos" / name, photos)
    worker.run("scan", photos)
    say(worker)
    return worker  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory, api: Any, samples: Path) -> Path:
    """What was said of the sample photos, in a library that is no more."""
    folder = tmp_path_factory.mktemp("gold")
    worker = Worker(folder / "home", {"FACE_API_URL": api.url})
    worker.run("scan", *(samples / "photos" / name for name in PHOTOS))
    say(worker)
    worker.run("gold", "export", folder / "gold.jsonl")
    worker.end()
    return folder / "gold.jsonl"


def say(worker: Worker) -> None:
    """One man is on three photos, another beside him; of the astronaut's photo both finds are strangers."""
    ids = {(name, number): f"f{face}" for name, number, face in worker.rows(
        "SELECT filename, face_index, faces.id FROM faces JOIN images ON images.id = image_id"
    )}  # fmt: skip
    worker.run("name", ids["blue-room.jpg", 0], ids["speech.jpg", 0], ids["side-by-side.jpg", 0], "Barack Obama")
    worker.run("name", ids["side-by-side.jpg", 1], "Joe Biden")
    worker.run("stranger", ids["astronaut.png", 0], ids["astronaut.png", 1])


def total(worker: Worker, gold: Path, **settings: str) -> dict[str, int]:
    *_, last = worker.records("gold", "compare", gold, **settings)
    return last["total"]  # type: ignore[no-any-return]


def test_what_was_said_outlives_its_database(worker: Any, photos: Path, samples: Path, gold: Path) -> None:
    for number, name in enumerate(reversed(PHOTOS)):
        shutil.copy(samples / "photos" / name, photos / f"{number} {name}")
    worker.run("scan", photos)
    out, _ = worker.run("gold", "compare", gold)
    assert "found 6 (100.0 %), missed 0, extra 0\n" in out
    assert "people found: 4; right 0 (0.0 %), wrong 0, not named 4\nstrangers found: 2; named 0\n" in out
    assert "is Joe Biden, and has no name" in out

    out, _ = worker.run("gold", "import", gold, "--dry-run")
    assert out == "6 faces as the gold set says (--dry-run: nothing was changed)\n"
    out, _ = worker.run("gold", "import", gold)
    entry = out.split("`undo ")[1].split("`")[0]
    assert out == f"6 faces as the gold set says (`undo {entry}` takes it back)\n"
    assert total(worker, gold) == ALL_AS_MARKED
    out, _ = worker.run("ledger", "--kind", "imported")
    assert "took what a gold set says of 6 faces: Barack Obama (p1) and Joe Biden (p2)" in out

    out, err = worker.run("gold", "import", gold, code=1)
    assert (out, err) == ("", "6 marks say what people have said here already\nnothing was changed\n")
    worker.run("undo", entry)
    assert total(worker, gold)["not_named"] == 4
    (nobody,) = worker.records("people")
    assert nobody == []


def test_an_export_shows_what_it_changes_and_leaves_the_rest(scanned: Worker, gold: Path) -> None:
    file = scanned.home / "gold.jsonl"
    out, _ = scanned.run("gold", "export", file, "--dry-run")
    assert out.endswith(
        f"{file}: 6 marks on 4 photos; 6 added, 0 changed, 0 removed (--dry-run: nothing was written)\n"
    )
    assert not file.exists()
    scanned.run("gold", "export", file)
    # A library of the same photos writes the same bytes.
    assert file.read_bytes() == gold.read_bytes()

    (face,) = [row[0] for row in scanned.rows("SELECT face_id FROM face_index WHERE state = 3 AND person_id = 2")]
    scanned.run("rename", "p1", "B. Obama")
    scanned.run("unknown", f"f{face}")
    *changes, summary = scanned.records("gold", "export", file)
    assert {(one["photo"], one["change"], one["before"], one["after"]) for one in changes} == {
        *((name, "changed", "Barack Obama", "B. Obama") for name in PHOTOS[:3]),
        ("side-by-side.jpg", "removed", "Joe Biden", None),
    }
    counts = {name: summary[name] for name in ("marks", "photos", "added", "changed", "removed", "unchanged")}
    assert counts == {"marks": 5, "photos": 4, "added": 0, "changed": 3, "removed": 1, "unchanged": 2}


def test_a_file_that_is_no_gold_set_changes_nothing(scanned: Worker) -> None:
    file = scanned.home / "gold.jsonl"
    scanned.run("gold", "export", file)
    good = file.read_text()
    bad = good.replace('"bytes": ', '"bytes": -', 1)
    file.write_text(bad)
    for verb in ("export", "import", "compare"):
        _, err = scanned.run("gold", verb, file, code=2)
        assert err.startswith(f"gold: {file}, line 2: found -")
        assert "as bytes, needed the size of the photo's file" in err
    assert file.read_text() == bad
    _, err = scanned.run("gold", "import", "none.jsonl", code=2)
    assert err == "gold: cannot read none.jsonl: No such file or directory\n"
    _, err = scanned.run("gold", "compare", file, "--dry-run", code=2)
    assert "found --dry-run beside compare" in err


# --- beside an app ---


@pytest.fixture(params=["v1", "v5"])
def app_url(request: pytest.FixtureRequest, mariadb: MariaDB) -> str:
    return mariadb.new_database(*(V1 if request.param == "v1" else V5))


@pytest.fixture
def rows(app_url: str) -> Iterator[Rows]:
    rows = Rows(app_url)
    if rows.read("SHOW TABLES LIKE 'persons'"):
        rows.run("INSERT INTO persons (name) VALUES ('Barack Obama'), ('Joe Biden')")
    yield rows
    rows.close()


def test_beside_an_app_files_are_read_and_the_api_says_where_faces_are(
    worker: Any, app_url: str, rows: Rows, disk: Path, samples: Path, gold: Path
) -> None:
    settings = {"FACE_DATABASE_URL": app_url, "FACE_DISK_ROOTS": f"photos={disk}"}
    (disk / "gold").mkdir(exist_ok=True)
    for name in PHOTOS:
        shutil.copy(samples / "photos" / name, disk / "gold")
    images = [rows.image(filename=name, path="gold") for name in PHOTOS]
    worker.run("tables", "--create", "--yes", **settings)
    worker.run("process", *images, **settings)
    worker.run("refresh", **settings)

    _, err = worker.run("gold", "compare", gold, **settings)
    assert "reading photos: this database does not know what is in their files" in err
    assert "asking the face API: this database does not know where in a photo its faces are" in err
    out, _ = worker.run("gold", "import", gold, **settings)
    entry = out.split("`undo ")[1].split("`")[0]
    assert total(worker, gold, **settings) == ALL_AS_MARKED

    file = worker.home / "of the app.jsonl"
    worker.run("gold", "export", file, **settings)
    written, first = ([json.loads(line) for line in of.read_text().splitlines()] for of in (file, gold))
    assert written == first

    worker.run("undo", entry, **settings)
    assert total(worker, gold, **settings)["not_named"] == 4
    assert {row["status"] for row in rows.read("SELECT status FROM faces")} <= {"process", "suggested"}
