"""A process whose engine's thread ends by an exception: nobody waits for ever, and another process takes its place."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.pictures import drawn
from tests.servers.failing_engine import FATAL_WIDTH
from tests.servers.running_api import RunningApi


@pytest.fixture
def api(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningApi]:
    processes = str(getattr(request, "param", 1))
    command = ("-m", "tests.servers.failing_engine", str(tmp_path))
    running = RunningApi(tmp_path / "api", {"FACE_API_PROCESSES": processes}, command)
    running.wait_until_ready()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def fatal() -> bytes:
    return drawn.file_of(Image.new("RGB", (FATAL_WIDTH, 20)), "PNG")


def test_the_photos_that_waited_are_answered_and_the_process_is_replaced(
    api: RunningApi, fatal: bytes, slow_photo: bytes, small_photo: bytes, wait_for: Any
) -> None:
    [before] = api.processes()
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(api.encode, slow_photo)
        wait_for(api.in_hand)
        fatal_one = pool.submit(api.encode, fatal)
        wait_for(lambda: api.figure("face_api_waiting") == 1)
        waiting = [pool.submit(api.encode, small_photo) for _ in range(5)]
        wait_for(lambda: api.figure("face_api_waiting") == 6)
        assert first.result().status_code == 200
        for answer in (fatal_one, *waiting):
            reply = answer.result(20)
            assert reply.status_code == 503
            assert reply.json()["code"] == "engine_died"
            assert reply.json()["retryable"] is True
    wait_for(lambda: before.pid not in {process.pid for process in api.processes()}, 20)
    api.wait_until_ready()
    assert api.encode(small_photo).status_code == 200
    assert "the thread is told to end" in api.log()


@pytest.mark.parametrize("api", [2], indirect=True)
def test_a_photo_that_ends_two_threads_is_refused(api: RunningApi, fatal: bytes, wait_for: Any) -> None:
    for ends in (1, 2):
        assert api.encode(fatal).json()["code"] == "engine_died"
        wait_for(lambda so_many=ends: api.figure("face_api_process_ends_total") == so_many)
        api.wait_until_ready()
    assert api.encode(fatal).json()["code"] == "crashed_before"
