"""More photos than engines: who waits, who is refused, which process is replaced, and do the figures add up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil


def test_no_photo_waits_while_an_engine_is_idle(
    start_api: Any, slow_photo: bytes, small_photo: bytes, wait_for: Any
) -> None:
    api = start_api()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(api.encode, slow_photo)
        wait_for(api.in_hand)
        # Whichever process accepts them, the idle engine takes them all.
        answers = list(pool.map(lambda _: api.encode(small_photo), range(8)))
        assert not slow.done()
    assert {answer.status_code for answer in answers} == {200}


def test_what_cannot_wait_is_refused_at_once(start_api: Any, slow_photo: bytes, wait_for: Any) -> None:
    api = start_api(FACE_API_PROCESSES="1", FACE_API_WAITING="2")
    with ThreadPoolExecutor(8) as pool:
        accepted = [pool.submit(api.encode, slow_photo)]
        wait_for(api.in_hand)
        accepted += [pool.submit(api.encode, slow_photo) for _ in range(2)]
        wait_for(lambda: api.figure("face_api_waiting") == 2)
        refused = api.encode(slow_photo)
        assert not accepted[0].done()
        assert {answer.result().status_code for answer in accepted} == {200}
    assert refused.status_code == 503
    assert refused.json()["code"] == "busy"
    assert refused.json()["retryable"] is True
    assert int(refused.headers["Retry-After"]) > 0


def test_livez_and_health_answer_while_every_engine_computes(api: Any, slow_photo: bytes, wait_for: Any) -> None:
    with ThreadPoolExecutor() as pool:
        slow = [pool.submit(api.encode, slow_photo) for _ in range(2)]
        wait_for(lambda: len(api.in_hand()) == 2)
        for path in ("/livez", "/health", "/readyz", "/metrics"):
            assert api.client.get(path).status_code == 200
        assert not any(answer.done() for answer in slow)
        assert {answer.result().status_code for answer in slow} == {200}


def test_a_process_that_grew_too_large_is_replaced_between_photos(
    start_api: Any, small_photo: bytes, wait_for: Any
) -> None:
    # Less than the models take: each process is too large after its first photo.
    api = start_api(FACE_API_MEMORY_MB="100")
    before = {process.pid for process in api.processes()}

    def both_are_new() -> bool:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: api.encode(small_photo), range(4)))
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
        assert api.encode(small_photo).status_code == 200
    wait_for(lambda: api.figure("face_api_photos_total") == 6)
    for process in api.processes():
        process.terminate()
        wait_for(lambda gone=process: not gone.is_running() or gone.status() == psutil.STATUS_ZOMBIE)
    wait_for(lambda: api.figure("face_api_process_ends_total") == 2 and api.figure("face_api_engines") == 2)
    assert api.encode(small_photo).status_code == 200
    wait_for(lambda: api.figure("face_api_photos_total") == 7)
