from __future__ import annotations

import signal
import subprocess
import sys
import time

from worker.queue.supervision import Stop

CODE = """
import time
from worker.queue.supervision import GivenUp, Stop
stop = Stop()
stop.listen()
try:
    with stop.job_in_hand():
        print("working", flush=True)
        time.sleep({work})
        print("finished", flush=True)
    print("told", stop.wait(60), flush=True)
except GivenUp:
    print("given up", flush=True)
"""


def words_after(*signals: signal.Signals, work: float) -> list[str]:
    process = subprocess.Popen([sys.executable, "-c", CODE.format(work=work)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    for number in signals:
        process.send_signal(number)
        time.sleep(0.1)
    out, _ = process.communicate(timeout=60)
    return out.split("\n")[:-1]


def test_told_once_the_job_in_hand_is_finished() -> None:
    assert words_after(signal.SIGTERM, work=1) == ["finished", "told True"]


def test_told_twice_the_job_in_hand_is_left() -> None:
    assert words_after(signal.SIGTERM, signal.SIGQUIT, work=60) == ["given up"]


def test_waiting_ends_when_it_is_told() -> None:
    stop = Stop()
    assert not stop.wait(0.01)
    stop.set()
    assert stop.wait(60)
    stop.close()


def test_a_signal_that_comes_after_its_end_finds_nobody() -> None:
    stop = Stop()
    stop.close()
    stop.set()
    assert stop.is_set()


ENDING = """
import time
from worker.queue.supervision import Stop
stop = Stop()
stop.listen()
stop.close()
print("closed", flush=True)
time.sleep(0.5)
"""


def test_a_signal_while_python_ends_does_not_look_as_if_it_had_been_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", ENDING], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "closed\n"
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.001)
    process.communicate()
    assert process.returncode == 0
