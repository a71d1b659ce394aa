from __future__ import annotations

import os
import signal
import threading

import pytest

from worker.commands.interrupts import held_back


def tell(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wish_to_stop_is_obeyed_where_it_is_asked_for(number: signal.Signals) -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), held_back() as check:
        check()
        tell(number)
        steps.append("the step is finished")
        check()
        steps.append("another step")
    assert steps == ["the step is finished"]


def test_what_nobody_asked_about_is_obeyed_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), held_back():
        tell(signal.SIGINT)


def test_who_says_it_twice_does_not_wait() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), held_back():
        tell(signal.SIGINT)
        steps.append(1)
        tell(signal.SIGINT)
        steps.append(2)
    assert steps == [1]


def test_afterwards_everything_is_as_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with held_back():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_in_another_thread_nothing_is_held_back() -> None:
    done = []

    def work() -> None:
        with held_back() as check:
            check()
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert done == [True]
