"""The verbs on the app's own database: a real MariaDB with the app's tables, photos on a disk, a real API."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.app_schema import V1, V2, V4, V5
from tests.servers.mariadb import MariaDB
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows


@pytest.fixture(params=["v1", "v2"])
def url(request: pytest.FixtureRequest, mariadb: MariaDB) -> str:
    return mariadb.new_database(*(V1 if request.param == "v1" else V2))


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def settings(url: str, disk: Path) -> dict[str, str]:
    """The disk is the one that the shared API knows, too."""
    return {"FACE_DATABASE_URL": url, "FACE_DISK_ROOTS": f"photos={disk}"}


def put(photo: Path, disk: Path) -> None:
    (disk / "2020").mkdir(exist_ok=True)
    shutil.copy(photo, disk / "2020")


def test_images_are_processed_named_and_linked(
    worker: Any, rows: Rows, settings: dict[str, str], disk: Path, samples: Path
) -> None:
    names = ["known/Barack Obama.jpg", "photos/blue-room.jpg", "photos/coffee.png"]
    for name in names:
        put(samples / name, disk)
    first, second, third = (rows.image(filename=Path(name).name) for name in names)

    done = worker.records("process", first, second, third, **settings)
    assert [one["found"] for one in done] == [1, 1, 0]
    (portrait,), (other,) = rows.faces(first), rows.faces(second)
    for image, name in ((first, "debug_Barack Obama.jpg"), (third, "debug_coffee.png")):
        row = rows.one("SELECT * FROM images WHERE id = :id", id=image)
        assert row["faces_checked"] == 1
        assert row["last_error"] is None
        assert row["debug_filename"].startswith(name.rpartition(".")[0])
        assert (disk / "2020/debug" / row["debug_filename"]).is_file()

    out, err = worker.run("enrol", "Barack Obama", "--id", portrait["id"], **settings)
    assert out == f"face {portrait['id']} in photos:2020/Barack Obama.jpg is Barack Obama\n"
    assert "faces.box" in err, "what the database lacks is said once"
    worker.run("link", **settings)
    (other,) = rows.faces(second)
    assert other["parent_id"] == portrait["id"]
    (listed,) = worker.records("faces", "--name", "Barack Obama", **settings)
    assert [face["photo"] for face in listed] == ["photos:2020/Barack Obama.jpg", "photos:2020/blue-room.jpg"]

    before = rows.everything()
    worker.run("process", first, second, third, **settings)
    assert rows.everything() == before


def test_one_image_that_fails_does_not_stop_the_next(
    worker: Any, rows: Rows, settings: dict[str, str], disk: Path, small_photo: bytes
) -> None:
    (disk / "2020").mkdir(exist_ok=True)
    (disk / "2020/text.jpg").write_text("a text")
    (disk / "2020/small.jpg").write_bytes(small_photo)
    text, gone, outside, small = (
        rows.image(filename="text.jpg"),
        rows.image(filename="gone.jpg"),
        rows.image(path="../..", filename="passwd"),
        rows.image(filename="small.jpg"),
    )
    out, err = worker.run("process", text, gone, 999, outside, small, code=1, **settings)
    assert out == f"image {small}: 0 faces, 0 new, 0 gone, 0 newly linked\n"
    for image in (text, gone, 999, outside):
        assert f"image {image}: " in err
    noted = {row["id"]: row["last_error"] for row in rows.read("SELECT * FROM images")}
    assert noted[text].startswith("HTTP 415: ")
    assert "gone.jpg" in noted[gone]
    assert noted[small] is None


def test_an_image_whose_picture_has_no_place_is_told_and_the_next_one_is_done(
    worker: Any, rows: Rows, settings: dict[str, str], disk: Path, tmp_path: Path, small_photo: bytes
) -> None:
    """The API knows one of the two disks."""
    for root in (disk, tmp_path / "far"):
        (root / "2020").mkdir(parents=True, exist_ok=True)
        (root / "2020/small.jpg").write_bytes(small_photo)
    far, near = rows.image(disk="far", filename="small.jpg"), rows.image(filename="small.jpg")
    settings["FACE_DISK_ROOTS"] += f",far={tmp_path}/far"
    out, err = worker.run("process", far, near, code=1, **settings)
    assert out == f"image {near}: 0 faces, 0 new, 0 gone, 0 newly linked\n"
    assert f"image {far}: the face API at" in err
    assert f"{tmp_path}/far/2020/debug is not below a root of FACE_DISK_ROOTS; needed" in err
    row = rows.one("SELECT * FROM images WHERE id = :id", id=far)
    assert row["faces_checked"] == 0
    assert row["last_error"].startswith('HTTP 422: {"error":')


def test_many_processes_on_one_image_write_one_set_of_rows(
    worker: Any, rows: Rows, settings: dict[str, str], disk: Path, samples: Path
) -> None:
    put(samples / "photos/side-by-side.jpg", disk)
    image = rows.image(filename="side-by-side.jpg")
    running = [worker.start("process", image, **settings) for _ in range(4)]
    for process in running:
        _, err = worker.output_of(process, 120)
        assert process.returncode == 0, err
    assert [face["face_index"] for face in rows.faces(image)] == [0, 1]
    assert rows.one("SELECT count(*) AS n FROM faces")["n"] == 2


def test_a_database_that_goes_in_the_middle_is_told_and_nothing_is_half_written(
    worker: Any, rows: Rows, settings: dict[str, str], disk: Path, slow_photo: bytes, api: Any, mariadb: MariaDB,
    wait_for: Callable[..., None],
) -> None:  # fmt: skip
    (disk / "2020").mkdir(exist_ok=True)
    (disk / "2020/slow.jpg").write_bytes(slow_photo)
    image = rows.image(filename="slow.jpg")
    process = worker.start("process", image, **settings)
    wait_for(api.in_hand)
    mariadb.kill()
    try:
        _, err = worker.output_of(process, 60)
    finally:
        mariadb.start()
    assert process.returncode == 1
    last = err.splitlines()[-1]
    assert last.startswith("process: the database app")
    assert "cannot be used now" in last
    assert "Traceback" not in err
    rows.close()
    assert rows.one("SELECT * FROM images")["faces_checked"] == 0
    worker.run("process", image, **settings)
    assert rows.one("SELECT * FROM images")["faces_checked"] == 1


def test_scan_and_portraits_are_refused(
    worker: Any, rows: Rows, settings: dict[str, str], photos: Path, samples: Path
) -> None:
    shutil.copy(samples / "known/Joe Biden.jpg", photos)
    before = rows.everything()
    _, err = worker.run("scan", photos, code=2, **settings)
    assert "is the app's database, images come from there" in err
    _, err = worker.run("enrol", "Joe Biden", photos / "Joe Biden.jpg", code=2, **settings)
    assert "use `enrol NAME --id ID`" in err
    assert rows.everything() == before


def test_where_persons_have_the_names_faces_are_suggested_to_be_them(worker: Any, mariadb: MariaDB) -> None:
    url = mariadb.new_database(*V5)
    rows = Rows(url)
    face = rows.face(rows.image(), PEOPLE[0])
    rows.run(
        "INSERT INTO persons (name, centroid_embedding, embeddings_count) VALUES ('Ann', :centroid, 1)",
        centroid=json.dumps(PEOPLE[0].tolist()),
    )
    out, _ = worker.run("link", "--dry-run", FACE_DATABASE_URL=url)
    assert out == f"face {face} would be linked to person 1 (distance 0.000)\n1 faces would be linked\n"
    worker.run("link", FACE_DATABASE_URL=url)
    row = rows.one("SELECT status, person_id FROM faces")
    rows.close()
    assert row["status"] == "suggested"
    assert row["person_id"] == 1


def test_naming_where_persons_have_the_names_is_refused_in_one_sentence(worker: Any, mariadb: MariaDB) -> None:
    _, err = worker.run("enrol", "Ann", "--id", "1", code=1, FACE_DATABASE_URL=mariadb.new_database(*V4))
    assert "found a table `persons` in this database" in err.splitlines()[-1]


def test_the_report_shows_the_apps_images(
    worker: Any, rows: Rows, settings: dict[str, str], disk: Path, samples: Path
) -> None:
    put(samples / "photos/blue-room.jpg", disk)
    image = rows.image(filename="blue-room.jpg")
    rows.image(filename="gone.jpg")
    worker.run("process", image, **settings)
    worker.run("report", "sheet", **settings)
    page = (worker.home / "sheet/index.html").read_text(encoding="utf-8")
    assert "blue-room.jpg" in page
    assert "gone.jpg" in page
