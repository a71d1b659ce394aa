"""What all tests share: servers, sample photos, signals that stop what a person can stop, and one core a process."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.rabbitmq import RabbitMQ, running_rabbitmq

#: What ends a program that a person started; a shell that starts the tests in the background ignores them.
PERSONS_SIGNALS = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}

#: Property tests find the same on every machine, however slow it is, and leave no folder behind.
hypothesis.settings.register_profile("ours", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("ours")

#: How many threads numpy multiplies matrices with: usually as many as there are cores, and they turn while they wait.
_THREADS = "OPENBLAS_NUM_THREADS"


def one_thread_for_matrices() -> None:
    """As the tests already run a process for each core; what they start is as everywhere."""
    if _THREADS not in os.environ:
        os.environ[_THREADS] = "1"
        importlib.import_module("numpy")
        del os.environ[_THREADS]


# Here and not in a hook: the conftests below import numpy.
one_thread_for_matrices()

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample photos: `known/<Person>.jpg` and `photos/*`; docs/samples.md says what they show."""
    folder = ROOT / ".cache/samples"
    assert (folder / ".done").exists(), "the sample photos are missing: run script/samples (script/test does it)"
    return folder


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """For all tests that leave it as it was, each in databases of its own."""
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """For all tests that leave it as it was, each with queues of its own."""
    with running_rabbitmq() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def signals_as_from_a_terminal() -> None:
    """What ignores a signal hands that on to every program that it starts, and ours are to be stopped here."""
    for number, handler in PERSONS_SIGNALS.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
