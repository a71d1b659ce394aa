"""scan as a person uses it: real photos, interruptions, and everything that folders hold besides photos."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

#: What must be the same however a scan got to its end; ids depend on which photo was quicker.
ROWS = """
SELECT images.filename, images.faces_checked, images.last_error, images.width, faces.face_index, faces.encoding,
       faces.status, faces.quality_score, faces.box, faces.deleted_at, parents.name
FROM images LEFT JOIN faces ON faces.image_id = images.id LEFT JOIN faces parents ON parents.id = faces.parent_id
ORDER BY images.filename, faces.face_index
"""


def seen(folder: Path) -> list[tuple[str, int, int]]:
    """Everything in a folder with its size and time of change."""
    paths = sorted(folder.rglob("*"))
    return [(str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in [folder, *paths]]


def another(photo: bytes, mark: object) -> bytes:
    """The same picture in a file of its own content, so that it is not known by another's."""
    return photo + str(mark).encode()


def test_a_folder_of_photos_becomes_rows_and_is_not_written_to(worker: Any, samples: Path, photos: Path) -> None:
    shutil.copytree(samples / "photos", photos, dirs_exist_ok=True)
    before = seen(photos)
    out, err = worker.run("scan", photos)
    count = len(list(photos.iterdir()))
    assert out.startswith(f"{count} new or changed photos: ")
    assert err == ""
    assert seen(photos) == before
    (faces,) = worker.rows("SELECT count(*) FROM faces WHERE box IS NOT NULL AND quality_score > 0")[0]
    assert faces >= 5

    out, _ = worker.run("scan", photos)
    assert out == f"no new or changed photos; {count} seen before and skipped\n"


