"""enrol as a person uses it: files, folders, a folder of people, and what goes wrong with one photo of many."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers.worker_process import ROOT

OBAMA, BIDEN = "known/Barack Obama.jpg", "known/Joe Biden.jpg"


@pytest.fixture
def obama(samples: Path, photos: Path) -> Path:
    return Path(shutil.copy(samples / OBAMA, photos / "obama.jpg"))


@pytest.fixture
def poor(obama: Path, photos: Path) -> Path:
    """A face of 24 pixels, enlarged to a usual size."""
    from PIL import Image

    path = photos / "poor.jpg"
    with Image.open(obama) as picture:
        small = picture.convert("RGB")
    small.thumbnail((100, 100))
    small.resize((small.width * 7, small.height * 7), Image.Resampling.BICUBIC).save(path, quality=85)
    return path


def names(worker: Any) -> list[tuple[str, str]]:
    """Photos with the names of their faces."""
    (faces,) = worker.records("faces")
    return [(Path(face["photo"]).name, face["name"]) for face in faces]


def test_options_stand_where_the_usage_shows_them(worker: Any, obama: Path) -> None:
    worker.run("enrol", "Barack Obama", "--face", "0", obama)
    assert names(worker) == [("obama.jpg", "Barack Obama")]


def test_a_folder_and_a_file_are_one_persons(worker: Any, obama: Path, samples: Path, tmp_path: Path) -> None:
    other = shutil.copy(samples / "photos/blue-room.jpg", tmp_path / "other.jpg")
    worker.run("enrol", "Barack Obama", obama.parent, other)
    assert names(worker) == [("other.jpg", "Barack Obama"), ("obama.jpg", "Barack Obama")]


def test_a_folder_of_people_has_a_file_or_a_folder_for_each(worker: Any, obama: Path, samples: Path) -> None:
    people = obama.parent
    (people / "Zoe\u0308").mkdir()
    shutil.copy(samples / BIDEN, people / "Zoe\u0308/any.jpg")
    worker.run("enrol", "--folder", people)
    assert sorted(names(worker)) == [("any.jpg", "Zo\u00eb"), ("obama.jpg", "obama")]


def test_each_sentence_names_its_photo_and_the_others_are_enrolled(
    worker: Any, obama: Path, samples: Path, small_photo: bytes
) -> None:
    folder = obama.parent
    (folder / "empty.jpg").touch()
    (folder / "nobody.jpg").write_bytes(small_photo)
    (folder / "gone.jpg").symlink_to("away.jpg")
    shutil.copy(samples / "photos/side-by-side.jpg", folder / "two.jpg")
    out, err = worker.run("enrol", "Barack Obama", folder, code=1)
    assert out.startswith("face ")
    assert "/obama.jpg is Barack Obama" in out
    lines = [line for line in err.splitlines() if line.startswith("enrol: ")]
    for name in ("empty.jpg", "nobody.jpg", "gone.jpg", "two.jpg"):
        assert len([line for line in lines if f"/{name}" in line]) == 1
    assert len(lines) == 4


def test_one_photo_alone_is_named_too(worker: Any, photos: Path) -> None:
    (photos / "empty.jpg").touch()
    _, err = worker.run("enrol", "Ann", photos / "empty.jpg", code=1)
    assert err == f"enrol: {photos}/empty.jpg: the file is empty, needed a photo\n"


def test_a_slip_renames_nobody(worker: Any, obama: Path) -> None:
    worker.run("enrol", "Barack Obama", obama)
    _, err = worker.run("enrol", "Eve", obama, code=2)
    assert f"{obama}: found that a person named face 0 in it Barack Obama, needed --rename to make it Eve" in err
    assert names(worker) == [("obama.jpg", "Barack Obama")]
    out, _ = worker.run("enrol", "Eve", obama, "--rename")
    assert f"in {obama} is Eve, and was Barack Obama. `undo 2` takes it back\n" in out


def test_a_poor_portrait_is_enrolled_with_a_warning_that_names_it(worker: Any, poor: Path) -> None:
    _, err = worker.run("enrol", "Barack Obama", poor)
    assert err.startswith(f"{poor}: found a face of quality ")
    assert "needed 66 or more" in err
    assert names(worker) == [("poor.jpg", "Barack Obama")]


def test_a_small_portrait_is_warned_of_however_sharp_it_is(worker: Any, obama: Path) -> None:
    from PIL import Image

    with Image.open(obama) as picture:
        small = picture.convert("RGB")
    # Its face is 36 pixels wide.
    small.thumbnail((130, 130))
    small.save(obama, quality=95)
    (enrolled,) = worker.records("enrol", "Barack Obama", obama)
    assert enrolled["quality"] > 66
    assert "pixels wide, needed 53 or more" in enrolled["doubt"]


def test_a_good_portrait_is_enrolled_without_a_word(worker: Any, obama: Path) -> None:
    assert worker.run("enrol", "Barack Obama", obama)[1] == ""


@pytest.mark.parametrize(
    "words",
    [
        ("Ann",),
        ("--folder", "photos", "Ann"),
        ("Ann", "a.jpg", "--id", "1"),
        ("--id", "1"),
        ("Ann", ".", "--face", "0"),
    ],
    ids=" ".join,
)
def test_contradictions_are_refused(worker: Any, words: tuple[str, ...]) -> None:
    _, err = worker.run("enrol", *words, code=2)
    assert "enrol: " in err
    assert not worker.database.exists()


def test_an_empty_folder_is_refused(worker: Any, photos: Path) -> None:
    _, err = worker.run("enrol", "Ann", photos, code=2)
    assert err == f"enrol: found no photo in {photos}, needed at least one\n"


def test_all_verbs_know_one_person_by_any_spelling(worker: Any, obama: Path) -> None:
    worker.run("enrol", "Zoe\u0308   Obama", obama)
    name = "zo\u00eb obama"
    assert len(worker.records("faces", "--name", name)[0]) == 1
    out, _ = worker.run("export", "--csv", "--name", name)
    assert out.startswith("\ufeffphoto,id,")
    assert ",Zo\u00eb Obama,ok," in out
    worker.run("report", "people", "--name", name)
    assert "Zo\u00eb Obama" in (worker.home / "people/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", [("faces",), ("report", "people"), ("export", "--csv", "all.csv")], ids=" ".join)
def test_nobody_of_that_name_is_a_sentence_and_exit_code_1(worker: Any, obama: Path, verb: tuple[str, ...]) -> None:
    worker.run("enrol", "Barack Obama", obama)
    out, err = worker.run(*verb, "--name", "Nobdoy", code=1)
    assert out == ""
    assert err.startswith(f"{verb[0]}: found nobody named Nobdoy; ")
    assert sorted(path.name for path in worker.home.iterdir() if "faces.db" not in path.name) == []


def test_a_page_of_faces_is_a_part_of_the_whole_list(worker: Any, samples: Path) -> None:
    worker.run("scan", samples / "photos")
    (whole,) = worker.records("faces")
    assert worker.records("faces", "--limit", "2", "--offset", "1") == [whole[1:3]]
    assert worker.records("faces", "--offset", len(whole)) == [[]]


def on_a_terminal(worker: Any, *words: str) -> str:
    """What a plain terminal gets."""
    ours, theirs = os.openpty()
    program = [sys.executable, "-m", "worker", *words]
    surroundings = {"PYTHONPATH": str(ROOT), "TERM": "dumb", "FACE_API_URL": "http://127.0.0.1:9"}
    with subprocess.Popen(program, cwd=worker.home, env=os.environ | surroundings, stdout=theirs, stderr=theirs):
        os.close(theirs)
        told = b""
        # A terminal whose last writer is gone is an input/output error.
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 1 << 16):
                told += piece
    os.close(ours)
    return told.decode()


@pytest.mark.parametrize("words", [("faces",), ("export", "--csv"), ("export", "--json")], ids=" ".join)
def test_no_name_of_a_file_commands_a_terminal_that_shows_a_table_or_data(
    worker: Any, obama: Path, words: tuple[str, ...]
) -> None:
    worker.run("enrol", "Barack Obama", obama.rename(obama.with_name("x\x1b[31m\u202ey.jpg")))
    told = on_a_terminal(worker, *words)
    assert "Barack" in told
    assert not {"\x1b", "\u202e"} & set(told)


def test_no_name_of_a_file_commands_what_reads_the_output(worker: Any, obama: Path) -> None:
    odd = obama.rename(obama.with_name("x\x1b[31m\u202ey.jpg"))
    outputs = [
        worker.run("enrol", "Barack Obama", odd),
        worker.run("enrol", "Eve", odd, code=2),
        worker.run("scan", odd.parent),
        worker.run("faces"),
        worker.run("faces", "--json"),
        worker.run("recognise", odd.parent, odd.parent),
        worker.run("scan", f"{odd}\x1b", code=2),
        worker.run("faces", "\x9b", code=2),
    ]
    told = "".join(out + err for out, err in outputs)
    assert r"x\u001b[31m\u202ey.jpg" in told
    assert not {"\x1b", "\x9b", "\u202e"} & set(told)
    (faces,) = worker.records("faces")
    assert faces[0]["photo"] == str(odd), "machines read it as it is"
