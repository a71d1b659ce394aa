"""What all tests share: the sample photos, and signals that stop what a person can stop."""

from __future__ import annotations

import signal
from pathlib import Path

import hypothesis
import pytest

#: What ends a program that a person started; a shell that starts the tests in the background ignores them.
PERSONS_SIGNALS = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}

#: Property tests find the same on every machine, however slow it is, and leave no folder behind.
hypothesis.settings.register_profile("ours", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("ours")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample photos: `known/<Person>.jpg` and `photos/*`; docs/samples.md says what they show."""
    folder = ROOT / ".cache/samples"
    assert (folder / ".done").exists(), "the sample photos are missing: run script/samples (script/test does it)"
    return folder


@pytest.fixture(scope="session", autouse=True)
def signals_as_from_a_terminal() -> None:
    """What ignores a signal hands that on to every program that it starts, and ours are to be stopped here."""
    for number, handler in PERSONS_SIGNALS.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
