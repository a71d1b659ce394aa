"""The API where disks are full, read-only or gone: what it needs none for goes on, and the rest is said."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.servers.running_api import RunningApi
from tests.servers.small_disk import SmallDisk, small_disk

MB = 1024 * 1024

NO_ROOM = (503, "upload_not_kept", True)


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[SmallDisk]:
    """What TMPDIR is."""
    with small_disk(tmp_path / "temporary") as disk:
        yield disk


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SmallDisk]:
    """What FACE_STATE_DIR is."""
    with small_disk(tmp_path / "state") as disk:
        yield disk


def verdict(reply: Any) -> tuple[int, str, bool]:
    return reply.status_code, reply.json()["code"], reply.json()["retryable"]


def reasons(api: RunningApi) -> list[str]:
    """Why it is not ready; empty when it is."""
    reply = api.client.get("/readyz")
    assert reply.status_code == (503 if "reasons" in reply.json() else 200)
    return list(reply.json().get("reasons", []))


def kept_in_memory(api: RunningApi) -> int:
    """Bytes of uploads in the memory of all processes."""
    held: dict[int, int] = {}
    for file in (file for process in api.processes() for file in Path(f"/proc/{process.pid}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):
            if "memfd:face-api-upload" in str(file.readlink()):
                held[file.stat().st_ino] = file.stat().st_blocks * 512
    return sum(held.values())


def begin_upload(api: RunningApi, path: str, size: int, length: int = 40 * MB) -> socket.socket:
    """A client that has sent `size` bytes of a photo, and stops there."""
    connection = api.connect()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
    connection.sendall(b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' + bytes(size))
    return connection


def comparison(candidates: int) -> bytes:
    encoding = [0.123456789] * 128
    return json.dumps({"encoding": encoding, "candidates": [encoding] * candidates}).encode()


def test_photos_and_comparisons_are_answered_from_memory_while_the_temporary_folder_is_full(
    start_api: Any, temporary: SmallDisk, portrait: bytes, wait_for: Any
) -> None:
    api = start_api(TMPDIR=str(temporary.path))
    temporary.fill()
    assert len(api.encode(portrait).json()["encodings"]) == 1
    assert len(api.encode(portrait + bytes(5 * MB)).json()["encodings"]) == 1
    assert len(api.client.post("/compare", content=comparison(3000)).json()["distances"]) == 3000
    wait_for(lambda: "No space left on device" in " ".join(reasons(api)))
    assert str(temporary.path) in reasons(api)[0]
    temporary.empty()
    wait_for(lambda: reasons(api) == [], 5)
    assert list(temporary.path.iterdir()) == []


def test_an_upload_that_finds_room_nowhere_is_refused_and_taken_when_there_is_some(
    start_api: Any, temporary: SmallDisk, portrait: bytes
) -> None:
    api = start_api(TMPDIR=str(temporary.path), FACE_API_UPLOAD_MB="0")
    temporary.fill()
    for _ in range(3):
        refused = api.encode(portrait)
        assert verdict(refused) == NO_ROOM
        assert "Retry-After" in refused.headers
        assert "No space left on device" in refused.json()["error"]
    assert verdict(api.client.post("/compare", content=comparison(300))) == NO_ROOM
    pictures = {"file1": ("a", portrait), "file2": ("b", portrait)}
    assert verdict(api.client.post("/compare-images", files=pictures)) == NO_ROOM
    assert verdict(api.client.post("/hash", files={"file": ("a", portrait)})) == NO_ROOM
    temporary.empty()
    assert len(api.encode(portrait).json()["encodings"]) == 1
    assert len(api.client.post("/compare", content=comparison(10)).json()["distances"]) == 10
    assert api.client.post("/compare-images", files=pictures).json()["distance"] == 0
    assert list(temporary.path.iterdir()) == []


def test_one_that_outgrows_the_memory_moves_to_the_folder_whole(
    start_api: Any, tmp_path: Path, portrait: bytes
) -> None:
    api = start_api(FACE_API_UPLOAD_MB="1", TMPDIR=str(tmp_path))
    assert len(api.encode(portrait + bytes(3 * MB)).json()["encodings"]) == 1
    assert len(api.client.post("/compare", content=comparison(2000)).json()["distances"]) == 2000
    assert kept_in_memory(api) == 0


def test_a_folder_that_is_gone_or_read_only_is_said_and_taken_when_it_is_back(
    start_api: Any, temporary: SmallDisk, small_photo: bytes, wait_for: Any
) -> None:
    place = temporary.path / "below"
    place.mkdir()
    api = start_api(TMPDIR=str(place), FACE_API_UPLOAD_MB="1")
    place.rmdir()
    wait_for(lambda: "No such file or directory" in " ".join(reasons(api)))
    assert api.encode(small_photo).status_code == 200
    assert verdict(api.encode(bytes(2 * MB))) == NO_ROOM
    place.mkdir()
    temporary.allow(writing=False)
    wait_for(lambda: "Read-only file system" in " ".join(reasons(api)))
    assert api.encode(small_photo).status_code == 200
    assert verdict(api.encode(bytes(2 * MB))) == NO_ROOM
    temporary.allow(writing=True)
    wait_for(lambda: reasons(api) == [])


def test_processes_end_and_are_replaced_while_every_disk_is_full(
    start_api: Any, temporary: SmallDisk, state: SmallDisk, small_photo: bytes, wait_for: Any
) -> None:
    api = start_api(TMPDIR=str(temporary.path), FACE_STATE_DIR=str(state.path))
    assert api.encode(small_photo).status_code == 200
    wait_for(lambda: api.figure("face_api_photos_total") == 1)
    for spoil in (lambda: (temporary.fill(), state.fill()), lambda: state.allow(writing=False)):
        spoil()
        before = {process.pid for process in api.processes()}
        for process in api.processes():
            process.kill()
        wait_for(lambda old=before: len({one.pid for one in api.processes()} - old) == 2)
        wait_for(lambda: api.figure("face_api_engines") == 2)
        assert api.encode(small_photo).status_code == 200
    wait_for(lambda: api.figure("face_api_photos_total") == 3)
    assert api.figure("face_api_process_ends_total") == 4
    assert api.figure("face_api_figures_complete") == 1
    assert api.master.poll() is None
    state.allow(writing=True)


def test_a_service_starts_while_every_disk_is_full_and_counts_crashes_later(
    tmp_path: Path, temporary: SmallDisk, state: SmallDisk, small_photo: bytes, wait_for: Any
) -> None:
    temporary.fill()
    state.allow(writing=False)
    api = RunningApi(tmp_path / "api", {"TMPDIR": str(temporary.path), "FACE_STATE_DIR": str(state.path)})
    try:
        wait_for(api.listens)
        assert api.encode(small_photo).status_code == 200
        assert "No space left on device" in reasons(api)[0]
        assert "photos that crash are not counted until it can" in api.log()
        temporary.empty()
        state.allow(writing=True)
        wait_for(lambda: reasons(api) == [])
        assert api.encode(small_photo).status_code == 200
        assert (state.path / "in_hand").is_dir()
    finally:
        api.stop()


def test_all_uploads_of_a_process_share_one_bound_and_those_that_leave_give_their_part_back(
    start_api: Any, temporary: SmallDisk, small_photo: bytes, wait_for: Any
) -> None:
    api = start_api(TMPDIR=str(temporary.path), FACE_API_UPLOAD_MB="8", FACE_API_PROCESSES="1")
    temporary.fill()
    for _ in range(3):
        uploads = [begin_upload(api, "/encode", 2 * MB) for _ in range(3)]
        uploads += [begin_upload(api, "/compare", MB)]
        wait_for(lambda: kept_in_memory(api) >= 7 * MB)
        assert verdict(api.encode(bytes(3 * MB))) == NO_ROOM
        assert api.encode(small_photo).status_code == 200
        assert kept_in_memory(api) <= 8 * MB
        for upload in uploads:
            upload.close()
        wait_for(lambda: kept_in_memory(api) == 0)
        assert verdict(api.encode(bytes(7 * MB))) == (415, "unsupported_format", False)
    assert "fault of our own" not in api.log()


def test_a_client_that_leaves_the_queue_gives_its_memory_back_before_an_engine_is_free(
    start_api: Any, slow_photo: bytes, wait_for: Any
) -> None:
    api = start_api(FACE_API_PROCESSES="1", FACE_FAST="none")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(api.encode, slow_photo)
        wait_for(api.in_hand)
        waiting = begin_upload(api, "/encode", 20 * MB, length=20 * MB + 81)
        waiting.sendall(b"\r\n--b--\r\n" + bytes(81))
        wait_for(lambda: api.figure("face_api_waiting") == 1)
        assert kept_in_memory(api) > 20 * MB
        waiting.close()
        wait_for(lambda: kept_in_memory(api) < 10 * MB)
        assert not first.done()
        assert first.result().status_code == 200


def test_a_form_of_more_files_than_any_path_wants_is_refused(api: Any) -> None:
    files = [("image", (f"{number}", b"x")) for number in range(20)]
    assert verdict(api.client.post("/encode", files=files)) == (400, "bad_body", False)


def test_a_limit_of_file_sizes_is_no_fault_of_ours_either(start_api: Any, small_photo: bytes) -> None:
    api = start_api(FACE_API_PROCESSES="1")
    [process] = api.processes()
    process.rlimit(psutil.RLIMIT_FSIZE, (100_000, 100_000))
    assert verdict(api.client.post("/compare", content=comparison(1000))) == NO_ROOM
    assert api.encode(small_photo).status_code == 200


def test_a_swept_state_folder_is_made_again(start_api: Any, small_photo: bytes) -> None:
    api = start_api()
    shutil.rmtree(api.state)
    assert api.encode(small_photo).status_code == 200
    assert (api.state / "in_hand").is_dir()
