"""Scans of folders that change: what keeps its row, what is gone, what nothing is concluded from, what is encoded."""

from __future__ import annotations

import os
from pathlib import Path

import httpx2
import pytest

from faces.laravel.disks import Disks
from faces.people.linking import Linking
from faces.sources import missing_files, seen_files
from faces.sources.folder import PhotoFile
from faces.sources.seen_files import Arrival
from faces.store.database import Store
from faces.store.who import identities_of
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows
from tests.servers.scanning import Scan, names, places
from tests.servers.version_1 import take_back
from worker.commands.enrol import enrol_photo
from worker.commands.scanner import Outcome
from worker.jobs.faces import Tools

ADA = PEOPLE[0]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with one photo of Ada's, who has her name, and another one."""
    folder = tmp_path / "photos"
    (folder / "2020").mkdir(parents=True)
    (folder / "ada.jpg").write_bytes(b"ada's photo")
    (folder / "2020/b.jpg").write_bytes(b"another one")
    return folder


@pytest.fixture
def known(scan: Scan, photos: Path) -> Path:
    """The folder after a first scan, with Ada named."""
    scan(photos)
    enrol_photo(scan.tools, "Ada", photos / "ada.jpg", None)
    return photos


def id_of(store: Store, path: Path) -> int:
    (found,) = [image_id for image_id, place in places(store).items() if place == str(path)]
    return found


# --- moved ---


def test_a_renamed_photo_keeps_its_row_its_face_and_its_name(scan: Scan, known: Path, store: Store) -> None:
    image = id_of(store, known / "ada.jpg")
    (known / "ada.jpg").rename(known / "Ada Lovelace.jpg")
    assert scan(known) == {"Ada Lovelace.jpg": Outcome.MOVED}
    assert scan.encoded == 0
    assert id_of(store, known / "Ada Lovelace.jpg") == image
    assert names(store)[str(known / "Ada Lovelace.jpg")] == "Ada"
    assert len(places(store)) == 2


def test_a_moved_folder_is_followed_and_nothing_in_it_is_encoded(scan: Scan, known: Path, store: Store) -> None:
    before = set(places(store))
    known.rename(known.with_name("pictures"))
    assert set(scan(known.with_name("pictures")).values()) == {Outcome.MOVED}
    assert scan.encoded == 0
    assert set(places(store)) == before
    assert scan(known.with_name("pictures")) == {}


def test_a_photo_moved_to_another_scanned_folder_keeps_its_row(
    scan: Scan, known: Path, store: Store, tmp_path: Path
) -> None:
    image = id_of(store, known / "ada.jpg")
    (tmp_path / "other").mkdir()
    (known / "ada.jpg").rename(tmp_path / "other/ada.jpg")
    assert scan(tmp_path / "other") == {"ada.jpg": Outcome.MOVED}
    assert id_of(store, tmp_path / "other/ada.jpg") == image


def test_the_last_photo_that_is_moved_out_of_a_folder_is_followed(scan: Scan, known: Path, store: Store) -> None:
    """The folder is empty then, but it is the one that the photo was seen in."""
    image = id_of(store, known / "2020/b.jpg")
    (known / "2020/b.jpg").rename(known / "b.jpg")
    assert scan(known) == {"b.jpg": Outcome.MOVED}
    assert id_of(store, known / "b.jpg") == image


def test_two_photos_that_swapped_their_names_keep_their_rows(scan: Scan, known: Path, store: Store) -> None:
    ada, other = id_of(store, known / "ada.jpg"), id_of(store, known / "2020/b.jpg")
    (known / "ada.jpg").rename(known / "aside")
    (known / "2020/b.jpg").rename(known / "ada.jpg")
    (known / "aside").rename(known / "2020/b.jpg")
    assert set(scan(known).values()) == {Outcome.MOVED}
    assert scan.encoded == 0
    assert scan.gone == []
    assert places(store) == {ada: str(known / "2020/b.jpg"), other: str(known / "ada.jpg")}


