"""Disk + path + filename -> a real path that never leaves the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.errors import FileMissing, OutsideDisks
from faces.laravel.disks import DebugDirectory, Disks, ImageFile, place_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of the disk `dfotos`, with one photo; beside it, a place that is on no disk."""
    (tmp_path / "dfotos/2024/07").mkdir(parents=True)
    (tmp_path / "dfotos/2024/07/a.jpg").write_bytes(b"photo")
    (tmp_path / "dfotos/top.jpg").write_bytes(b"photo")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret.jpg").write_bytes(b"secret")
    return tmp_path / "dfotos"


@pytest.fixture
def disks(root: Path) -> Disks:
    """The disk `dfotos`, and one whose root is not mounted."""
    return Disks.of({"dfotos": root, "away": root.parent / "not-mounted"})


@pytest.mark.parametrize("path", ["2024/07", "/2024/07", "2024/07/", "2024//07", "./2024/07"])
def test_a_file_lies_under_its_disks_root(disks: Disks, root: Path, path: str) -> None:
    assert disks.file("dfotos", path, "a.jpg").real == root / "2024/07/a.jpg"


@pytest.mark.parametrize("path", [None, "", "/"])
def test_without_a_path_it_lies_in_the_root(disks: Disks, root: Path, path: str | None) -> None:
    assert disks.file("dfotos", path, "top.jpg").real == root / "top.jpg"


@pytest.mark.parametrize("disk", ["s3", "", None, "DFOTOS"])
def test_an_unknown_disk_is_refused_with_the_known_ones(disks: Disks, disk: str | None) -> None:
    with pytest.raises(OutsideDisks, match=r"need one of FACE_DISK_ROOTS \(there: away, dfotos\)"):
        disks.file(disk, "2024/07", "a.jpg")


@pytest.mark.parametrize(
    ("path", "filename"),
    [("..", "a.jpg"), ("2024/../..", "x"), ("2024", "../../elsewhere/secret.jpg"), ("a\0b", "c"), ("", "\0")],
)
def test_nul_and_dots_are_refused(disks: Disks, path: str, filename: str) -> None:
    with pytest.raises(OutsideDisks, match=r"NUL|'\.\.'"):
        disks.file("dfotos", path, filename)


def test_two_dots_within_a_name_are_fine(disks: Disks, root: Path) -> None:
    (root / "a..b").mkdir()
    (root / "a..b/..c.jpg").write_bytes(b"photo")
    assert disks.file("dfotos", "a..b", "..c.jpg").real == root / "a..b/..c.jpg"


def test_a_link_may_lead_elsewhere_on_the_disk_and_not_off_it(disks: Disks, root: Path) -> None:
    (root / "inside").symlink_to(root / "2024")
    (root / "outside").symlink_to(root.parent / "elsewhere")
    (root / "secret.jpg").symlink_to(root.parent / "elsewhere/secret.jpg")
    assert disks.file("dfotos", "inside/07", "a.jpg").real == root / "2024/07/a.jpg"
    for path, filename in (("outside", "secret.jpg"), ("", "secret.jpg")):
        with pytest.raises(OutsideDisks, match="which is not on the disk 'dfotos'"):
            disks.file("dfotos", path, filename)


def test_a_file_is_named_as_its_row_has_it_links_and_all(disks: Disks, root: Path) -> None:
    (root / "now").symlink_to(root / "2024/07")
    found = disks.file("dfotos", "//now/.", "a.jpg")
    assert found == ImageFile(root / "2024/07/a.jpg", root / "now/a.jpg", on_disk=True)


def test_only_a_scanned_image_lies_on_no_disk(disks: Disks, root: Path) -> None:
    file = root.parent / "elsewhere/secret.jpg"
    assert disks.file(None, str(file.parent), file.name, scanned=True) == ImageFile(file, file, on_disk=False)
    with pytest.raises(FileMissing, match=f"there is no file {file}x"):
        disks.file(None, str(file.parent), f"{file.name}x", scanned=True)
    with pytest.raises(OutsideDisks, match="found the disk None"):
        disks.file(None, str(file.parent), file.name)


def test_a_scanned_photo_that_cannot_be_looked_at_is_missing_with_the_reason(disks: Disks) -> None:
    with pytest.raises(FileMissing, match=r"there is no file /x+: File name too long"):
        disks.file(None, "/", "x" * 300, scanned=True)


