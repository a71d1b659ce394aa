"""Connections to the API under gunicorn, byte by byte: large, slow, silent and vanished clients."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

BOUNDARY = "face-api-test"


def form(photo: bytes, name: str = "image") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'
    return head.encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()


def head(path: str, *lines: str) -> bytes:
    fixed = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: multipart/form-data; boundary={BOUNDARY}"]
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


def read_reply(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One final answer off the connection; interim ones are skipped by the caller."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, f"the connection ended after {data!r}"
        data += part
    top, _, body = data.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        part = connection.recv(65536)
        assert part, "the connection ended within the body"
        body += part
    return int(first.split()[1]), headers, body


def test_a_client_that_expects_100_continue_sends_its_body_after_it(api: Any, small_photo: bytes) -> None:
    body = form(small_photo)
    with api.connect() as connection:
        connection.sendall(head("/encode", f"Content-Length: {len(body)}", "Expect: 100-continue"))
        interim, _, _ = read_reply(connection)
        assert interim == 100
        connection.sendall(body)
        status, _, answer = read_reply(connection)
    assert status == 200
    assert json.loads(answer)["encodings"] == []


def test_a_client_that_expects_100_continue_is_refused_without_sending_a_byte(api: Any) -> None:
    with api.connect() as connection:
        connection.sendall(head("/encode", f"Content-Length: {2 * 1024**3}", "Expect: 100-continue"))
        status, headers, answer = read_reply(connection)
    assert status == 413
    assert headers["connection"] == "close"
    error = json.loads(answer)
    assert error["code"] == "request_too_large"
    assert "2,147,483,648" in error["error"]
    assert "64,065,536" in error["error"]


def test_a_chunked_upload_is_read(api: Any, small_photo: bytes) -> None:
    def pieces() -> Iterator[bytes]:
        whole = form(small_photo)
        for start in range(0, len(whole), 1000):
            yield whole[start : start + 1000]

    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    assert api.client.post("/encode", content=pieces(), headers=headers).status_code == 200


def test_a_connection_serves_one_photo_after_the_other(api: Any, small_photo: bytes) -> None:
    body = form(small_photo)
    with api.connect() as connection:
        for _ in range(3):
            connection.sendall(head("/encode", f"Content-Length: {len(body)}") + body)
            assert read_reply(connection)[0] == 200


def test_a_chunked_upload_beyond_the_limit_is_answered_while_it_is_still_sent(api: Any) -> None:
    before = api.memory()
    answer = _flood(api, "Transfer-Encoding: chunked", lambda piece: f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    assert answer == (413, "request_too_large")
    assert api.memory() - before < 40_000_000


def test_an_upload_of_2_gb_is_refused_early_and_memory_stays_flat(api: Any) -> None:
    before = api.memory()
    answer = _flood(api, f"Content-Length: {2 * 1024**3}", lambda piece: piece)
    assert answer == (413, "request_too_large")
    assert api.memory() - before < 40_000_000


def _flood(api: Any, framing: str, wrap: Callable[[bytes], bytes]) -> tuple[int, str]:
    """Send 80 MB without looking, as simple clients do, and only then read the answer."""
    with api.connect() as connection:
        connection.sendall(head("/encode", framing))
        start = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
        connection.sendall(wrap(start.encode()))
        for _ in range(80):
            connection.sendall(wrap(b"x" * 1_000_000))
        status, _, answer = read_reply(connection)
    return status, json.loads(answer)["code"]


def test_a_client_that_falls_silent_gets_408_and_holds_nobody_up(start_api: Any, small_photo: bytes) -> None:
    api = start_api(FACE_API_IDLE_SECONDS="1", FACE_API_PROCESSES="1", FACE_API_WAITING="1")
    body = form(small_photo)
    with api.connect() as silent:
        silent.sendall(head("/encode", f"Content-Length: {len(body)}") + body[:200])
        assert api.encode(small_photo).status_code == 200
        status, _, answer = read_reply(silent)
    assert status == 408
    assert json.loads(answer) | {"error": ""} == {"error": "", "code": "client_too_slow", "retryable": True}


def test_a_connection_that_never_asks_is_ended(start_api: Any) -> None:
    api = start_api(FACE_API_IDLE_SECONDS="1", FACE_API_PROCESSES="1")
    with api.connect() as nothing, api.connect() as half:
        half.sendall(b"GET /livez HTTP/1.1\r\nHost:")
        assert nothing.recv(10) == b""
        assert half.recv(10) == b""


def test_a_slow_client_is_served_when_it_is_done(api: Any, small_photo: bytes) -> None:
    body = form(small_photo)
    with api.connect() as slow:
        slow.sendall(head("/encode", f"Content-Length: {len(body)}"))
        for start in range(0, len(body), len(body) // 5 + 1):
            slow.sendall(body[start : start + len(body) // 5 + 1])
            time.sleep(0.05)
        assert read_reply(slow)[0] == 200


def test_a_client_gone_in_the_middle_of_its_upload_leaves_nothing_behind(api: Any, small_photo: bytes) -> None:
    body = form(small_photo)
    with api.connect() as leaving:
        leaving.sendall(head("/encode", f"Content-Length: {len(body)}") + body[: len(body) // 2])
    assert api.encode(small_photo).status_code == 200


def test_a_photo_whose_client_left_while_it_waited_is_not_worked_on(
    start_api: Any, slow_photo: bytes, small_photo: bytes, wait_for: Any
) -> None:
    api = start_api(FACE_API_PROCESSES="1")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(api.encode, slow_photo)
        wait_for(api.in_hand)
        with api.connect() as leaving:
            body = form(small_photo)
            leaving.sendall(head("/encode", f"Content-Length: {len(body)}") + body)
            wait_for(lambda: api.figure("face_api_waiting") == 1)
        assert first.result().status_code == 200
    wait_for(lambda: api.figure("face_api_waiting") == 0)
    assert api.encode(small_photo).status_code == 200
    wait_for(lambda: api.figure("face_api_photos_total") == 2)


def test_an_upload_that_finds_no_room_may_be_tried_again(start_api: Any, small_photo: bytes) -> None:
    api = start_api(FACE_API_PROCESSES="1")
    [process] = api.processes()
    # What a full disk does to a file, done to one process.
    process.rlimit(psutil.RLIMIT_FSIZE, (1_500_000, 1_500_000))
    reply = api.encode(bytes(5_000_000))
    assert reply.status_code == 503
    assert reply.json()["code"] == "upload_not_kept"
    assert reply.json()["retryable"] is True
    assert api.encode(small_photo).status_code == 200


def test_nothing_is_kept_open_after_many_photos(api: Any, small_photo: bytes, wait_for: Any) -> None:
    api.encode(small_photo)
    before = [process.num_fds() for process in api.processes()]
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(lambda _: api.encode(small_photo), range(60))} == {200}
    wait_for(lambda: all(p.num_fds() <= b + 3 for p, b in zip(api.processes(), before, strict=True)))
