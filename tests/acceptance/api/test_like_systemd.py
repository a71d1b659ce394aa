"""The API as systemd starts it: sockets that somebody else holds, readiness and the watchdog."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.servers.like_systemd import LikeSystemd

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[LikeSystemd]:
    systemd = LikeSystemd(tmp_path, watchdog_seconds=3)
    yield systemd
    print(systemd.state())  # noqa: T201  what pytest shows of a test that fails
    for service in systemd.services:
        for process in psutil.Process(service.pid).children() if service.poll() is None else []:
            process.kill()
    systemd.close()


def start(systemd: LikeSystemd, tmp_path: Path, **settings: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FACE_", "PROMETH"))}
    environment |= {"FACE_API_ADDRESS": systemd.address, "FACE_API_PROCESSES": "2"}
    environment |= {"FACE_STATE_DIR": str(tmp_path / "state")} | settings
    return systemd.start([sys.executable, "-m", "face_api"], ROOT, environment)


def get(systemd: LikeSystemd, path: str) -> httpx2.Response:
    return httpx2.get(f"http://{systemd.address}{path}", timeout=60)


def test_it_says_that_it_is_ready_when_it_is_and_then_that_it_lives(systemd: LikeSystemd, tmp_path: Path) -> None:
    service = start(systemd, tmp_path)
    words = [systemd.hear()]
    while words[-1] != "READY=1":
        assert words[-1] == "WATCHDOG=1", systemd.log()
        words.append(systemd.hear())
    # What waited in the socket is answered by whichever process is first: all of them are there.
    assert get(systemd, "/readyz").status_code == 200
    assert len(psutil.Process(service.pid).children()) == 2
    assert [systemd.hear() for _ in range(3)] == ["WATCHDOG=1"] * 3


def test_a_master_that_hangs_is_silent_and_one_that_stops_is_not(
    systemd: LikeSystemd, tmp_path: Path, slow_photo: bytes, wait_for: Any
) -> None:
    service = start(systemd, tmp_path, FACE_API_PROCESSES="1")
    while systemd.hear() != "READY=1":
        assert service.poll() is None, systemd.log()
    service.send_signal(signal.SIGSTOP)
    wait_for(lambda: systemd.hear(3) == "")
    service.send_signal(signal.SIGCONT)
    assert systemd.hear() == "WATCHDOG=1", systemd.state()
    with ThreadPoolExecutor() as pool:
        files = {"image": ("a.jpg", slow_photo)}
        answers = [pool.submit(httpx2.post, f"http://{systemd.address}/encode", files=files, timeout=120)]
        answers += [pool.submit(httpx2.post, f"http://{systemd.address}/encode", files=files, timeout=120)]
        wait_for(lambda: list((tmp_path / "state/in_hand").glob("[!.]*")))
        service.send_signal(signal.SIGTERM)
        heard = []
        while service.poll() is None:
            heard.append(systemd.hear(0.1))
        assert "WATCHDOG=1" in heard
        assert [answer.result().status_code for answer in answers] == [200, 200]


def test_a_request_that_comes_during_a_restart_waits_and_is_answered(
    systemd: LikeSystemd, tmp_path: Path, small_photo: bytes
) -> None:
    first = start(systemd, tmp_path)
    assert get(systemd, "/readyz").status_code == 200
    with ThreadPoolExecutor() as pool:
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0
        files = {"image": ("a.jpg", small_photo)}
        waiting = pool.submit(httpx2.post, f"http://{systemd.address}/encode", files=files, timeout=60)
        start(systemd, tmp_path)
        assert waiting.result().status_code == 200


def test_it_does_not_serve_where_the_settings_say_something_else(systemd: LikeSystemd, tmp_path: Path) -> None:
    service = start(systemd, tmp_path, FACE_API_ADDRESS="127.0.0.1:1")
    assert service.wait(60) == 2
    assert systemd.log() == (
        f"face_api: systemd's face-api.socket listens on {systemd.address}, FACE_API_ADDRESS says 127.0.0.1:1: "
        "needed the same in both (install.sh takes the socket's from face.env)\n"
    )
    assert systemd.hear(0.1) == ""