def test_a_new_photo_at_the_old_place_of_a_moved_one_gets_a_row_of_its_own(
    scan: Scan, known: Path, store: Store
) -> None:
    """Also where it comes first in the order of names, and has the size of a known photo."""
    ada = id_of(store, known / "ada.jpg")
    (known / "ada.jpg").rename(known / "z.jpg")
    (known / "ada.jpg").write_bytes(b"quite a new")
    assert (known / "ada.jpg").stat().st_size == (known / "z.jpg").stat().st_size
    assert scan(known) == {"z.jpg": Outcome.MOVED, "ada.jpg": Outcome.DONE}
    assert id_of(store, known / "z.jpg") == ada
    assert id_of(store, known / "ada.jpg") != ada


def test_a_photo_moved_over_another_keeps_its_row_and_the_other_is_gone(scan: Scan, known: Path, store: Store) -> None:
    ada, other = id_of(store, known / "ada.jpg"), id_of(store, known / "2020/b.jpg")
    (known / "2020/b.jpg").replace(known / "ada.jpg")
    scan(known)
    assert scan.gone == ["ada.jpg"]
    assert places(store) == {other: str(known / "ada.jpg")}
    (known / "restored.jpg").write_bytes(b"ada's photo")
    assert scan(known) == {"restored.jpg": Outcome.MOVED}
    assert id_of(store, known / "restored.jpg") == ada
    assert names(store)[str(known / "restored.jpg")] == "Ada"


def test_a_photo_that_was_moved_and_changed_at_once_is_a_new_one(scan: Scan, known: Path, store: Store) -> None:
    (known / "ada.jpg").unlink()
    (known / "z.jpg").write_bytes(b"ada's photo, cut")
    assert scan(known) == {"z.jpg": Outcome.DONE}
    assert scan.gone == ["ada.jpg"]


def test_a_photo_changed_in_its_place_keeps_its_row(scan: Scan, known: Path, store: Store) -> None:
    before = places(store)
    (known / "ada.jpg").write_bytes(b"ada's photo, cut")
    assert scan(known) == {"ada.jpg": Outcome.DONE}
    assert places(store) == before
    assert names(store)[str(known / "ada.jpg")] == "Ada"


def test_a_photo_that_a_copy_of_another_was_written_over_is_looked_at(scan: Scan, known: Path) -> None:
    """Its row has faces, named ones too: what becomes of them is decided as after any change."""
    (known / "ada.jpg").write_bytes((known / "2020/b.jpg").read_bytes())
    assert scan(known) == {"ada.jpg": Outcome.DONE}
    assert scan.encoded == 1


def test_a_photo_whose_time_alone_changed_is_not_encoded(scan: Scan, known: Path) -> None:
    os.utime(known / "ada.jpg", (1, 1))
    assert scan(known) == {"ada.jpg": Outcome.KNOWN}
    assert scan.encoded == 0


def test_a_refused_photo_stays_refused_where_it_goes(scan: Scan, photos: Path) -> None:
    scan.api.answer = httpx2.Response(422, json={"error": "torn", "code": "damaged_photo", "retryable": False})
    assert set(scan(photos).values()) == {Outcome.REFUSED}
    (photos / "ada.jpg").rename(photos / "z.jpg")
    (photos / "2020/copy.jpg").write_bytes((photos / "2020/b.jpg").read_bytes())
    assert scan(photos) == {"z.jpg": Outcome.MOVED, "copy.jpg": Outcome.COPIED}
    assert scan.encoded == 0


def test_photos_of_a_file_of_the_first_version_are_followed(tmp_path: Path, scan: Scan, known: Path) -> None:
    """It knows the content of each, but nothing of folders."""
    scan.tools.store.close()
    take_back(tmp_path / "faces.db")
    (known / "2020/b.jpg").rename(known / "b.jpg")
    (known / "ada.jpg").rename(known / "z.jpg")
    store = Store.open(f"sqlite:///{tmp_path}/faces.db")
    scan.tools = Tools(store, scan.tools.client, Disks.of({}), Linking(0.6), identities_of(store.schema))
    assert scan(known) == {"b.jpg": Outcome.MOVED, "z.jpg": Outcome.MOVED}
    assert names(store)[str(known / "z.jpg")] == "Ada"
    store.close()