def test_people_are_enrolled_recognised_listed_and_exported(worker: Any, samples: Path, photos: Path) -> None:
    shutil.copytree(samples / "photos", photos, dirs_exist_ok=True)
    for portrait in sorted((samples / "known").iterdir()):
        out, _ = worker.run("enrol", portrait.stem, portrait)
        assert out.startswith(f"face {out.split()[1]} in {portrait} is {portrait.stem}. `undo ")
    summary = worker.records("scan", photos)[-1]["summary"]
    assert summary["faces"]["linked"] >= 2

    (listed,) = worker.records("faces", "--name", "barack OBAMA")
    assert {Path(face["photo"]).name for face in listed} >= {"Barack Obama.jpg", "blue-room.jpg"}
    assert all(face["distance"] is None or face["distance"] < 0.6 for face in listed)
    out, _ = worker.run("faces", "--name", "Joe Biden")
    assert "Joe Biden.jpg\t0\tJoe Biden" in out

    worker.run("export", "--csv", "all.csv")
    lines = (worker.home / "all.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("photo,id,image_id,face_index,name,status,")
    assert len(lines) == 1 + worker.rows("SELECT count(*) FROM faces")[0][0]
    out, _ = worker.run("export", "--json")
    assert out.count('"photo"') == len(lines) - 1

    out, _ = worker.run("report", "people")
    assert "people/index.html" in out
    page = (worker.home / "people/index.html").read_text(encoding="utf-8")
    assert "Barack Obama" in page
    assert "astronaut" in page


def test_naming_somebody_after_the_scan_finds_the_photos(worker: Any, samples: Path, photos: Path) -> None:
    shutil.copy(samples / "photos/blue-room.jpg", photos)
    worker.run("scan", photos)
    worker.run("enrol", "Barack Obama", samples / "known/Barack Obama.jpg")
    (dry,) = worker.records("link", "--dry-run")
    assert len(dry["linked"]) == 1
    assert worker.rows("SELECT count(*) FROM faces WHERE parent_id IS NOT NULL") == [(0,)]
    out, _ = worker.run("link")
    assert out == 'f1 is linked to p1 "Barack Obama", p 1.00\n1 faces linked\n'
    (face,) = [face for face in worker.records("faces")[0] if face["parent_id"]]
    assert face["name"] == "Barack Obama"


def test_a_group_portrait_is_refused_until_a_face_is_chosen(worker: Any, samples: Path) -> None:
    group = samples / "photos/side-by-side.jpg"
    _, err = worker.run("enrol", "Joe Biden", group, code=2)
    assert "found 2 faces in" in err
    assert "--face N" in err
    worker.run("enrol", "Joe Biden", group, "--face", "1")
    assert worker.rows("SELECT face_index, status FROM faces WHERE name = 'Joe Biden'") == [(1, "ok")]


def test_a_killed_scan_goes_on_where_it_was(
    worker: Any, samples: Path, photos: Path, slow_photo: bytes, wait_for: Callable[..., None], tmp_path: Path
) -> None:
    for number in range(3):
        for photo in ("blue-room.jpg", "side-by-side.jpg", "astronaut.png"):
            (photos / f"{number}{photo}").write_bytes(another((samples / "photos" / photo).read_bytes(), number))
        (photos / f"{number}slow.jpg").write_bytes(another(slow_photo, number))
    known = samples / "known/Barack Obama.jpg"

    other = type(worker)(tmp_path / "undisturbed", worker._settings)
    other.run("enrol", "Barack Obama", known)
    other.run("scan", photos)

    worker.run("enrol", "Barack Obama", known)
    for done in (2, 5, 8):
        scan = worker.start("scan", photos)
        wait_for(lambda done=done: worker.checked() >= done, seconds=60)
        scan.send_signal(signal.SIGKILL)
        scan.wait(10)
    summary = worker.records("scan", photos)[-1]["summary"]
    assert 0 < summary["done"] < 12
    assert worker.rows(ROWS) == other.rows(ROWS)
    assert worker.rows("PRAGMA integrity_check") == [("ok",)]
    other.end()


@pytest.mark.long
def test_a_scan_killed_twenty_times_at_any_moment_loses_and_doubles_nothing(
    worker: Any, samples: Path, photos: Path, tmp_path: Path
) -> None:
    for number in range(30):
        for photo in ("blue-room.jpg", "side-by-side.jpg", "cat.png"):
            (photos / f"{number:02}{photo}").write_bytes(another((samples / "photos" / photo).read_bytes(), number))
    known = samples / "known/Barack Obama.jpg"
    other = type(worker)(tmp_path / "undisturbed", worker._settings)
    other.run("enrol", "Barack Obama", known)
    other.run("scan", photos)

    worker.run("enrol", "Barack Obama", known)
    chance = random.Random(20)  # noqa: S311  the same moments in every run
    for _ in range(20):
        scan = worker.start("scan", photos)
        with contextlib.suppress(subprocess.TimeoutExpired):
            scan.wait(chance.uniform(0.1, 3))
        scan.kill()
        scan.wait(10)
        assert worker.rows("PRAGMA integrity_check") == [("ok",)]
    worker.run("scan", photos)
    assert worker.rows(ROWS) == other.rows(ROWS)
    other.end()


def test_two_scans_at_once_write_one_set_of_rows(worker: Any, samples: Path, photos: Path) -> None:
    shutil.copytree(samples / "photos", photos, dirs_exist_ok=True)
    both = [worker.start("scan", photos) for _ in range(2)]
    for scan in both:
        _, err = worker.output_of(scan, 120)
        assert scan.returncode == 0
        assert err == ""
    count = len(list(photos.iterdir()))
    assert worker.rows("SELECT count(*), count(DISTINCT filename) FROM images") == [(count, count)]
    assert worker.rows("SELECT count(*) FROM faces GROUP BY image_id, face_index HAVING count(*) > 1") == []


def test_a_changed_photo_is_looked_at_as_if_it_were_new(worker: Any, samples: Path, photos: Path) -> None:
    photo = photos / "a.jpg"
    shutil.copy(samples / "photos/blue-room.jpg", photo)
    worker.run("scan", photos)
    os.utime(photo)
    summary = worker.records("scan", photos)[-1]["summary"]
    assert {name: summary[name] for name in ("done", "known", "refused", "failed")} == {
        **{"done": 0, "known": 1, "refused": 0, "failed": 0},
    }
    shutil.copy(samples / "photos/coffee.png", photo)
    assert worker.records("scan", photos)[-1]["summary"]["done"] == 1
    assert worker.rows("SELECT count(*) FROM faces WHERE deleted_at IS NULL") == [(0,)]
    assert worker.rows("SELECT count(*) FROM images") == [(1,)]


def test_what_cannot_be_used_is_told_counted_and_remembered(
    worker: Any, photos: Path, small_photo: bytes, samples: Path
) -> None:
    (photos / "empty.jpg").touch()
    (photos / "text.jpg").write_text("this is a text\n" * 100)
    (photos / "cut.jpg").write_bytes((samples / "photos/blue-room.jpg").read_bytes()[:5000])
    (photos / "broken-link.jpg").symlink_to("gone.jpg")
    (photos / "loop").symlink_to(".")
    (photos / "self").symlink_to("self")
    (photos / "notes.txt").write_text("not a photo")
    os.mkfifo(photos / "pipe.jpg")
    (photos / "z.jpg").write_bytes(small_photo)
    out, err = worker.run("scan", photos, code=1)
    assert out == "1 new or changed photos: 0 faces, 0 newly linked; 3 cannot be used; 3 failed\n"
    for name in ("empty.jpg", "text.jpg", "cut.jpg", "broken-link.jpg", "self", "pipe.jpg"):
        (line,) = [line for line in err.splitlines() if f"/{name}: " in line]
        assert len(line.split(": ", 1)[1]) > 10
    assert "notes.txt" not in err

    out, err = worker.run("scan", photos, code=1)
    assert out == "no new or changed photos; 4 seen before and skipped; 3 failed\n"
    (photos / "text.jpg").write_bytes(another(small_photo, "text"))
    assert worker.records("scan", photos, code=1)[-1]["summary"]["done"] == 1


def test_a_file_that_vanishes_during_the_scan_is_told_and_the_next_is_done(
    worker: Any, photos: Path, slow_photo: bytes, small_photo: bytes, api: Any, wait_for: Callable[..., None]
) -> None:
    for name in ("a.jpg", "b.jpg"):
        (photos / name).write_bytes(another(slow_photo, name))
    for name in ("c.jpg", "d.jpg"):
        (photos / name).write_bytes(another(small_photo, name))
    scan = worker.start("scan", photos)
    wait_for(lambda: len(api.in_hand()) == 2)
    (photos / "c.jpg").unlink()
    out, err = worker.output_of(scan, 60)
    assert scan.returncode == 1
    assert out == "3 new or changed photos: 0 faces, 0 newly linked; 1 failed\n"
    assert "c.jpg: No such file or directory" in err


def test_a_scan_that_is_interrupted_says_so(
    worker: Any, photos: Path, slow_photo: bytes, api: Any, wait_for: Callable[..., None]
) -> None:
    for number in range(6):
        (photos / f"{number}.jpg").write_bytes(another(slow_photo, number))
    scan = worker.start("scan", photos)
    wait_for(lambda: len(api.in_hand()) == 2)
    scan.send_signal(signal.SIGINT)
    out, err = worker.output_of(scan, 60)
    assert scan.returncode == 1
    assert err == "scan: stopped; what is done is kept, the same command goes on from there\n"
    assert out == ""


def test_a_database_that_goes_in_the_middle_is_told_and_the_next_run_goes_on(
    worker: Any, photos: Path, slow_photo: bytes, small_photo: bytes, api: Any, wait_for: Callable[..., None]
) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    worker.run("scan", photos)
    for name in "bcde":
        (photos / f"{name}.jpg").write_bytes(another(slow_photo, name))
    scan = worker.start("scan", photos)
    wait_for(lambda: len(api.in_hand()) == 2)
    (worker.home / "faces.db").rename(worker.home / "elsewhere.db")
    _, err = worker.output_of(scan, 60)
    assert scan.returncode == 1
    assert err == f"scan: the database {worker.home}/faces.db is gone: No such file or directory\n"
    (worker.home / "elsewhere.db").rename(worker.home / "faces.db")
    out, _ = worker.run("scan", photos)
    assert out == "4 new or changed photos: 0 faces, 0 newly linked; 1 seen before and skipped\n"


def test_an_api_that_goes_in_the_middle_is_told_and_the_next_run_goes_on(
    worker: Any, photos: Path, slow_photo: bytes, start_api: Callable[..., Any], wait_for: Callable[..., None]
) -> None:
    for name in "abcd":
        (photos / f"{name}.jpg").write_bytes(another(slow_photo, name))
    api = start_api()
    scan = worker.start("scan", photos, FACE_API_URL=api.url)
    wait_for(lambda: len(api.in_hand()) == 2)
    api.stop()
    _, err = worker.output_of(scan, 120)
    assert scan.returncode == 1
    assert "does not answer" in err.splitlines()[-1]
    assert err.splitlines()[-1].endswith("what is done is kept, the next run goes on from there")
    worker.run("scan", photos)
    assert worker.rows("SELECT count(*), sum(faces_checked) FROM images") == [(4, 4)]


def test_a_busy_api_is_waited_for(worker: Any, photos: Path, slow_photo: bytes, start_api: Callable[..., Any]) -> None:
    for name in "abc":
        (photos / f"{name}.jpg").write_bytes(another(slow_photo, name))
    api = start_api(FACE_API_PROCESSES="1", FACE_API_WAITING="1")
    scans = [
        worker.start("scan", photos, FACE_API_URL=api.url, FACE_DATABASE_URL=f"sqlite:///{n}.db") for n in range(3)
    ]
    for scan in scans:
        _, err = worker.output_of(scan, 120)
        assert scan.returncode == 0, err


@pytest.mark.parametrize("inside", ["photos", "photos/below"])
def test_a_database_inside_the_folder_is_refused(worker: Any, photos: Path, inside: str, tmp_path: Path) -> None:
    (tmp_path / inside).mkdir(exist_ok=True)
    url = f"sqlite:///{tmp_path / inside}/faces.db"
    before = seen(photos)
    _, err = worker.run("scan", photos, code=2, FACE_DATABASE_URL=url)
    assert "which is never written to" in err
    assert seen(photos) == before


def test_the_database_is_well_formed_sqlite_for_other_programs(worker: Any, photos: Path, small_photo: bytes) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    worker.run("scan", photos)
    with closing(sqlite3.connect(worker.home / "faces.db")) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        (times,) = connection.execute("SELECT updated_at FROM images").fetchone()
    assert len(times) == len("2026-01-01 00:00:00")
