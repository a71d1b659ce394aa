"""`process_image` when something is missing, changes meanwhile, or goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from faces.errors import EngineError, FaceApiUnavailable, FileMissing, ImageMissing, OutsideDisks, UnsupportedFormat
from faces.laravel.last_error import without_request
from tests.servers.fake_api import FakeApi
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows
from worker.jobs.faces import Tools, process_image

A, B, C = PEOPLE[:3]
MakeTools = Callable[..., Tools]


def test_a_missing_image_is_told(tools: Tools) -> None:
    with pytest.raises(ImageMissing, match="found no image 77"):
        process_image(tools, 77)


def test_an_image_that_goes_while_its_photo_is_read_leaves_nothing(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.found = [A]
    api.before = lambda: rows.run("DELETE FROM images") and None
    with pytest.raises(ImageMissing, match="was removed"):
        process_image(tools, image)
    assert rows.everything() == []


def test_what_was_clicked_while_the_photo_was_read_counts(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    rows.face(image, B, face_index=7)
    api.found = [A]
    api.before = lambda: rows.run("UPDATE faces SET status = 'ok', name = 'Ann'") and None
    process_image(tools, image)
    assert [face["name"] for face in rows.faces(image)] == [None, "Ann"]


def test_no_transaction_is_open_while_a_photo_is_read(rows: Rows, tools: Tools, api: FakeApi) -> None:
    """Another program writes the same row meanwhile, and neither waits."""
    image = rows.image()
    api.before = lambda: rows.run("UPDATE images SET metadata = '{}'") and None
    process_image(tools, image)
    assert rows.one("SELECT * FROM images")["metadata"] == "{}"


def test_a_refused_photo_is_noted_and_nothing_else_changes(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    rows.face(image, A)
    api.answer = httpx2.Response(415, json={"error": "no picture", "code": "unsupported_format", "retryable": False})
    before = rows.read("SELECT * FROM faces")
    with pytest.raises(UnsupportedFormat, match="no picture"):
        process_image(tools, image)
    row = rows.one("SELECT * FROM images")
    noted = 'HTTP 415: {"error":"no picture","code":"unsupported_format","retryable":false}'
    assert without_request(row["last_error"]) == noted
    assert row["faces_checked"] == 0
    assert row["debug_filename"] is None
    assert row["updated_at"] is not None
    assert rows.read("SELECT * FROM faces") == before


@pytest.mark.parametrize("text", ["日" * 5000, "😀" * 5000, "x" * 5000])
def test_a_long_refusal_fits_the_column(rows: Rows, tools: Tools, api: FakeApi, text: str) -> None:
    image = rows.image()
    api.answer = httpx2.Response(500, text=text)
    with pytest.raises(EngineError):
        process_image(tools, image)
    assert rows.one("SELECT * FROM images")["last_error"].startswith(f"HTTP 500: {text[:100]}")


def test_an_api_that_is_away_is_noted(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image()
    api.answer = httpx2.Response(503, json={"error": "busy", "code": "busy"}, headers={"Retry-After": "2"})
    with pytest.raises(FaceApiUnavailable) as caught:
        process_image(tools, image)
    assert caught.value.retry_after == 2
    assert rows.one("SELECT * FROM images")["last_error"].startswith("HTTP 503")


def test_a_missing_file_is_noted(rows: Rows, tools: Tools, disk: Path) -> None:
    image = rows.image(filename="gone.jpg")
    with pytest.raises(FileMissing):
        process_image(tools, image)
    assert "gone.jpg" in rows.one("SELECT * FROM images")["last_error"]


def test_a_file_outside_the_disks_is_noted_and_not_read(rows: Rows, tools: Tools, api: FakeApi) -> None:
    image = rows.image(path="../..", filename="secret.jpg")
    with pytest.raises(OutsideDisks):
        process_image(tools, image)
    assert api.requests == []
    assert rows.one("SELECT * FROM images")["last_error"] is not None
