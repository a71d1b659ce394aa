from __future__ import annotations

from pathlib import Path

import pytest

from installer.changes.native import Found, difference
from installer.changes.release import BuildRelease, digest_of
from installer.install_paths import Places
from installer.sentence import Language


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces/__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "requirements.txt").write_text("numpy==2\n")
    return tmp_path


def test_a_release_is_named_for_its_code_its_python_and_its_dlib(source: Path) -> None:
    digest = digest_of(source)[:10]
    assert BuildRelease(source, Places(), "3.11").name == f"1.2.3-{digest}-py3.11"
    assert BuildRelease(source, Places(), "3.11", native=True).name == f"1.2.3-{digest}-py3.11-native"


def test_what_is_not_part_of_a_release_does_not_change_its_name(source: Path) -> None:
    before = digest_of(source)
    (source / "faces/__pycache__").mkdir()
    (source / "faces/__pycache__/x.pyc").touch()
    (source / "tests").mkdir()
    (source / "tests/test_x.py").touch()
    assert digest_of(source) == before


@pytest.mark.parametrize("name", ["requirements.txt", "faces/new.py", "faces/people/data/cohort.npz"])
def test_another_file_is_another_release(source: Path, name: str) -> None:
    before = digest_of(source)
    (source / name).parent.mkdir(parents=True, exist_ok=True)
    (source / name).write_text("x\n")
    assert digest_of(source) != before


ALL = ("decode", "resize", "scan", "resnet")


def found(top: float = 10, number: float = 0.5, fast: tuple[str, ...] = ALL) -> Found:
    return {
        "fast": list(fast),
        "photos": {"a.jpg": [{"box": [top, 20, 30, 5], "encoding": [number] * 128}], "b.jpg": []},
    }


@pytest.mark.parametrize(
    ("built", "reason"),
    [
        (found(top=11), "it finds other boxes in a.jpg"),
        (found(number=0.5 + 1e-5), "it gives another encoding in a.jpg"),
        (found(number=float("nan")), "it gives another encoding in a.jpg"),
        ({"fast": list(ALL), "photos": {"b.jpg": []}}, "it finds other boxes in a.jpg"),
        (found(fast=("decode", "resize", "resnet")), "these faster parts would not fit it: scan"),
    ],
)
def test_a_dlib_that_finds_other_things_or_makes_photos_slower_is_left(built: Found, reason: str) -> None:
    difference_found = difference(found(), built)
    assert difference_found
    assert Language().render(difference_found) == reason


def test_a_dlib_that_finds_the_same_is_taken() -> None:
    assert difference(found(), found(number=0.5 + 1e-8)) is None


def test_no_face_at_all_proves_nothing() -> None:
    nothing: Found = {"fast": [], "photos": {"b.jpg": []}}
    assert difference(nothing, nothing)
