"""Debug pictures: what they are called, what they show, and how they come to lie on the disk."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.errors import NoDiskForPicture, PictureNotWritten
from faces.photo import debug_image
from faces.photo.decoding import PhotoLimits, decode
from faces.photo.engine import Findings
from faces.photo.face import Box, Face, Quality
from faces.photo.photo import Photo
from tests.pictures import drawn

ROOT = Path(__file__).resolve().parents[4]
LIMITS = PhotoLimits(max_pixels=10_000_000, max_bytes=50_000_000)
ROOM_BEHIND = Box(top=60, right=110, bottom=110, left=60)


def face(box: Box) -> Face:
    return Face(box, box, 1.0, Quality(50, 20, 10, 10, 10), np.zeros(128))


def scene(*boxes: Box, size: tuple[int, int] = (200, 160), profile: bytes | None = None) -> tuple[Findings, Photo]:
    photo = decode(drawn.file_of(Image.new("RGB", size, (200, 40, 40)), "PNG", icc_profile=profile), LIMITS)
    return Findings(tuple(face(box) for box in boxes), 2000 if boxes else None, photo.scaled(2000), {}), photo


def saved(directory: Path, name: str, webp_quality: int | None = None) -> Path:
    return debug_image.save(*scene(ROOM_BEHIND), directory, name, webp_quality)


@pytest.mark.parametrize(
    ("original", "quality", "name", "kind"),
    [
        ("a.jpg", None, "debug_a.jpg", "JPEG"),
        ("IMG 1 ü.JPEG", None, "debug_IMG 1 ü.JPEG", "JPEG"),
        ("a.png", None, "debug_a.png", "PNG"),
        ("a.PNG", None, "debug_a.PNG", "PNG"),
        ("a.heic", None, "debug_a.heic.boxes.jpg", "JPEG"),
        ("a.webp", None, "debug_a.webp.boxes.jpg", "JPEG"),
        ("a", None, "debug_a.boxes.jpg", "JPEG"),
        (".jpg", None, "debug_.jpg.boxes.jpg", "JPEG"),
        ("a.jpg", 80, "debug_a.jpg.webp", "WEBP"),
        ("a.png", 80, "debug_a.png.webp", "WEBP"),
        ("a.webp", 0, "debug_a.webp.webp", "WEBP"),
    ],
)
def test_a_name_fits_the_original_and_the_content_the_name(
    tmp_path: Path, original: str, quality: int | None, name: str, kind: str
) -> None:
    path = saved(tmp_path, original, quality)
    assert path == tmp_path / name
    with Image.open(path) as picture:
        assert picture.format == kind
        assert picture.size == (200, 160)


def test_no_two_originals_ever_share_a_picture() -> None:
    endings = ("", ".jpg", ".JPG", ".jpeg", ".png", ".webp", ".heic", ".boxes", ".boxes.jpg", ".Boxes.JPG", ".jpg.webp")
    originals = {start + one + two for start in ("a", "debug_a", "é" * 130) for one in endings for two in endings}
    pictures = [debug_image.name_of(original, quality) for original in originals for quality in (None, 80)]
    assert len(set(pictures)) == len(pictures) == 2 * len(originals)


@pytest.mark.parametrize("quality", [None, 80])
@pytest.mark.parametrize("letter", ["n", "й", "😀"])
def test_the_longest_names_are_cut_to_what_a_disk_takes_and_stay_different(
    tmp_path: Path, letter: str, quality: int | None
) -> None:
    stem = letter * (240 // len(letter.encode()))
    paths = [saved(tmp_path, f"{stem}{last}.jpg", quality) for last in "12"]
    assert paths[0] != paths[1]
    for path in paths:
        assert len(os.fsencode(path.name)) <= 255
        assert path.name.startswith(f"debug_{letter}")
        assert path.suffix == (".jpg" if quality is None else ".webp")
        assert path.exists()


def test_jpegs_have_quality_90_and_webp_the_quality_asked_for(tmp_path: Path) -> None:
    found, photo = scene(ROOM_BEHIND)
    with Image.open(saved(tmp_path, "a.jpg")) as picture:
        tables = picture.quantization  # type: ignore[attr-defined]
    with Image.open(io.BytesIO(drawn.file_of(debug_image.draw(found, photo), "JPEG", quality=90))) as own:
        assert own.quantization == tables  # type: ignore[attr-defined]
    best, worst = (saved(tmp_path, f"{quality}.jpg", quality).stat().st_size for quality in (100, 1))
    assert worst < best


def test_a_box_is_drawn_where_its_face_is_and_nowhere_else() -> None:
    found, photo = scene(ROOM_BEHIND)
    drawn_on = np.asarray(debug_image.draw(found, photo))
    changed = np.argwhere((drawn_on != found.pixels).any(axis=2))
    assert abs(changed[:, 1].min() - 60) <= 3
    assert abs(changed[:, 1].max() - 110) <= 3
    assert abs(changed[:, 0].max() - 110) <= 3
    assert (drawn_on[75:100, 75:100] == found.pixels[75:100, 75:100]).all()


def test_each_face_has_its_number() -> None:
    spots = [Box(top=60, right=110, bottom=110, left=60 + shift) for shift in range(2)]
    alone = np.asarray(debug_image.draw(*scene(spots[0])))
    second = np.asarray(debug_image.draw(*scene(spots[0], spots[0])))
    assert (alone != second).any(), "0 and 1 look the same"


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (20, 20), (2000, 3), (2000, 1500)])
def test_pictures_of_any_size_and_boxes_anywhere_can_be_drawn(size: tuple[int, int], tmp_path: Path) -> None:
    width, height = size
    whole = Box(top=0, right=width, bottom=height, left=0)
    found, photo = scene(whole, Box(top=0, right=0, bottom=0, left=0), Box(height, width, height, width), size=size)
    for name, quality in (("a.jpg", None), ("a.png", None), ("a.jpg", 80)):
        with Image.open(debug_image.save(found, photo, tmp_path, name, quality)) as picture:
            assert picture.size == size


def test_a_photo_without_faces_gets_its_picture_too(tmp_path: Path) -> None:
    found, photo = scene()
    with Image.open(debug_image.save(found, photo, tmp_path, "none.png")) as picture:
        assert np.array_equal(np.asarray(picture), found.pixels)


def test_people_see_true_colours() -> None:
    found, photo = scene(profile=drawn.red_and_green_swapped())
    photo.release()
    red, green, _ = (int(part) for part in np.asarray(debug_image.draw(found, photo))[80, 100])
    assert red < 60 < 190 < green


def test_missing_directories_are_made_and_an_older_picture_is_replaced(tmp_path: Path) -> None:
    directory = tmp_path / "2024/07/debug"
    first = saved(directory, "a.jpg")
    first.write_bytes(b"old")
    assert saved(directory, "a.jpg").read_bytes() != b"old"
    assert [entry.name for entry in directory.iterdir()] == ["debug_a.jpg"]


@pytest.mark.parametrize(("mask", "rights"), [(0o022, 0o644), (0o007, 0o660), (0o077, 0o600)])
def test_rights_are_as_the_umask_says(tmp_path: Path, mask: int, rights: int) -> None:
    before = os.umask(mask)
    try:
        path = saved(tmp_path / "debug", "a.jpg")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == rights
    assert path.parent.stat().st_mode & 0o777 == 0o777 & ~mask


def test_no_link_is_followed_wherever_it_stands(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    inside = tmp_path / "root"
    inside.mkdir()
    (inside / "debug").symlink_to(outside)
    for directory in (inside / "debug", inside / "debug/deeper"):
        with pytest.raises(PictureNotWritten, match="was not written: "):
            saved(directory, "a.jpg")
    assert list(outside.iterdir()) == []


def test_a_link_in_the_pictures_place_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "debug").mkdir()
    (tmp_path / "debug/debug_a.jpg").symlink_to(victim)
    path = saved(tmp_path / "debug", "a.jpg")
    assert victim.read_bytes() == b"precious"
    assert not path.is_symlink()


def test_a_place_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "taken/debug_a.jpg").mkdir(parents=True)
    for directory in (tmp_path / "file", tmp_path / "file/below", tmp_path / "taken", Path("/proc/1/debug")):
        with pytest.raises(PictureNotWritten, match="was not written: "):
            saved(directory, "a.jpg")
    assert [entry.name for entry in (tmp_path / "taken").iterdir()] == ["debug_a.jpg"]


def test_a_name_that_no_disk_takes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoDiskForPicture):
        saved(tmp_path, "a\ud800.jpg")


def test_a_place_is_asked_before_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "2024/07/debug"):
        debug_image.require_place(directory)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused_before_as_it_would_be_after(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path)
    for directory in (tmp_path / "file", tmp_path / "file/below", tmp_path / "link", tmp_path / "link/below"):
        with pytest.raises(NoDiskForPicture) as before:
            debug_image.require_place(directory)
        with pytest.raises(NoDiskForPicture) as after:
            saved(directory, "a.jpg")
        assert str(before.value) == str(after.value)
        assert str(before.value).endswith(debug_image.NEEDED)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "link"]
