"""The API at its limit of open files: more clients than it can have connections, most of whom say nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.servers.running_api import RunningApi

#: Starts the API with the limits that stand behind it.
LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
runpy.run_module("face_api", run_name="__main__", alter_sys=True)
"""

CLIENTS = 600

Limited = Callable[..., RunningApi]


@pytest.fixture
def limited(tmp_path: Path, wait_for: Any) -> Iterator[Limited]:
    """An API of one process that may have so many files open."""
    with ExitStack() as ends:

        def start(soft: int, hard: int, **settings: str) -> RunningApi:
            settings |= {"FACE_API_PROCESSES": "1", "FACE_API_IDLE_SECONDS": "600"}
            api = RunningApi(tmp_path / "api", settings, ("-c", LIMITED, str(soft), str(hard)))
            ends.callback(api.stop)
            api.wait_until_ready()
            return api

        yield start


@pytest.fixture
def crowd() -> Iterator[Callable[[RunningApi, bytes], list[socket.socket]]]:
    """Clients who connect, say so much and wait."""
    with ExitStack() as ends:

        def come(api: RunningApi, words: bytes) -> list[socket.socket]:
            clients = []
            for _ in range(CLIENTS):
                clients.append(ends.enter_context(api.connect()))
                clients[-1].sendall(words)
            return clients

        yield come


def answers_soon(api: RunningApi) -> bool:
    """Whether a new client is answered within a second; a machine that is busy elsewhere has ten tries."""
    for _ in range(10):
        start = time.monotonic()
        with httpx2.Client(base_url=api.url, timeout=30) as client:
            assert client.get("/livez").status_code == 200
        if time.monotonic() - start < 1:
            return True
    return False


def test_the_soft_limit_is_raised_to_the_hard_one(limited: Limited) -> None:
    api = limited(100, 700)
    assert {process.rlimit(psutil.RLIMIT_NOFILE) for process in [psutil.Process(api.master.pid), *api.processes()]} == {
        (700, 700)
    }


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /compare HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n{",
    ],
    ids=["nothing", "half a request", "one request", "half an upload"],
)
def test_a_crowd_that_only_waits_keeps_nobody_out(
    limited: Limited, crowd: Any, small_photo: bytes, words: bytes
) -> None:
    api = limited(128, 128)
    [process] = api.processes()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(crowd, api, words)
        while not coming.done():
            assert answers_soon(api)
    assert api.encode(small_photo).status_code == 200
    assert process.num_fds() < 128
    assert api.processes() == [process]
    assert api.log().count("make room") == 1
    assert len(api.log().splitlines()) < 100, api.log()


def test_the_longest_idle_make_room_and_a_photo_in_hand_does_not(
    limited: Limited, crowd: Any, slow_photo: bytes, wait_for: Any
) -> None:
    api = limited(128, 128, FACE_FAST="none")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.encode, slow_photo)
        wait_for(api.in_hand)
        clients = crowd(api, b"")
        assert answer.result().status_code == 200
    assert clients[0].recv(1) == b""
    clients[-1].sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert clients[-1].recv(20).startswith(b"HTTP/1.1 200")


def test_more_photos_than_open_files_are_answered_one_way_or_another(limited: Limited, portrait: bytes) -> None:
    api = limited(128, 128)
    with ThreadPoolExecutor(40) as pool:
        replies = list(pool.map(lambda _: api.encode(portrait), range(120)))
    assert {reply.status_code for reply in replies} <= {200, 503}
    assert all(reply.status_code == 200 or reply.json()["retryable"] for reply in replies)
    assert api.encode(portrait).status_code == 200