# --- copies ---


def test_a_copy_has_a_row_of_its_own_with_the_same_faces(scan: Scan, known: Path, store: Store, rows: Rows) -> None:
    (known / "copy.jpg").write_bytes((known / "ada.jpg").read_bytes())
    assert scan(known) == {"copy.jpg": Outcome.COPIED}
    assert scan.encoded == 0
    ada, copy = id_of(store, known / "ada.jpg"), id_of(store, known / "copy.jpg")
    assert copy != ada
    ((of_ada,), (of_copy,)) = rows.faces(ada), rows.faces(copy)
    for column in ("face_index", "encoding", "box", "quality_score", "quality_details"):
        assert of_copy[column] == of_ada[column]
    assert of_copy["parent_id"] == of_ada["id"]
    assert of_copy["status"] == "process"
    assert names(store)[str(known / "copy.jpg")] == "Ada"
    (first, second) = rows.read(
        "SELECT width, height, faces_checked FROM images WHERE filename IN ('ada.jpg', 'copy.jpg')"
    )
    assert first == second


def test_copies_that_are_scanned_together_are_encoded_once(scan: Scan, photos: Path, rows: Rows) -> None:
    for number in range(5):
        (photos / f"copy{number}.jpg").write_bytes(b"ada's photo")
    outcomes = scan(photos)
    assert list(outcomes.values()).count(Outcome.COPIED) == 5
    assert scan.encoded == 2
    assert rows.one("SELECT count(*) AS number FROM faces")["number"] == 7


def test_copies_of_a_photo_that_fails_are_asked_for_themselves(scan: Scan, photos: Path) -> None:
    scan.api.answer = httpx2.Response(500, json={"error": "no", "code": "engine_error", "retryable": True})
    for number in range(3):
        (photos / f"copy{number}.jpg").write_bytes(b"ada's photo")
    assert set(scan(photos).values()) == {Outcome.FAILED}
    scan.api.answer = None
    assert set(scan(photos).values()) == {Outcome.DONE, Outcome.COPIED}


def test_a_copy_stays_when_the_first_one_is_deleted_and_has_its_name(scan: Scan, known: Path, store: Store) -> None:
    (known / "copy.jpg").write_bytes((known / "ada.jpg").read_bytes())
    scan(known)
    copy = id_of(store, known / "copy.jpg")
    (known / "ada.jpg").unlink()
    scan(known)
    assert scan.gone == ["ada.jpg"]
    assert id_of(store, known / "copy.jpg") == copy
    assert names(store)[str(known / "copy.jpg")] == "Ada"


def test_what_a_person_said_without_a_name_holds_for_a_copy(scan: Scan, known: Path, store: Store, rows: Rows) -> None:
    rows.run("UPDATE faces SET status = 'not_face' WHERE name = 'Ada'")
    (known / "copy.jpg").write_bytes((known / "ada.jpg").read_bytes())
    scan(known)
    (copied,) = rows.faces(id_of(store, known / "copy.jpg"))
    assert copied["status"] == "not_face"


# --- gone ---


def test_a_deleted_photo_is_told_once_and_not_listed(scan: Scan, known: Path, store: Store) -> None:
    (known / "ada.jpg").unlink()
    scan(known)
    assert scan.gone == ["ada.jpg"]
    assert list(places(store).values()) == [str(known / "2020/b.jpg")]
    assert "Ada" not in names(store).values()
    scan(known)
    assert scan.gone == []


def test_a_photo_that_is_back_is_listed_with_its_name(scan: Scan, known: Path, store: Store) -> None:
    before = places(store)
    (known / "ada.jpg").rename(known.parent / "trash")
    scan(known)
    (known.parent / "trash").rename(known / "ada.jpg")
    assert scan(known) == {"ada.jpg": Outcome.RETURNED}
    assert scan.encoded == 0
    assert places(store) == before
    assert names(store)[str(known / "ada.jpg")] == "Ada"


