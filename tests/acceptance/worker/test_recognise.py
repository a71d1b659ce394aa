"""recognise, beside what people know of the command `face_recognition`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def known(samples: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(samples / "known", tmp_path / "known"))


@pytest.fixture
def unknown(samples: Path, photos: Path) -> Path:
    """One face, two faces, a stranger's, and none."""
    for name in ("blue-room.jpg", "side-by-side.jpg", "coffee.png"):
        shutil.copy(samples / "photos" / name, photos)
    return photos


def test_each_face_is_a_line_and_no_database_is_made(worker: Any, known: Path, unknown: Path) -> None:
    out, err = worker.run("recognise", known, unknown)
    assert out.splitlines() == [
        f"{unknown}/blue-room.jpg,Barack Obama",
        f"{unknown}/coffee.png,no_persons_found",
        f"{unknown}/side-by-side.jpg,Barack Obama",
        f"{unknown}/side-by-side.jpg,Joe Biden",
    ]
    assert err == ""
    assert list(worker.home.iterdir()) == []


def test_photos_are_called_as_they_were_typed(worker: Any, known: Path, unknown: Path) -> None:
    unknown.rename(worker.home / "unknown")
    out, _ = worker.run("recognise", known, "./unknown/")
    assert out.startswith("./unknown/blue-room.jpg,")
    out, _ = worker.run("recognise", known, "unknown/blue-room.jpg")
    assert out == "unknown/blue-room.jpg,Barack Obama\n"


def test_below_the_tolerance_nobody_is_known(worker: Any, known: Path, unknown: Path) -> None:
    out, _ = worker.run("recognise", "--tolerance", "0.01", known, unknown / "blue-room.jpg")
    assert out == f"{unknown}/blue-room.jpg,unknown_person\n"


def test_the_distance_is_a_third_field_where_it_is_wanted(worker: Any, known: Path, unknown: Path) -> None:
    out, _ = worker.run("recognise", known, unknown, "--show-distance", "true")
    first, none, *_ = out.splitlines()
    assert 0.2 < float(first.split(",")[2]) < 0.6
    assert none.endswith("coffee.png,no_persons_found,None")


def test_all_matches_have_lines_nearest_first_and_each_person_once(worker: Any, known: Path, unknown: Path) -> None:
    (known / "Barack Obama").mkdir()
    shutil.copy(known / "Barack Obama.jpg", known / "Barack Obama/again.jpg")
    out, _ = worker.run("recognise", known, unknown / "blue-room.jpg", "--all", "--tolerance", "2")
    assert [line.split(",")[1] for line in out.splitlines()] == ["Barack Obama", "Joe Biden"]


def test_a_spreadsheet_has_titles_and_harmless_cells(worker: Any, known: Path, unknown: Path) -> None:
    (known / "Barack Obama.jpg").rename(known / "=1+1.jpg")
    out, _ = worker.run("recognise", known, unknown / "blue-room.jpg", "--csv")
    titles, row = out.splitlines()
    assert titles == "\ufeffphoto,face,name,distance"
    assert row.startswith(f"{unknown}/blue-room.jpg,0,'=1+1,0.")


def test_machines_get_a_record_a_photo(worker: Any, known: Path, unknown: Path) -> None:
    one, none, two = worker.records("recognise", known, unknown)
    assert one["photo"] == f"{unknown}/blue-room.jpg"
    assert [match["name"] for match in one["faces"][0]] == ["Barack Obama"]
    assert none["faces"] == []
    assert len(two["faces"]) == 2


def test_of_several_known_faces_the_best_found_counts_and_a_warning_says_so(
    worker: Any, known: Path, unknown: Path, small_photo: bytes
) -> None:
    shutil.copy(unknown / "side-by-side.jpg", known / "Two.jpg")
    (known / "None.jpg").write_bytes(small_photo)
    _, err = worker.run("recognise", known, unknown / "coffee.png")
    assert f"recognise: {known}/None.jpg: found 0 faces, needed one: None is not known by it" in err
    assert f"recognise: {known}/Two.jpg: found 2 faces, needed one: the best found one counts" in err


def test_a_photo_that_cannot_be_used_is_told_and_the_others_are_done(worker: Any, known: Path, unknown: Path) -> None:
    (unknown / "a.jpg").touch()
    out, err = worker.run("recognise", known, unknown, code=1)
    assert len(out.splitlines()) == 4
    assert err == f"recognise: {unknown}/a.jpg: the file is empty, needed a photo\n"


@pytest.mark.parametrize("words", [("gone", "photos"), ("photos", "photos"), ("known", "empty")], ids=" ".join)
def test_folders_without_photos_are_refused(worker: Any, known: Path, tmp_path: Path, words: tuple[str, str]) -> None:
    for name in ("photos", "empty"):
        (tmp_path / name).mkdir(exist_ok=True)
    _, err = worker.run("recognise", *(tmp_path / word for word in words), code=2)
    assert err.startswith("recognise: ")
