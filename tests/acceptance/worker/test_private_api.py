"""Where no API is configured and none answers, a command has one of its own, for as long as it runs."""

from __future__ import annotations

import http.server
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

SAID = "starting a private one for this command"


@pytest.fixture
def no_api() -> Iterator[dict[str, str]]:
    """Settings of a worker that knows no API: none configured, and nobody at the usual address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield {"FACE_API_URL": "", "FACE_API_ADDRESS": f"127.0.0.1:{taken.getsockname()[1]}", "FACE_API_PROCESSES": "2"}


def started_by(process: Any) -> list[psutil.Process]:
    """The private API of a worker: the master and its processes."""
    return [child for child in psutil.Process(process.pid).children(recursive=True) if "face_api" in child.cmdline()]


def test_a_private_api_is_started_told_and_stopped(
    worker: Any, photos: Path, slow_photo: bytes, no_api: dict[str, str], wait_for: Callable[..., None]
) -> None:
    for name in "abc":
        (photos / f"{name}.jpg").write_bytes(slow_photo)
    scan = worker.start("scan", photos, **no_api)
    wait_for(lambda: len(started_by(scan)) == 3)
    processes = started_by(scan)
    out, err = worker.output_of(scan, 60)
    assert scan.returncode == 0, err
    assert out.startswith("3 new or changed photos")
    assert err == f"no face API answers at {no_api['FACE_API_ADDRESS']}: {SAID}\n"
    assert not any(process.is_running() for process in processes)


def test_nothing_is_started_where_nothing_has_to_be_sent(
    worker: Any, photos: Path, small_photo: bytes, no_api: dict[str, str]
) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    worker.run("scan", photos)
    assert worker.run("scan", photos, **no_api)[1] == ""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_private_api_ends_with_its_command_however_that_ends(
    worker: Any,
    photos: Path,
    slow_photo: bytes,
    no_api: dict[str, str],
    wait_for: Callable[..., None],
    how: signal.Signals,
) -> None:
    for number in range(10):
        (photos / f"{number}.jpg").write_bytes(slow_photo)
    scan = worker.start("scan", photos, **no_api)
    wait_for(worker.checked)
    processes = started_by(scan)
    scan.send_signal(how)
    worker.output_of(scan, 60)
    assert len(processes) == 3
    wait_for(lambda: not any(process.is_running() for process in processes))
    assert scan.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 1)


def test_another_service_at_the_usual_address_is_left_alone(
    worker: Any, photos: Path, small_photo: bytes, no_api: dict[str, str]
) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{other.server_address[1]}"
        _, err = worker.run("scan", photos, **no_api | {"FACE_API_ADDRESS": address})
        other.shutdown()
    assert SAID in err


def test_an_api_at_the_usual_address_is_used(worker: Any, photos: Path, small_photo: bytes, api: Any) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    settings = {"FACE_API_URL": "", "FACE_API_ADDRESS": f"127.0.0.1:{api.port}"}
    assert worker.run("scan", photos, **settings)[1] == ""


def test_a_configured_api_that_does_not_answer_is_told(worker: Any, photos: Path, small_photo: bytes) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    _, err = worker.run("scan", photos, code=1, FACE_API_URL="http://127.0.0.1:1")
    assert err == (
        "scan: no face API answers at http://127.0.0.1:1 (FACE_API_URL): start it there, "
        "or unset FACE_API_URL for a private one\n"
    )


def test_a_configured_api_that_does_not_know_its_name_says_what_to_set(
    worker: Any, photos: Path, small_photo: bytes, api: Any
) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    # Leads to the loopback, and is none of its usual names.
    _, err = worker.run("scan", photos, code=1, FACE_API_URL=f"http://127.1:{api.port}")
    assert err.startswith(f"scan: the face API at http://127.1:{api.port} takes no photos now: ")
    assert f"found the Host '127.1:{api.port}'" in err
    assert "FACE_API_HOSTS" in err


def test_a_private_api_that_cannot_start_says_why(
    worker: Any, photos: Path, small_photo: bytes, no_api: dict[str, str], tmp_path: Path
) -> None:
    (photos / "a.jpg").write_bytes(small_photo)
    _, err = worker.run("scan", photos, code=1, FACE_MODELS_DIR=str(tmp_path), **no_api)
    assert "the private face API ended with 1" in err
    assert str(tmp_path) in err
