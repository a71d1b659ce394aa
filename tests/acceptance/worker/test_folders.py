"""scan as a person uses it on folders that change: what it follows, tells, leaves out and forgets."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.servers.version_1 import take_back

#: Where no API answers: what works there has asked for none.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def scanned(worker: Any, photos: Path, samples: Path) -> Path:
    """A folder with Ada's portrait, which has her name, and another photo, after a scan."""
    (photos / "ada.jpg").write_bytes((samples / "known/Barack Obama.jpg").read_bytes())
    (photos / "other.png").write_bytes((samples / "photos/coffee.png").read_bytes())
    worker.run("scan", photos)
    worker.run("enrol", "Ada", photos / "ada.jpg")
    return photos


def listed(worker: Any) -> list[tuple[str, str | None]]:
    """The photo's name and the person's, of each listed face."""
    (faces,) = worker.records("faces")
    return [(Path(face["photo"]).name, face["name"]) for face in faces]


def summary(worker: Any, *arguments: object, code: int = 0, **settings: str) -> dict[str, Any]:
    told: dict[str, Any] = worker.records("scan", *arguments, code=code, **settings)[-1]["summary"]
    return {name: value for name, value in told.items() if value and name != "faces"}


def test_a_moved_folder_is_followed_without_an_api(worker: Any, scanned: Path) -> None:
    moved = scanned.with_name("pictures")
    scanned.rename(moved)
    out, err = worker.run("scan", moved, FACE_API_URL=NOWHERE)
    assert out == "no new or changed photos; 2 moved\n"
    assert f"{moved}/ada.jpg: moved from {scanned}/ada.jpg" in err
    assert listed(worker) == [("ada.jpg", "Ada")]
    assert worker.rows("SELECT DISTINCT path FROM images") == [(str(moved),)]


def test_a_copy_gets_the_same_faces_without_an_api(worker: Any, scanned: Path) -> None:
    (scanned / "copy.jpg").write_bytes((scanned / "ada.jpg").read_bytes())
    assert summary(worker, scanned, FACE_API_URL=NOWHERE) == {"known": 2, "copied": 1}
    assert listed(worker) == [("ada.jpg", "Ada"), ("copy.jpg", "Ada")]


def test_a_deleted_photo_is_told_and_neither_listed_exported_nor_reported(worker: Any, scanned: Path) -> None:
    (scanned / "ada.jpg").unlink()
    out, err = worker.run("scan", scanned)
    assert out == "no new or changed photos; 1 seen before and skipped; 1 gone\n"
    assert err == f"{scanned}/ada.jpg: gone, and no longer listed\n"
    assert listed(worker) == []
    assert "ada.jpg" not in worker.run("export", "--csv", "/dev/stdout")[0]
    worker.run("report", "people")
    assert "ada.jpg" not in (worker.home / "people/index.html").read_text(encoding="utf-8")


def test_what_is_gone_is_forgotten_only_when_asked_for(worker: Any, scanned: Path) -> None:
    (scanned / "ada.jpg").unlink()
    worker.run("scan", scanned)
    assert worker.rows("SELECT count(*) FROM faces") == [(1,)]
    out, _ = worker.run("scan", scanned, "--forget-missing")
    assert out == "no new or changed photos; 1 seen before and skipped; 1 forgotten\n"
    assert worker.rows("SELECT count(*) FROM faces") == [(0,)]
    assert worker.rows("SELECT filename FROM images") == [("other.png",)]


def test_a_folder_that_is_suddenly_empty_warns_and_forgets_nothing(worker: Any, scanned: Path) -> None:
    aside = scanned.with_name("unmounted")
    scanned.rename(aside)
    scanned.mkdir()
    for options in ((), ("--forget-missing",)):
        out, err = worker.run("scan", scanned, *options, code=1)
        assert out == "no new or changed photos; 2 not seen\n"
        assert f"2 photos are not seen, and stay listed: {scanned} is empty now (is its disk mounted?" in err
        assert ("--forget-missing: nothing was dropped" in err) == bool(options)
        assert listed(worker) == [("ada.jpg", "Ada")]
    scanned.rmdir()
    aside.rename(scanned)
    assert summary(worker, scanned, FACE_API_URL=NOWHERE) == {"known": 2}


def test_a_folder_that_cannot_be_read_forgets_nothing(worker: Any, scanned: Path) -> None:
    """What seems to be gone may have been moved there."""
    (scanned / "ada.jpg").unlink()
    (scanned / "loop").mkdir()
    (scanned / "loop/c.jpg").write_bytes((scanned / "other.png").read_bytes())
    worker.run("scan", scanned)
    (scanned / "loop/c.jpg").unlink()
    (scanned / "loop").rmdir()
    (scanned / "loop").symlink_to("loop")
    assert summary(worker, scanned, "--forget-missing", code=1) == {"known": 1, "failed": 1, "not_seen": 1}
    assert worker.rows("SELECT count(*) FROM images") == [(3,)]


def test_photos_are_scanned_by_their_names(worker: Any, photos: Path, small_photo: bytes) -> None:
    for name in "abc":
        (photos / f"{name}.jpg").write_bytes(small_photo + name.encode())
    (photos / "below").mkdir()
    (photos / "below/d.jpg").write_bytes(small_photo + b"d")
    assert summary(worker, photos / "a.jpg") == {"done": 1}
    assert summary(worker, photos / "a.jpg", photos / "b.jpg", photos / "below") == {"known": 1, "done": 2}
    assert summary(worker, photos) == {"known": 3, "done": 1}
    _, err = worker.run("scan", photos / "a.jpg", photos / "gone.jpg", code=2)
    assert err == f"scan: found no folder or photo {photos}/gone.jpg: No such file or directory\n"


