"""How the API serves under gunicorn: connections, limits, load, stops and deaths. Real processes throughout."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil

BOUNDARY = "face-api-test"


def form(photo: bytes, name: str = "image") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n\r\n'
    return head.encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()


def head(path: str, *lines: str) -> bytes:
    fixed = [f"POST {path} HTTP/1.1", "Host: test", f"Content-Type: multipart/form-data; boundary={BOUNDARY}"]
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


def encode(api: Any, photo: bytes, **options: Any) -> httpx2.Response:
    with httpx2.Client(base_url=api.url, timeout=120) as client:
        return client.post("/encode", files={"image": ("a.jpg", photo)}, **options)


def test_a_client_that_expects_100_continue_sends_its_body_after_it(api: Any, small_photo: bytes) -> None:
    body = form(small_photo)
    with api.connect() as connection:
        connection.sendall(head("/encode", f"Content-Length: {len(body)}", "Expect: 100-continue"))
        interim, _, _ = read_reply(connection)
        assert interim == 100
        connection.sendall(body)
        status, _, answer = read_reply(connection)
    assert (status, json.loads(answer)["encodings"]) == (200, [])


def test_a_client_that_expects_100_continue_is_refused_without_sending_a_byte(api: Any) -> None:
    with api.connect() as connection:
        connection.sendall(head("/encode", f"Content-Length: {2 * 1024**3}", "Expect: 100-continue"))
        status, headers, answer = read_reply(connection)
    assert (status, headers["connection"]) == (413, "close")
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
    before = _memory(api)
    answer = _flood(api, "Transfer-Encoding: chunked", lambda piece: f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    assert answer == (413, "request_too_large")
    assert _memory(api) - before < 40_000_000


def test_an_upload_of_2_gb_is_refused_early_and_memory_stays_flat(api: Any) -> None:
    before = _memory(api)
    answer = _flood(api, f"Content-Length: {2 * 1024**3}", lambda piece: piece)
    assert answer == (413, "request_too_large")
    assert _memory(api) - before < 40_000_000


def _memory(api: Any) -> int:
    return sum(process.memory_info().rss for process in api.processes())


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
        assert encode(api, small_photo).status_code == 200
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
    assert encode(api, small_photo).status_code == 200


def test_an_upload_that_finds_no_room_may_be_tried_again(start_api: Any, small_photo: bytes) -> None:
    api = start_api(FACE_API_PROCESSES="1")
    [process] = api.processes()
    # What a full disk does to a file, done to one process.
    process.rlimit(psutil.RLIMIT_FSIZE, (1_500_000, 1_500_000))
    reply = encode(api, bytes(5_000_000))
    assert (reply.status_code, reply.json()["code"], reply.json()["retryable"]) == (503, "upload_not_kept", True)
    assert encode(api, small_photo).status_code == 200


def test_a_photo_whose_client_left_while_it_waited_is_not_worked_on(
    start_api: Any, slow_photo: bytes, small_photo: bytes, wait_for: Any
) -> None:
    api = start_api(FACE_API_PROCESSES="1")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(encode, api, slow_photo)
        wait_for(api.in_hand)
        with api.connect() as leaving:
            body = form(small_photo)
            leaving.sendall(head("/encode", f"Content-Length: {len(body)}") + body)
            wait_for(lambda: _figure(api, "face_api_waiting") == 1)
        assert first.result().status_code == 200
    wait_for(lambda: _figure(api, "face_api_waiting") == 0)
    assert encode(api, small_photo).status_code == 200
    wait_for(lambda: _figure(api, "face_api_photos_total") == 2)


def test_no_photo_waits_while_an_engine_is_idle(
    start_api: Any, slow_photo: bytes, small_photo: bytes, wait_for: Any
) -> None:
    api = start_api()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(encode, api, slow_photo)
        wait_for(api.in_hand)
        # Whichever process accepts them, the idle engine takes them all.
        answers = list(pool.map(lambda _: encode(api, small_photo), range(8)))
        assert not slow.done()
    assert {answer.status_code for answer in answers} == {200}


def test_what_cannot_wait_is_refused_at_once(start_api: Any, slow_photo: bytes, wait_for: Any) -> None:
    api = start_api(FACE_API_PROCESSES="1", FACE_API_WAITING="2")
    with ThreadPoolExecutor(8) as pool:
        accepted = [pool.submit(encode, api, slow_photo)]
        wait_for(api.in_hand)
        accepted += [pool.submit(encode, api, slow_photo) for _ in range(2)]
        wait_for(lambda: _figure(api, "face_api_waiting") == 2)
        refused = encode(api, slow_photo)
        assert not accepted[0].done()
        assert {answer.result().status_code for answer in accepted} == {200}
    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (503, "busy", True)
    assert int(refused.headers["Retry-After"]) > 0


def test_livez_and_health_answer_while_every_engine_computes(api: Any, slow_photo: bytes, wait_for: Any) -> None:
    with ThreadPoolExecutor() as pool:
        slow = [pool.submit(encode, api, slow_photo) for _ in range(2)]
        wait_for(lambda: len(api.in_hand()) == 2)
        for path in ("/livez", "/health", "/readyz", "/metrics"):
            assert api.client.get(path).status_code == 200
        assert not any(answer.done() for answer in slow)
        assert {answer.result().status_code for answer in slow} == {200}


def test_a_graceful_stop_answers_every_photo_that_was_accepted(
    start_api: Any, slow_photo: bytes, small_photo: bytes, wait_for: Any
) -> None:
    api = start_api()
    with ThreadPoolExecutor(16) as pool, api.connect() as idle:
        answers = [pool.submit(encode, api, slow_photo) for _ in range(2)]
        wait_for(lambda: len(api.in_hand()) == 2)
        answers += [pool.submit(encode, api, photo) for photo in [slow_photo] * 2 + [small_photo] * 10]
        wait_for(lambda: _figure(api, "face_api_waiting") == 12)
        api.master.send_signal(signal.SIGTERM)
        assert [answer.result().status_code for answer in answers] == [200] * 14
        assert idle.recv(10) == b""
    assert api.master.wait(20) == 0
    assert list((api.state / "crashed").iterdir()) == []


def test_a_stop_is_not_a_crash(start_api: Any, slow_photo: bytes, wait_for: Any) -> None:
    api = start_api(FACE_API_PROCESSES="1")
    with ThreadPoolExecutor() as pool:
        pool.submit(encode, api, slow_photo)
        wait_for(api.in_hand)
        api.master.send_signal(signal.SIGQUIT)
        assert api.master.wait(20) == 0
    assert [*(api.state / "crashed").iterdir(), *(api.state / "in_hand").iterdir()] == []


def test_a_dead_master_leaves_no_process_and_no_photo_behind(start_api: Any, slow_photo: bytes, wait_for: Any) -> None:
    api = start_api()
    processes = api.processes()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(encode, api, slow_photo)
        wait_for(api.in_hand)
        api.master.kill()
        assert answer.result().status_code == 200
    wait_for(lambda: not any(process.is_running() for process in processes))
    assert not api.listens()


def test_a_process_killed_under_a_photo_is_replaced_and_the_client_may_try_again(
    start_api: Any, slow_photo: bytes, wait_for: Any
) -> None:
    api = start_api()
    outcomes = [_outcome_under_a_kill(api, slow_photo, wait_for) for _ in range(2)]
    assert set(outcomes) <= {"engine_died", "broken connection"}
    wait_for(lambda: len(list((api.state / "crashed").iterdir())) == 2)
    refused = encode(api, slow_photo)
    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (422, "crashed_before", False)
    wait_for(lambda: len(api.processes()) == 2 and _figure(api, "face_api_engines") == 2)


def _outcome_under_a_kill(api: Any, photo: bytes, wait_for: Any) -> str:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(encode, api, photo)
        wait_for(api.in_hand)
        os.kill(next(iter(api.in_hand())), signal.SIGKILL)
        try:
            reply = answer.result()
        except httpx2.TransportError:
            return "broken connection"
        assert (reply.status_code, reply.json()["retryable"]) == (503, True)
        assert "Retry-After" in reply.headers
        return str(reply.json()["code"])


def test_a_photo_that_keeps_its_engine_too_long_ends_the_process(start_api: Any, slow_photo: bytes) -> None:
    api = start_api(FACE_API_PHOTO_SECONDS="1")
    try:
        reply = encode(api, slow_photo)
        assert (reply.status_code, reply.json()["code"]) == (503, "engine_died")
    except httpx2.TransportError:
        pass
    assert "Timeout (0:00:01)" in api.log()
    api.wait_until_ready()


def test_a_process_that_grew_too_large_is_replaced_between_photos(
    start_api: Any, small_photo: bytes, wait_for: Any
) -> None:
    # Less than the models take: each process is too large after its first photo.
    api = start_api(FACE_API_MEMORY_MB="100")
    before = {process.pid for process in api.processes()}

    def both_are_new() -> bool:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: encode(api, small_photo), range(4)))
        assert {answer.status_code for answer in answers} == {200}
        return len({process.pid for process in api.processes()} - before) == 2

    wait_for(both_are_new)
    assert "it is replaced now" in api.log()
    assert "ended under the photo" not in api.log()


def test_figures_add_up_over_processes_also_over_replaced_ones(
    start_api: Any, small_photo: bytes, wait_for: Any
) -> None:
    api = start_api()
    for _ in range(6):
        assert encode(api, small_photo).status_code == 200
    wait_for(lambda: _figure(api, "face_api_photos_total") == 6)
    for process in api.processes():
        process.terminate()
        wait_for(lambda gone=process: not gone.is_running() or gone.status() == psutil.STATUS_ZOMBIE)
    wait_for(lambda: _figure(api, "face_api_process_ends_total") == 2 and _figure(api, "face_api_engines") == 2)
    assert encode(api, small_photo).status_code == 200
    wait_for(lambda: _figure(api, "face_api_photos_total") == 7)


def test_swept_folders_take_nothing_down(start_api: Any, small_photo: bytes, tmp_path: Path, wait_for: Any) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    api = start_api(TMPDIR=str(place))
    before = {process.pid for process in api.processes()}
    for folder in (api.state, *place.glob("face-api-metrics-*")):
        shutil.rmtree(folder)
    assert encode(api, small_photo).status_code == 200
    for process in api.processes():
        process.kill()
    wait_for(lambda: len({process.pid for process in api.processes()} - before) == 2)
    api.wait_until_ready()
    assert encode(api, small_photo).status_code == 200
    assert api.client.get("/metrics").status_code == 200


def test_what_a_killed_service_left_is_swept_up_by_the_next(start_api: Any, tmp_path: Path, wait_for: Any) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    killed, other = start_api(TMPDIR=str(place)), start_api(TMPDIR=str(place))
    assert len(list(place.glob("face-api-metrics-*"))) == 2
    processes = killed.processes()
    killed.master.kill()
    wait_for(lambda: not any(process.is_running() for process in processes))
    start_api(TMPDIR=str(place))
    assert len(list(place.glob("face-api-metrics-*"))) == 2
    assert other.client.get("/metrics").status_code == 200


def test_a_reload_replaces_every_process_and_loses_no_photo(start_api: Any, slow_photo: bytes, wait_for: Any) -> None:
    api = start_api()
    before = {process.pid for process in api.processes()}
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(encode, api, slow_photo) for _ in range(4)]
        wait_for(lambda: len(api.in_hand()) == 2)
        api.master.send_signal(signal.SIGHUP)
        assert {answer.result().status_code for answer in answers} == {200}
    wait_for(lambda: before.isdisjoint(process.pid for process in api.processes()))
    api.wait_until_ready()


def test_nothing_is_kept_open_after_many_photos(api: Any, small_photo: bytes, wait_for: Any) -> None:
    encode(api, small_photo)
    before = [process.num_fds() for process in api.processes()]
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(lambda _: encode(api, small_photo), range(60))} == {200}
    wait_for(lambda: all(p.num_fds() <= b + 3 for p, b in zip(api.processes(), before, strict=True)))


def _figure(api: Any, name: str) -> float:
    lines = api.client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.split()[0] == name)
