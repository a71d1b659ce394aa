"""How processes of the API end: stopped, reloaded, killed, or by a photo."""

from __future__ import annotations

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2

from tests.servers.running_api import RunningApi


def test_a_graceful_stop_answers_every_photo_that_was_accepted(
    start_api: Any, slow_photo: bytes, small_photo: bytes, wait_for: Any
) -> None:
    api = start_api()
    with ThreadPoolExecutor(16) as pool, api.connect() as idle:
        answers = [pool.submit(api.encode, slow_photo) for _ in range(2)]
        wait_for(lambda: len(api.in_hand()) == 2)
        answers += [pool.submit(api.encode, photo) for photo in [slow_photo] * 2 + [small_photo] * 10]
        wait_for(lambda: api.figure("face_api_waiting") == 12)
        api.master.send_signal(signal.SIGTERM)
        assert [answer.result().status_code for answer in answers] == [200] * 14
        assert idle.recv(10) == b""
    assert api.master.wait(20) == 0
    assert list((api.state / "crashed").iterdir()) == []


def test_a_stop_is_not_a_crash(start_api: Any, slow_photo: bytes, wait_for: Any) -> None:
    api = start_api(FACE_API_PROCESSES="1")
    with ThreadPoolExecutor() as pool:
        pool.submit(api.encode, slow_photo)
        wait_for(api.in_hand)
        api.master.send_signal(signal.SIGQUIT)
        assert api.master.wait(20) == 0
    assert [*(api.state / "crashed").iterdir(), *(api.state / "in_hand").iterdir()] == []


def test_a_process_hears_a_stop_from_its_first_moment(tmp_path: Path, wait_for: Any) -> None:
    """A process that was just forked does not listen to signals yet: what the master says then must not be lost."""
    api = RunningApi(tmp_path / "api", {"FACE_API_PROCESSES": "1"})
    try:
        children = Path(f"/proc/{api.master.pid}/task/{api.master.pid}/children")
        wait_for(children.read_text, pause=0)
        first = int(children.read_text().split()[0])
        os.kill(first, signal.SIGTERM)
        wait_for(lambda: str(first) not in children.read_text().split(), seconds=20, what="the end of the process")
        api.wait_until_ready()
    finally:
        api.stop()


def test_a_mark_that_cannot_be_removed_does_not_hold_up_a_stop(
    start_api: Any, slow_photo: bytes, wait_for: Any
) -> None:
    api = start_api(FACE_API_PROCESSES="1")
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(api.encode, slow_photo)
        wait_for(api.in_hand)
        [mark] = (api.state / "in_hand").iterdir()
        mark.unlink()
        mark.mkdir()
        api.master.send_signal(signal.SIGTERM)
        assert answer.result().status_code == 200
    assert api.master.wait(20) == 0
    assert "may count as a crash" in api.log()


def test_a_dead_master_leaves_no_process_and_no_photo_behind(start_api: Any, slow_photo: bytes, wait_for: Any) -> None:
    api = start_api()
    processes = api.processes()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(api.encode, slow_photo)
        wait_for(api.in_hand)
        api.master.kill()
        # The port is free while the photo is still in hand: a new master wants it.
        wait_for(lambda: not api.listens(), pause=0)
        assert not answer.done()
        assert answer.result().status_code == 200
    wait_for(lambda: not any(process.is_running() for process in processes))
    assert list((api.state / "crashed").iterdir()) == []


def test_a_process_goes_before_its_master_when_memory_is_short(start_api: Any) -> None:
    api = start_api()

    def score(process: Any) -> int:
        return int(Path(f"/proc/{process.pid}/oom_score_adj").read_text())

    assert all(score(process) > score(api.master) for process in api.processes())


def test_a_process_killed_under_a_photo_is_replaced_and_the_client_may_try_again(
    start_api: Any, slow_photo: bytes, wait_for: Any
) -> None:
    api = start_api()
    outcomes = [_outcome_under_a_kill(api, slow_photo, wait_for) for _ in range(2)]
    assert set(outcomes) <= {"engine_died", "broken connection"}
    wait_for(lambda: len(list((api.state / "crashed").iterdir())) == 2)
    refused = api.encode(slow_photo)
    assert refused.status_code == 422
    assert refused.json()["code"] == "crashed_before"
    assert refused.json()["retryable"] is False
    wait_for(lambda: len(api.processes()) == 2 and api.figure("face_api_engines") == 2)


def _outcome_under_a_kill(api: Any, photo: bytes, wait_for: Any) -> str:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(api.encode, photo)
        wait_for(api.in_hand)
        os.kill(next(iter(api.in_hand())), signal.SIGKILL)
        try:
            reply = answer.result()
        except httpx2.TransportError:
            return "broken connection"
        assert reply.status_code == 503
        assert reply.json()["retryable"] is True
        assert "Retry-After" in reply.headers
        return str(reply.json()["code"])


def test_a_photo_that_keeps_its_engine_too_long_ends_the_process(start_api: Any, slow_photo: bytes) -> None:
    api = start_api(FACE_API_PHOTO_SECONDS="1", FACE_FAST="none")
    try:
        reply = api.encode(slow_photo)
        assert reply.status_code == 503
        assert reply.json()["code"] == "engine_died"
    except httpx2.TransportError:
        pass
    assert "Timeout (0:00:01)" in api.log()
    api.wait_until_ready()


def test_swept_folders_take_nothing_down(start_api: Any, small_photo: bytes, tmp_path: Path, wait_for: Any) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    api = start_api(TMPDIR=str(place))
    before = {process.pid for process in api.processes()}
    for folder in (api.state, place):
        shutil.rmtree(folder)
    assert api.encode(small_photo).status_code == 200
    for process in api.processes():
        process.kill()
    wait_for(lambda: len({process.pid for process in api.processes()} - before) == 2)
    place.mkdir()
    api.wait_until_ready()
    assert api.encode(small_photo).status_code == 200
    assert api.client.get("/metrics").status_code == 200


def test_nothing_is_left_in_the_temporary_folder_by_a_service_that_is_killed(
    start_api: Any, small_photo: bytes, tmp_path: Path
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    api = start_api(TMPDIR=str(place), FACE_API_UPLOAD_MB="0")
    assert api.encode(small_photo).status_code == 200
    api.kill()
    assert list(place.iterdir()) == []


def test_a_reload_replaces_every_process_and_loses_no_photo(start_api: Any, slow_photo: bytes, wait_for: Any) -> None:
    api = start_api()
    before = {process.pid for process in api.processes()}
    with ThreadPoolExecutor() as pool:
        answers = [pool.submit(api.encode, slow_photo) for _ in range(4)]
        wait_for(lambda: len(api.in_hand()) == 2)
        api.master.send_signal(signal.SIGHUP)
        assert {answer.result().status_code for answer in answers} == {200}
    wait_for(lambda: before.isdisjoint(process.pid for process in api.processes()))
    api.wait_until_ready()


def test_the_master_has_no_thread_that_a_fork_would_lose(api: Any) -> None:
    assert len(list(Path(f"/proc/{api.master.pid}/task").iterdir())) == 1