def test_another_photo_of_the_name_of_a_gone_one_is_another_photo(scan: Scan, known: Path, store: Store) -> None:
    ada = id_of(store, known / "ada.jpg")
    (known / "ada.jpg").unlink()
    scan(known)
    (known / "ada.jpg").write_bytes(b"the camera counts from 1 again")
    assert scan(known) == {"ada.jpg": Outcome.DONE}
    assert id_of(store, known / "ada.jpg") != ada
    (known / "z.jpg").write_bytes(b"ada's photo")
    assert scan(known) == {"z.jpg": Outcome.MOVED}
    assert id_of(store, known / "z.jpg") == ada


def test_a_folder_that_was_deleted_beside_others_is_gone_with_its_photos(scan: Scan, known: Path) -> None:
    (known / "2020/b.jpg").unlink()
    (known / "2020").rmdir()
    scan(known)
    assert scan.gone == ["b.jpg"]


def test_a_gone_persons_face_still_recognises_new_photos(scan: Scan, known: Path, store: Store) -> None:
    (known / "ada.jpg").unlink()
    (known / "new.jpg").write_bytes(b"a new photo of hers")
    scan(known)
    assert names(store)[str(known / "new.jpg")] == "Ada"


# --- nothing is certain ---


def empty(folder: Path) -> Path:
    """As an unmounted disk leaves its folder; returns where the photos are meanwhile."""
    elsewhere = folder.with_name(f"{folder.name} unmounted")
    folder.rename(elsewhere)
    folder.mkdir()
    return elsewhere


def test_a_folder_that_is_suddenly_empty_changes_nothing(scan: Scan, known: Path, store: Store) -> None:
    before = names(store)
    for path in (known / "ada.jpg", known / "2020/b.jpg"):
        path.unlink()
    (known / "2020").rmdir()
    scan(known)
    assert scan.gone == []
    assert scan.not_seen == ["ada.jpg", "b.jpg"]
    assert names(store) == before


@pytest.mark.parametrize("left", [".DS_Store", "lost+found", "#recycle", "@eaDir"])
def test_a_folder_where_only_what_systems_make_is_left_is_empty(scan: Scan, known: Path, left: str) -> None:
    empty(known)
    (known / left).mkdir()
    scan(known)
    assert scan.gone == []
    assert len(scan.not_seen) == 2


def test_an_empty_folder_below_changes_nothing_for_its_photos(scan: Scan, known: Path) -> None:
    empty(known / "2020").rename(known.parent / "elsewhere")
    scan(known)
    assert scan.gone == []
    assert scan.not_seen == ["b.jpg"]


def test_a_copy_of_what_was_on_an_unmounted_disk_does_not_take_its_row(
    scan: Scan, known: Path, store: Store, tmp_path: Path
) -> None:
    before = places(store)
    disk = empty(known)
    scan(known)
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup/ada.jpg").write_bytes(b"ada's photo")
    assert scan(tmp_path / "backup") == {"ada.jpg": Outcome.COPIED}
    known.rmdir()
    disk.rename(known)
    assert scan(known) == {}
    assert {image: place for image, place in places(store).items() if image in before} == before


def test_a_folder_that_cannot_be_read_changes_nothing_for_its_photos(scan: Scan, known: Path, store: Store) -> None:
    """A link to itself cannot be entered by root either."""
    (known / "2020").rename(known.parent / "elsewhere")
    (known / "2020").symlink_to("2020")
    before = places(store)
    scan(known)
    assert scan.gone == []
    assert scan.not_seen == ["b.jpg"]
    assert places(store) == before


def test_a_photo_that_cannot_be_read_is_not_gone(scan: Scan, known: Path) -> None:
    (known / "ada.jpg").rename(known.parent / "aside")
    (known / "ada.jpg").symlink_to("nowhere")
    assert scan(known) == {}
    assert scan.gone == []


