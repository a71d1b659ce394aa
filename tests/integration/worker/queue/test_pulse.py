from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faces.system.systemd_notify import SystemdNotifier
from tests.servers.like_systemd import LikeSystemd
from tests.servers.waiting import wait_for
from worker.queue.supervision import ROUND_SECONDS, Pulse

PATIENCE = 0.3


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[LikeSystemd]:
    with closing(LikeSystemd(tmp_path)) as ears:
        yield ears


def pulse(ears: LikeSystemd, patience: float | None = PATIENCE) -> Pulse:
    return Pulse(SystemdNotifier(ears.variables["NOTIFY_SOCKET"], patience))


def test_a_worker_is_ready_and_then_alive_for_as_long_as_a_photo_takes(ears: LikeSystemd) -> None:
    with closing(pulse(ears)) as one:
        one.start()
        one.back_after(300)
        assert [ears.hear() for _ in range(4)] == ["READY=1"] + ["WATCHDOG=1"] * 3


def test_where_nobody_waits_for_word_no_thread_says_any(ears: LikeSystemd) -> None:
    with closing(pulse(ears, patience=None)) as one:
        one.start()
        first, second = ears.hear(), ears.hear(PATIENCE * 3)
        assert first == "READY=1"
        assert second == ""


def test_a_main_thread_that_does_not_come_back_silences_it(ears: LikeSystemd, caplog: pytest.LogCaptureFixture) -> None:
    with closing(pulse(ears)) as one, caplog.at_level(logging.ERROR):
        one.start()
        assert [ears.hear() for _ in range(2)] == ["READY=1", "WATCHDOG=1"]
        one.back_after(-ROUND_SECONDS)
        wait_for(lambda: ears.hear(PATIENCE * 3) == "")
        assert caplog.messages == ["the main thread hangs: systemd is told nothing any more, and ends this worker"]
        one.back_after(0)
        assert ears.hear() == "WATCHDOG=1"


def test_a_connections_thread_that_does_not_answer_silences_it(
    ears: LikeSystemd, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [True, True]
    with closing(pulse(ears)) as one, caplog.at_level(logging.ERROR):
        one.ask_also(lambda _: bool(answers and answers.pop()))
        one.start()
        assert [ears.hear() for _ in range(3)] == ["READY=1"] + ["WATCHDOG=1"] * 2
        assert ears.hear(PATIENCE * 3) == ""
    assert caplog.messages == [
        "the thread of RabbitMQ's connection hangs: systemd is told nothing any more, and ends this worker"
    ]
