"""Who names the original wants the debug picture: it is written, or the answer says what to set or to mend."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.servers.running_api import RunningApi
from tests.servers.small_disk import SmallDisk, small_disk

StartApi = Callable[..., RunningApi]

NO_DISK = (422, "no_disk_for_picture", True)
NOT_WRITTEN = (503, "picture_not_written", True)


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of the app's."""
    with small_disk(tmp_path / "photos") as disk:
        yield disk


@pytest.fixture
def one_engine(start_api: StartApi, photos: SmallDisk) -> RunningApi:
    return start_api(FACE_API_PROCESSES="1", FACE_DISK_ROOTS=f"photos={photos.path}")


def ask(api: RunningApi, photo: bytes, path: str, **fields: str) -> Any:
    return api.encode(photo, data={"original_path": path, **fields})


def verdict(reply: Any) -> tuple[int, str, bool]:
    return reply.status_code, reply.json()["code"], reply.json()["retryable"]


def left_on(disk: SmallDisk) -> list[str]:
    """All that lies there."""
    return sorted(str(path.relative_to(disk.path)) for path in disk.path.rglob("*") if path.name != "filler")


def test_without_disks_a_photo_with_its_place_is_refused_and_one_without_is_done(
    start_api: StartApi, portrait: bytes
) -> None:
    api = start_api(FACE_API_PROCESSES="1")
    refused = ask(api, portrait, "/dfotos/2024/a.jpg")
    assert verdict(refused) == NO_DISK
    assert "FACE_DISK_ROOTS names no disk" in refused.json()["error"]
    assert "FACE_DEBUG_PICTURES" in refused.json()["error"]
    assert verdict(ask(api, b"no photo at all", "/dfotos/2024/a.jpg")) == NO_DISK
    assert api.figure("face_api_photos_total") == 0, "no engine has seen it"
    for reply in (api.encode(portrait), ask(api, portrait, "")):
        assert reply.status_code == 200
        assert len(reply.json()["encodings"]) == 1
        assert reply.json()["debug_image_path"] is None
        assert reply.json()["warnings"] == []


def test_a_file_where_the_folder_should_be_is_refused_and_stays(one_engine: RunningApi, photos: SmallDisk) -> None:
    (photos.path / "debug").write_text("a file")
    refused = ask(one_engine, b"no photo at all", f"{photos.path}/a.jpg")
    assert verdict(refused) == NO_DISK
    assert "was not written: Not a directory" in refused.json()["error"]
    assert left_on(photos) == ["debug"]


def test_a_full_or_read_only_disk_is_said_before_the_photo_costs_anything_and_passes(
    one_engine: RunningApi, photos: SmallDisk, portrait: bytes
) -> None:
    path = f"{photos.path}/2024/a.jpg"
    photos.fill()
    refused = ask(one_engine, portrait, path)
    assert verdict(refused) == NOT_WRITTEN
    assert "No space left on device" in refused.json()["error"]
    assert "Retry-After" in refused.headers
    photos.empty()
    photos.allow(writing=False)
    refused = ask(one_engine, portrait, path)
    assert verdict(refused) == NOT_WRITTEN
    assert "Read-only file system" in refused.json()["error"]
    photos.allow(writing=True)
    assert left_on(photos) == []
    assert one_engine.figure("face_api_photos_total") == 0
    assert ask(one_engine, portrait, path).status_code == 200
    assert left_on(photos) == ["2024", "2024/debug", "2024/debug/debug_a.jpg"]


def test_a_disk_that_is_full_before_the_picture_is_whole_keeps_nothing_of_it(
    one_engine: RunningApi, photos: SmallDisk, wait_for: Any
) -> None:
    noise = Image.effect_noise((1200, 1200), 90).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "PNG")
    (photos.path / "filler").write_bytes(bytes(800_000))
    refused = ask(one_engine, file.getvalue(), f"{photos.path}/a.png")
    assert verdict(refused) == NOT_WRITTEN
    assert left_on(photos) == ["debug"]
    wait_for(lambda: one_engine.figure("face_api_photos_total") == 1)


@pytest.mark.parametrize(
    ("setting", "warning"),
    [("best_effort", "is not below a root of FACE_DISK_ROOTS"), ("off", "FACE_DEBUG_PICTURES is off")],
)
def test_where_pictures_are_not_required_the_faces_are_there_and_a_warning(
    start_api: StartApi, tmp_path: Path, photos: SmallDisk, portrait: bytes, setting: str, warning: str
) -> None:
    roots = {"FACE_DISK_ROOTS": f"photos={photos.path}", "FACE_DEBUG_PICTURES": setting}
    api = start_api(FACE_API_PROCESSES="1", **roots)
    body = ask(api, portrait, f"{tmp_path}/a.jpg").json()
    assert len(body["encodings"]) == 1
    assert body["debug_image_path"] is None
    (said,) = body["warnings"]
    assert warning in said
    photos.fill()
    body = ask(api, portrait, f"{photos.path}/a.jpg").json()
    assert len(body["encodings"]) == 1
    assert body["debug_image_path"] is None
    assert len(body["warnings"]) == 1
    photos.empty()
    body = ask(api, portrait, f"{photos.path}/a.jpg").json()
    assert bool(body["debug_image_path"]) == (setting == "best_effort")
    assert f"FACE_DEBUG_PICTURES is {setting}: the app's images:faces:check deletes" in api.log()


def test_a_warning_under_best_effort_does_not_advise_it(
    start_api: StartApi, photos: SmallDisk, portrait: bytes
) -> None:
    (photos.path / "debug").write_text("a file")
    api = start_api(FACE_API_PROCESSES="1", FACE_DISK_ROOTS=f"photos={photos.path}", FACE_DEBUG_PICTURES="best_effort")
    body = ask(api, portrait, f"{photos.path}/a.jpg").json()
    assert body["warnings"] == [f"the debug picture in {photos.path}/debug was not written: Not a directory"]