def test_a_person_reads_the_disk_in_front_of_a_path() -> None:
    assert place_of("dfotos", "/2024/07", "a.jpg") == "dfotos:2024/07/a.jpg"
    assert place_of("dfotos", None, "a.jpg") == "dfotos:a.jpg"
    assert place_of(None, "/photos", "a.jpg") == "/photos/a.jpg"


def test_a_root_may_be_a_link_itself(root: Path) -> None:
    (root.parent / "mounted").symlink_to(root)
    assert Disks.of({"d": root.parent / "mounted"}).file("d", None, "top.jpg").real == root / "top.jpg"


def test_what_is_no_file_is_missing(disks: Disks, root: Path) -> None:
    (root / "loop").symlink_to(root / "loop")
    for disk, path, filename in (
        ("dfotos", "2024/07", "b.jpg"),
        ("dfotos", "2024", "07"),
        ("dfotos", "loop", "a.jpg"),
        ("dfotos", "2024/07", "n" * 300),
        ("away", "", "a.jpg"),
        ("dfotos", "2024/07", ""),
    ):
        with pytest.raises(FileMissing, match="file"):
            disks.file(disk, path, filename)


def test_a_debug_picture_belongs_beside_its_original(disks: Disks, root: Path) -> None:
    for disk in ("dfotos", None, "s3", str(root)):
        found = disks.debug_directory(str(root / "2024/07/a.jpg"), disk, "debug")
        assert found == DebugDirectory(root / "2024/07/debug", None)


def test_a_relative_original_lies_on_the_disk_named_or_below_the_root_given(disks: Disks, root: Path) -> None:
    for disk in ("dfotos", str(root), f"{root}/"):
        assert disks.debug_directory("2024/07/a.jpg", disk).path == root / "2024/07/debug"
    assert disks.debug_directory("a.jpg", "dfotos", "faces/debug").path == root / "faces/debug"


@pytest.mark.parametrize("disk", [None, "", "s3", "dfotos/2024"])
def test_a_relative_original_on_no_disk_gets_no_picture(disks: Disks, disk: str | None) -> None:
    found = disks.debug_directory("2024/07/a.jpg", disk)
    assert found.path is None
    assert "is relative" in str(found.reason)


def test_without_disks_there_is_no_picture_and_nothing_to_say() -> None:
    assert Disks.of({}).debug_directory("/dfotos/a.jpg") == DebugDirectory(None, None)


@pytest.mark.parametrize(
    ("path", "disk", "subdir"),
    [
        ("/dfotos/../etc/a.jpg", None, "debug"),
        ("/dfotos/a.jpg", "..", "debug"),
        ("/dfotos/a.jpg", None, "../.."),
        ("/dfotos/a.jpg", None, "debug/.."),
        ("/dfotos/a\0.jpg", None, "debug"),
        ("/dfotos/a.jpg", "d\0", "debug"),
        ("/dfotos/a.jpg", None, "\0"),
        ("/dfotos/..", None, "debug"),
    ],
)
def test_nul_and_dots_are_refused_with_and_without_disks(
    disks: Disks, path: str, disk: str | None, subdir: str
) -> None:
    for some in (disks, Disks.of({})):
        with pytest.raises(OutsideDisks):
            some.debug_directory(path, disk, subdir)


def test_any_other_place_gets_no_picture_and_a_reason(disks: Disks, root: Path) -> None:
    (root / "out").symlink_to(root.parent / "elsewhere")
    (root / "2024/debug").symlink_to(root.parent / "elsewhere")
    (root / "loop").symlink_to(root / "loop")
    for path, subdir in (
        ("/etc/a.jpg", "debug"),
        (str(root.parent / "elsewhere/a.jpg"), "debug"),
        (f"{root}-2/a.jpg", "debug"),
        (str(root / "out/a.jpg"), "debug"),
        (str(root / "out/not/there/a.jpg"), "debug"),
        (str(root / "2024/a.jpg"), "debug"),
        (str(root / "a.jpg"), "/etc"),
        (str(root / "a.jpg"), ""),
        (str(root / "a.jpg"), "."),
        (str(root.parent / "not-mounted/a.jpg"), "debug"),
    ):
        found = disks.debug_directory(path, "dfotos", subdir)
        assert found.path is None, (path, subdir)
        assert str(found.reason).startswith("no debug picture: ")
    assert sorted(entry.name for entry in (root.parent / "elsewhere").iterdir()) == ["secret.jpg"]


def test_a_link_that_stays_on_a_disk_is_followed(disks: Disks, root: Path) -> None:
    (root / "now").symlink_to(root / "2024/07")
    assert disks.debug_directory(str(root / "now/a.jpg")).path == root / "2024/07/debug"
