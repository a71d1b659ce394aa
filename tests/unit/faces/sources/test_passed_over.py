"""What a scan leaves out, and as what it is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.sources.folder import find_photos
from faces.sources.passed_over import Reason, Rules
from faces.system import marked_folder


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def names(folder: Path, rules: Rules | None = None) -> list[str]:
    found = find_photos(folder, rules=rules or Rules())
    return [str(file.path.relative_to(folder)) for file in found.photos]


def reasons(folder: Path, rules: Rules | None = None) -> dict[str, Reason]:
    found = find_photos(folder, rules=rules or Rules())
    return {str(one.path.relative_to(folder)): one.reason for one in found.passed_over}


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("#recycle", Reason.TRASH),
        ("@Recycle", Reason.TRASH),
        ("$RECYCLE.BIN", Reason.TRASH),
        ("$Recycle.Bin", Reason.TRASH),
        ("RECYCLER", Reason.TRASH),
        (".Trash", Reason.TRASH),
        (".Trash-1000", Reason.TRASH),
        (".Trashes", Reason.TRASH),
        (".recycle", Reason.TRASH),
        ("lost+found", Reason.TRASH),
        ("Photos Library.photoslibrary", Reason.LIBRARY),
        ("Old.PhotosLibrary", Reason.LIBRARY),
        ("@eaDir", Reason.THUMBNAILS),
        (".thumbnails", Reason.HIDDEN),
    ],
)
def test_a_folder_is_left_out_by_its_name(tmp_path: Path, folder: str, reason: Reason) -> None:
    make(tmp_path, f"{folder}/a.jpg", f"{folder}/below/b.jpg", "c.jpg")
    assert names(tmp_path) == ["c.jpg"]
    assert reasons(tmp_path) == {folder: reason}


@pytest.mark.parametrize("folder", ["recycle", "trash", "Trash of 2020", "photoslibrary", "eaDir", "lost and found"])
def test_a_folder_of_a_like_name_is_not(tmp_path: Path, folder: str) -> None:
    make(tmp_path, f"{folder}/a.jpg")
    assert names(tmp_path) == [f"{folder}/a.jpg"]


def test_a_folder_marked_nomedia_is_left_out_with_all_below(tmp_path: Path) -> None:
    make(tmp_path, "a/.nomedia", "a/a.jpg", "a/below/b.jpg", "c.jpg")
    assert names(tmp_path) == ["c.jpg"]
    assert reasons(tmp_path) == {"a": Reason.NOMEDIA}
    assert names(tmp_path / "a") == []


def test_a_folder_that_was_asked_for_is_looked_through_whatever_its_name(tmp_path: Path) -> None:
    make(tmp_path, "#recycle/a.jpg")
    assert names(tmp_path / "#recycle") == ["a.jpg"]


def test_a_folder_of_ours_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, "people/index.html", "people/pictures/0.jpg", "a.jpg")
    marked_folder.mark(tmp_path / "people")
    assert names(tmp_path) == ["a.jpg"]
    assert reasons(tmp_path) == {"people": Reason.OURS}


def test_pictures_of_a_page_are_known_without_a_marker_and_photos_beside_them_are_scanned(tmp_path: Path) -> None:
    ours, not_ours = f"pictures/{'0f' * 12}-640x480.jpg", f"other/{'0f' * 12}-640x480.jpg"
    make(tmp_path, ours, "pictures/mine.jpg", not_ours)
    (tmp_path / "index.html").write_text(f"<!doctype html><!-- {marked_folder.PAGE_MARK} -->")
    assert names(tmp_path) == [not_ours, "pictures/mine.jpg"]
    assert reasons(tmp_path) == {ours: Reason.OURS}
    (tmp_path / "index.html").write_text("<!doctype html>")
    assert ours in names(tmp_path)


def test_debug_pictures_are_left_out_in_their_own_folder(tmp_path: Path) -> None:
    make(tmp_path, "debug/debug_a.jpg", "debug/a.jpg", "debug_b.jpg", "below/debug/debug_c.heic.boxes.jpg")
    assert names(tmp_path) == ["debug_b.jpg", "debug/a.jpg"]
    assert set(reasons(tmp_path).values()) == {Reason.DEBUG}


def test_the_folder_of_debug_pictures_is_the_settings(tmp_path: Path) -> None:
    make(tmp_path, "debug/debug_a.jpg", "x/boxes/debug_b.jpg", "boxes/debug_c.jpg")
    assert names(tmp_path, Rules(debug_subdir="x/boxes")) == ["boxes/debug_c.jpg", "debug/debug_a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("private", ["a-edited.jpg", "a.jpg", "2019/b.jpg", "2020/private.jpg"]),
        ("private/", ["a-edited.jpg", "a.jpg", "2019/b.jpg", "2020/private.jpg"]),
        ("*-edited.*", ["a.jpg", "2019/b.jpg", "2020/private.jpg", "2020/private/c.jpg"]),
        ("2019/b.jpg", ["a-edited.jpg", "a.jpg", "2020/private.jpg", "2020/private/c.jpg"]),
        ("/2019", ["a-edited.jpg", "a.jpg", "2020/private.jpg", "2020/private/c.jpg"]),
        ("**/private", ["a-edited.jpg", "a.jpg", "2019/b.jpg", "2020/private.jpg"]),
        ("2020/*", ["a-edited.jpg", "a.jpg", "2019/b.jpg"]),
        ("b.jpg/x", ["a-edited.jpg", "a.jpg", "2019/b.jpg", "2020/private.jpg", "2020/private/c.jpg"]),
        ("PRIVATE", ["a-edited.jpg", "a.jpg", "2019/b.jpg", "2020/private.jpg", "2020/private/c.jpg"]),
        ("*", []),
    ],
)
def test_a_pattern_leaves_out_names_at_any_depth_or_a_path(tmp_path: Path, pattern: str, left: list[str]) -> None:
    make(tmp_path, "a.jpg", "a-edited.jpg", "2019/b.jpg", "2020/private/c.jpg", "2020/private.jpg")
    rules = Rules({str(tmp_path): [pattern]})
    assert names(tmp_path, rules) == left
    excluded = [one for one in find_photos(tmp_path, rules=rules).passed_over if one.reason is Reason.EXCLUDED]
    assert {one.detail for one in excluded} <= {pattern}


def test_a_pattern_leaves_out_its_name_however_that_is_composed(tmp_path: Path) -> None:
    composed, decomposed = "Zo\u00eb", "Zoe\u0308"
    make(tmp_path, f"{composed}/a.jpg", f"below/{decomposed}/b.jpg", "c.jpg")
    for pattern in (composed, decomposed):
        assert names(tmp_path, Rules({str(tmp_path): [pattern]})) == ["c.jpg"]
    assert names(tmp_path, Rules({str(tmp_path): [f"below/{composed}"]})) == ["c.jpg", f"{composed}/a.jpg"]


def test_a_pattern_holds_from_its_folder_on_wherever_the_scan_begins(tmp_path: Path) -> None:
    make(tmp_path, "a/x/1.jpg", "a/b/x/2.jpg", "x/3.jpg")
    rules = Rules({str(tmp_path / "a"): ["x"]})
    assert names(tmp_path, rules) == ["x/3.jpg"]
    assert names(tmp_path / "a/b", rules) == []


def test_raw_photos_and_videos_are_counted_by_their_kind(tmp_path: Path) -> None:
    make(tmp_path, "a.CR2", "b.nef", "c.dng", "d.MP4", "e.mov", "f.txt", "._g.cr2", ".h.jpg")
    found = find_photos(tmp_path)
    assert found.photos == []
    counted = {one.path.name: (one.reason, one.detail) for one in found.passed_over}
    assert counted == {
        "a.CR2": (Reason.RAW, "cr2"),
        "b.nef": (Reason.RAW, "nef"),
        "c.dng": (Reason.RAW, "dng"),
        "d.MP4": (Reason.VIDEO, "mp4"),
        "e.mov": (Reason.VIDEO, "mov"),
        "._g.cr2": (Reason.HIDDEN, ""),
        ".h.jpg": (Reason.HIDDEN, ""),
    }