@pytest.mark.parametrize("option", [("--exclude", "x"), ("--no-exclude", "x"), ("--forget-missing",)])
def test_options_for_folders_are_refused_for_files(worker: Any, photos: Path, option: tuple[str, ...]) -> None:
    (photos / "a.jpg").touch()
    _, err = worker.run("scan", photos / "a.jpg", *option, code=2)
    assert "need a folder" in err
    assert list(worker.home.iterdir()) == []


def test_what_was_excluded_stays_excluded_is_listed_and_can_be_had_back(
    worker: Any, photos: Path, small_photo: bytes
) -> None:
    for name in ("a.jpg", "private/b.jpg", "below/private/c.jpg", "a-edited.jpg"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(small_photo + name.encode())
    out, _ = worker.run("scan", photos, "--exclude", "private", "--exclude", "*-edited.jpg")
    assert out.splitlines() == [
        "passed over: 2 excluded folders (2 private), 1 excluded files (1 *-edited.jpg)",
        "1 new or changed photos: 0 faces, 0 newly linked",
    ]
    assert summary(worker, photos) == {"known": 1, "passed_over": {"excluded": {"private": 2, "*-edited.jpg": 1}}}
    assert summary(worker, photos / "below") == {"passed_over": {"excluded": {"private": 1}}}
    out, _ = worker.run("scan", photos, "--excludes")
    assert out == f"folder\tpattern\n{photos}\t*-edited.jpg\n{photos}\tprivate\n"
    assert worker.records("scan", "--excludes")[0][1] == {"folder": str(photos), "pattern": "private"}
    assert summary(worker, photos, "--exclude", photos / "below")["passed_over"]["excluded"]["/below"] == 1
    assert summary(worker, photos, "--exclude", "./a.jpg")["passed_over"]["excluded"]["/a.jpg"] == 1
    worker.run("scan", photos, "--no-exclude", photos / "below", "--no-exclude", "./a.jpg")
    for nothing in ("", "/", "./", ".."):
        worker.run("scan", photos, "--exclude", nothing, code=2)
    assert summary(worker, photos, "--no-exclude", "private")["done"] == 2
    _, err = worker.run("scan", photos, "--no-exclude", "private", code=2)
    assert err == f"scan: --no-exclude: {photos} has no pattern 'private'; it has '*-edited.jpg'\n"


def test_rows_of_what_is_left_out_from_now_on_are_told_and_kept(worker: Any, scanned: Path) -> None:
    out, err = worker.run("scan", scanned, "--exclude", "ada.jpg")
    assert out.endswith("no new or changed photos; 1 seen before and skipped\n")
    assert err == f"1 photos of earlier scans are left out now, and stay listed: {scanned}/ada.jpg\n"
    assert listed(worker) == [("ada.jpg", "Ada")]
    (scanned / "ada.jpg").unlink()
    assert summary(worker, scanned)["gone"] == 1


def test_our_own_pages_and_pictures_are_never_scanned(worker: Any, scanned: Path) -> None:
    worker.run("report", scanned / "people")
    (scanned / "debug").mkdir()
    (scanned / "debug/debug_ada.jpg").write_bytes((scanned / "ada.jpg").read_bytes())
    assert summary(worker, scanned) == {"known": 2, "passed_over": {"ours": 1, "debug": 1}}
    (scanned / "people/.face-sidecar").unlink()
    (scanned / "people/pictures/.face-sidecar").unlink()
    told = summary(worker, scanned)
    assert told["known"] == 2
    assert told["passed_over"]["ours"] > 1
    assert "done" not in told


def test_what_was_passed_over_is_told_by_reason(worker: Any, photos: Path) -> None:
    for name in ("#recycle/a.jpg", "x/.nomedia", ".hidden.jpg", "a.cr2", "b.cr2", "c.nef", "d.mp4"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).touch()
    out, err = worker.run("scan", photos)
    assert out.splitlines() == [
        "passed over: 1 folders of trash, 1 folders marked .nomedia, 1 hidden files, 3 raw photos (2 cr2, 1 nef), "
        "1 videos (1 mp4)",
        "no new or changed photos",
    ]
    assert err == ""


def test_a_killed_scan_of_a_moved_folder_goes_on_and_loses_no_name(
    worker: Any, photos: Path, samples: Path, small_photo: bytes, wait_for: Callable[..., None]
) -> None:
    (photos / "ada.jpg").write_bytes((samples / "known/Barack Obama.jpg").read_bytes())
    for number in range(120):
        (photos / f"{number:03}.jpg").write_bytes(small_photo + f"{number:03}".encode())
    worker.run("scan", photos)
    worker.run("enrol", "Ada", photos / "ada.jpg")
    moved = photos.with_name("moved")
    photos.rename(moved)
    scan = worker.start("scan", moved, FACE_API_URL=NOWHERE)
    wait_for(lambda: worker.rows(f"SELECT 1 FROM images WHERE path = '{moved}'"))
    scan.send_signal(signal.SIGKILL)
    scan.wait(10)
    both = [worker.start("scan", moved, FACE_API_URL=NOWHERE) for _ in range(2)]
    for one in both:
        worker.end_of(one)
    assert worker.rows("SELECT path, count(*) FROM images GROUP BY path") == [(str(moved), 121)]
    assert listed(worker) == [("ada.jpg", "Ada")]


def test_a_database_of_the_first_version_is_brought_forward_and_keeps_its_names(worker: Any, scanned: Path) -> None:
    take_back(worker.database)
    (scanned / "ada.jpg").rename(scanned / "lovelace.jpg")
    assert summary(worker, scanned, FACE_API_URL=NOWHERE) == {"known": 1, "moved": 1}
    assert listed(worker) == [("lovelace.jpg", "Ada")]
    assert list(worker.home.glob("faces.db.before-*")) != []