def test_files_asked_for_by_name_say_nothing_of_their_neighbours(scan: Scan, known: Path) -> None:
    (known / "ada.jpg").unlink()
    (known / "new.jpg").write_bytes(b"a new photo")
    assert scan(known / "new.jpg") == {"new.jpg": Outcome.DONE}
    assert scan.gone == []


def test_a_folder_named_by_a_link_or_from_where_one_is_has_the_same_rows(
    scan: Scan, known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (known.parent / "link").symlink_to(known)
    monkeypatch.chdir(known)
    assert scan(Path()) == {}
    assert scan(known.parent / "link") == {}
    assert scan(Path("2020/..")) == {}
    assert scan.gone == []


# --- forgetting ---


def forget(scan: Scan) -> missing_files.Forgotten:
    return missing_files.forget(scan.tools.store, scan.found.tops)


def test_what_is_gone_is_dropped_with_its_faces(scan: Scan, known: Path, rows: Rows) -> None:
    (known / "2020/b.jpg").unlink()
    (known / "2020").rmdir()
    scan(known)
    assert forget(scan) == missing_files.Forgotten(images=1, faces=1, kept=0)
    assert [row["filename"] for row in rows.read("SELECT filename FROM images")] == ["ada.jpg"]
    assert rows.one("SELECT count(*) AS number FROM faces")["number"] == 1
    assert rows.one("SELECT count(*) AS number FROM scan_marks")["number"] == 1


def test_a_gone_photo_that_others_have_their_name_from_is_kept(scan: Scan, known: Path, store: Store) -> None:
    (known / "new.jpg").write_bytes(b"a new photo of hers")
    scan(known)
    (known / "ada.jpg").unlink()
    scan(known)
    assert forget(scan) == missing_files.Forgotten(images=0, faces=0, kept=1)
    assert names(store)[str(known / "new.jpg")] == "Ada"


def test_a_copy_takes_over_the_name_of_a_gone_photo(scan: Scan, known: Path, store: Store, rows: Rows) -> None:
    (known / "copy.jpg").write_bytes(b"ada's photo")
    (known / "new.jpg").write_bytes(b"a new photo of hers")
    scan(known)
    (known / "ada.jpg").unlink()
    scan(known)
    assert forget(scan) == missing_files.Forgotten(images=1, faces=1, kept=0)
    (copied,) = rows.faces(id_of(store, known / "copy.jpg"))
    (linked,) = rows.faces(id_of(store, known / "new.jpg"))
    assert (copied["name"], copied["status"], copied["parent_id"]) == ("Ada", "ok", None)
    assert linked["parent_id"] == copied["id"]
    assert names(store)[str(known / "new.jpg")] == "Ada"


def test_gone_photos_that_only_have_each_other_are_dropped(scan: Scan, known: Path, rows: Rows) -> None:
    (known / "new.jpg").write_bytes(b"a new photo of hers")
    scan(known)
    (known / "ada.jpg").unlink()
    (known / "new.jpg").unlink()
    scan(known)
    assert forget(scan) == missing_files.Forgotten(images=2, faces=2, kept=0)


def test_what_is_gone_from_other_folders_is_not_dropped(scan: Scan, known: Path, tmp_path: Path) -> None:
    (known / "ada.jpg").unlink()
    scan(known)
    (tmp_path / "other").mkdir()
    scan(tmp_path / "other")
    assert forget(scan).images == 0


def test_an_image_that_this_scan_has_seen_is_not_looked_for_again(scan: Scan, known: Path, store: Store) -> None:
    """Of a thousand copies each would look for all before it."""
    image = id_of(store, known / "ada.jpg")
    copy = known / "copy.jpg"
    (known / "ada.jpg").rename(copy)
    status = copy.stat()
    file = PhotoFile(str(known), "copy.jpg", status.st_size, status.st_mtime_ns)
    taken = seen_files.take(store, file, there={image})
    assert taken.arrival is Arrival.COPIED
    assert taken.image_id != image
