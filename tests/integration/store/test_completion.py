"""What follows a job's commit in the app's later versions: the job for an image's hashes, or an original's end."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from faces.errors import SchemaError, SettingsError
from faces.laravel.disks import Disks
from faces.store.database import Store
from tests.servers.app_schema import V1, V5
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from worker.laravel.completion import NewJobRequest, after, require_choice

on_both = pytest.mark.parametrize("url", ["sqlite v5", "mariadb v5"], indirect=True)

#: All other jobs are through with the image, but for its hashes.
SEEN = {"faces_checked": 1, "metadata": "{}", "thumbnail_filename": "t.webp"}


@pytest.fixture
def disks(disk: Path) -> Disks:
    return Disks.of({"photos": disk})


@on_both
def test_an_image_that_only_lacks_its_hashes_asks_for_the_job_that_makes_them(
    rows: Rows, store: Store, disks: Disks
) -> None:
    image = rows.image(**SEEN)
    asked = NewJobRequest("App\\Jobs\\ImageProcessJob", {"image_id": image}, "images")
    assert after(store, disks, image, "A") == asked
    assert after(store, disks, image, "A") == asked, "a delivery that comes again asks again"


@pytest.mark.parametrize(
    "values",
    [
        {"metadata": None},
        {"metadata": "null"},
        {"faces_checked": 0},
        {"thumbnail_filename": None},
        {"hash": b"h" * 16},
        {"phash": b"p" * 8},
    ],
    ids=str,
)
@on_both
def test_an_image_that_lacks_more_or_has_a_hash_asks_for_nothing(
    rows: Rows, store: Store, disks: Disks, values: dict[str, Any]
) -> None:
    image = rows.image(**SEEN | values)
    assert after(store, disks, image, "A") is None


@on_both
def test_an_image_that_is_gone_asks_for_nothing(store: Store, disks: Disks) -> None:
    assert after(store, disks, 77, "A") is None
    assert after(store, disks, 77, "B") is None


@pytest.mark.parametrize("event", ["none", None])
@on_both
def test_where_nobody_listens_nothing_happens(rows: Rows, store: Store, disks: Disks, disk: Path, event: Any) -> None:
    image = webp(rows, disk)
    assert after(store, disks, image, event) is None
    assert (disk / "2020/a.jpg").exists()


def webp(rows: Rows, folder: Path, **values: Any) -> int:
    """An image that was converted: its WebP beside the JPEG that it was made of."""
    (folder / "2020/a.webp").write_bytes(b"webp")
    return rows.image(**SEEN | {"filename": "a.webp"} | values)


@on_both
def test_the_jpeg_beside_a_webp_goes(rows: Rows, store: Store, disks: Disks, disk: Path) -> None:
    image = webp(rows, disk, hash=b"h" * 16)
    assert after(store, disks, image, "B") is None
    assert sorted(file.name for file in (disk / "2020").iterdir()) == ["a.webp"]
    assert after(store, disks, image, "B") is None, "a second delivery finds nothing to do"


@pytest.mark.parametrize(
    "values",
    [{"metadata": None}, {"faces_checked": 0}, {"thumbnail_filename": None}, {"filename": "a.jpg"}],
    ids=str,
)
@on_both
def test_an_original_that_is_still_needed_stays(
    rows: Rows, store: Store, disks: Disks, disk: Path, values: dict[str, Any]
) -> None:
    assert after(store, disks, webp(rows, disk, **values), "B") is None
    assert (disk / "2020/a.jpg").exists()


@on_both
def test_the_only_copy_stays(rows: Rows, store: Store, disks: Disks, disk: Path) -> None:
    image = webp(rows, disk)
    (disk / "2020/a.webp").unlink()
    assert after(store, disks, image, "B") is None
    assert (disk / "2020/a.jpg").exists()


@on_both
def test_what_a_link_leads_to_stays_and_so_does_the_link(rows: Rows, store: Store, disks: Disks, disk: Path) -> None:
    image = webp(rows, disk)
    (disk / "2020/a.jpg").rename(disk / "a.jpg")
    (disk / "2020/a.jpg").symlink_to(disk / "a.jpg")
    assert after(store, disks, image, "B") is None
    assert (disk / "a.jpg").exists()
    assert (disk / "2020/a.jpg").is_symlink()


@pytest.mark.parametrize("values", [{"disk": "elsewhere"}, {"path": "../secrets"}], ids=str)
@on_both
def test_nothing_outside_the_disk_goes(
    rows: Rows,
    store: Store,
    disks: Disks,
    disk: Path,
    values: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    outside = disk.parent / "secrets"
    outside.mkdir()
    for name in ("a.jpg", "a.webp"):
        (outside / name).write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        assert after(store, disks, webp(rows, disk, **values), "B") is None
    assert sorted(file.name for file in outside.iterdir()) == ["a.jpg", "a.webp"]
    assert "the original beside its WebP stays" in caplog.text


def test_which_event_there_is_has_to_be_said_where_persons_are(mariadb: MariaDB) -> None:
    store = Store.open(mariadb.new_database(*V5))
    store.close()
    with pytest.raises(SettingsError, match=r"FACE_COMPLETION_EVENT is not set, needed is A .* B .* or none"):
        require_choice(store.schema, None)
    for event in ("A", "B", "none"):
        require_choice(store.schema, event)  # type: ignore[arg-type]


def test_earlier_versions_need_no_word(mariadb: MariaDB) -> None:
    store = Store.open(mariadb.new_database(*V1, "ALTER TABLE images DROP COLUMN phash"))
    store.close()
    require_choice(store.schema, None)
    require_choice(store.schema, "none")
    with pytest.raises(SchemaError, match=r"the database lacks images\.phash"):
        require_choice(store.schema, "A")
