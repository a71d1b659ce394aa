"""Who may ask, and what stops the start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.servers.running_api import free_port

ROOT = Path(__file__).resolve().parents[3]
OLD, NEW = "an-old-key-of-length-24--", "a-new-key-of-length-24---"


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FACE_")}
    environment |= {"FACE_API_ADDRESS": f"127.0.0.1:{free_port()}"} | settings
    command = [sys.executable, "-m", "face_api"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_outside_address_always_wants_a_key_and_the_loopback_one_none(start_api: Any, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# rotation\n{NEW}\n", encoding="utf-8")
    port = free_port()
    api = start_api(FACE_API_OUTSIDE_ADDRESS=f"127.0.0.1:{port}", FACE_API_KEYS=OLD, FACE_API_KEYS_FILE=str(file))
    assert api.client.get("/health").status_code == 200
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as outside:
        assert outside.get("/livez").status_code == 200
        for path in ("/health", "/readyz", "/metrics", "/docs", "/openapi.json", "/nothing"):
            refused = outside.get(path)
            assert refused.status_code == 401
            assert refused.json()["code"] == "key_needed"
            assert refused.headers["WWW-Authenticate"] == "Bearer"
        for key in (OLD, NEW):
            assert outside.get("/health", headers={"Authorization": f"Bearer {key}"}).status_code == 200
            assert outside.get("/health", headers={"X-API-Key": key}).status_code == 200
        assert outside.get("/health", headers={"X-API-Key": OLD[:-1]}).status_code == 401
        assert outside.get("/health", headers={"Authorization": f"Basic {OLD}"}).status_code == 401
        big = outside.post("/encode", files={"image": ("a.jpg", bytes(5_000_000))})
        assert big.status_code == 401
        assert big.json()["code"] == "key_needed"
        file.write_text(f"{NEW}-rotated\n", encoding="utf-8")
        assert outside.get("/health", headers={"X-API-Key": NEW}).status_code == 401
        assert outside.get("/health", headers={"X-API-Key": f"{NEW}-rotated"}).status_code == 200
    assert OLD not in api.log()


def test_an_emptied_file_of_keys_leaves_the_last_good_ones_also_to_processes_that_begin_later(
    start_api: Any, tmp_path: Path, wait_for: Any
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{OLD}\n", encoding="utf-8")
    port = free_port()
    api = start_api(FACE_API_OUTSIDE_ADDRESS=f"127.0.0.1:{port}", FACE_API_KEYS_FILE=str(file))
    file.write_text(f"{NEW}\n", encoding="utf-8")
    wait_for(lambda: "was read again: 1 keys" in api.log())
    file.write_text("", encoding="utf-8")
    wait_for(lambda: "has no key any more" in api.log())
    before = {process.pid for process in api.processes()}
    for process in api.processes():
        process.kill()
    wait_for(lambda: len({process.pid for process in api.processes()} - before) == 2)
    api.wait_until_ready()
    for key, status in ((NEW, 200), (OLD, 401)) * 8:
        asked = httpx2.get(f"http://127.0.0.1:{port}/health", headers={"X-API-Key": key})
        assert asked.status_code == status
    assert api.log().count("has no key any more") == 1


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"FACE_API_ADDRESS": "0.0.0.0:5000"}, "FACE_API_ADDRESS"),
        ({"FACE_API_ADDRESS": "nonsense"}, "FACE_API_ADDRESS"),
        ({"FACE_API_OUTSIDE_ADDRESS": "0.0.0.0:5001"}, "FACE_API_OUTSIDE_ADDRESS"),
        ({"FACE_API_KEYS": "short"}, "FACE_API_KEYS"),
        ({"FACE_API_KEYS_FILE": "/nowhere/keys"}, "FACE_API_KEYS_FILE"),
        ({"FACE_API_PROCESSES": "many"}, "FACE_API_PROCESSES"),
        ({"FACE_STATE_DIR": "/proc/nowhere"}, "FACE_STATE_DIR"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(settings: dict[str, str], variable: str) -> None:
    ended = run(**settings)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert variable in ended.stderr


def test_a_missing_model_stops_the_start_and_says_where_it_was_looked_for(tmp_path: Path) -> None:
    ended = run(FACE_MODELS_DIR=str(tmp_path))
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert str(tmp_path) in ended.stderr
    assert "shape_predictor_5_face_landmarks.dat" in ended.stderr


def test_an_address_in_use_stops_the_start() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        ended = run(FACE_API_ADDRESS=address)
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert address in ended.stderr
