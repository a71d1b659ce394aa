from __future__ import annotations

import queue
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType

import pytest

from faces.http.server.signal_queue import SignalQueue


@pytest.fixture
def signals() -> SignalQueue:
    return SignalQueue()


@pytest.fixture
def alarm(signals: SignalQueue) -> Iterator[None]:
    """SIGALRM goes into the queue, as the master's handlers put theirs."""

    def put(number: int, _frame: FrameType | None) -> None:
        signals.put_nowait(number)

    before = signal.signal(signal.SIGALRM, put)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def an_end() -> Iterator[None]:
    """A wait without an end gets one, and fails."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError("it waits without a limit")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("an_end")
def test_a_wait_whose_time_passes_before_it_begins_ends(signals: SignalQueue) -> None:
    # A limit so short stands for a process that is stopped in these microseconds.
    for _ in range(10_000):
        signals.put_nowait(signal.SIGCHLD)
        assert signals.get(timeout=1) == signal.SIGCHLD
        for _ in range(2):
            with pytest.raises(queue.Empty):
                signals.get(timeout=1e-6)


@pytest.mark.usefixtures("alarm")
def test_a_signal_ends_the_wait(signals: SignalQueue) -> None:
    for _ in range(100):
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        assert signals.get(timeout=None) == signal.SIGALRM


@pytest.mark.usefixtures("alarm")
def test_signals_between_two_steps_are_all_there(signals: SignalQueue) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    found, sent = Counter[int](), 0
    while found[signal.SIGALRM] < 100:
        signals.put_nowait(signal.SIGTERM)
        sent += 1
        found[signals.get(timeout=60)] += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    with suppress(queue.Empty):
        while True:
            found[signals.get_nowait()] += 1
    assert found[signal.SIGTERM] == sent


def test_they_come_in_order_and_then_there_is_none(signals: SignalQueue) -> None:
    signals.put_nowait(signal.SIGHUP)
    signals.put_nowait(signal.SIGTERM)
    assert signals.get(timeout=60) == signal.SIGHUP
    assert signals.get_nowait() == signal.SIGTERM
    with pytest.raises(queue.Empty):
        signals.get_nowait()
    with pytest.raises(queue.Empty):
        signals.get(block=False)
