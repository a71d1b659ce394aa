"""Exceptions where a test wants them: at a named step of a job, or as a function of ours is called."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

#: Modules whose calls are traced.
_OURS = ("worker.", "faces.store.", "tests.stubs.broker")

#: The place of a call that no test can mean: comprehensions and the like.
_NAMELESS = "<"


@dataclass
class _Fault:
    name: str
    error: BaseException
    time: int


class Faults(logging.Handler):
    """In force while a worker runs, in its own thread; a fault comes once, at its time."""

    def __init__(self) -> None:
        super().__init__()
        self._at_steps: list[_Fault] = []
        self._at_calls: list[_Fault] = []
        self.steps: list[str] = []
        """The steps that were reached, in order."""
        self.calls: list[str] = []
        """The functions that were called, as `CrashMarks.begin` or `attempts_of`; only after `hear_calls`."""
        self._hears_calls = False
        self._counted: Counter[str] = Counter()

    def at_step(self, step: str, error: BaseException, time: int = 1) -> None:
        """Raise it when this step is reached for the `time`th time from now."""
        self._at_steps.append(_Fault(step, error, self.steps.count(step) + time))

    def at_call(self, name: str, error: BaseException, time: int = 1) -> None:
        """Raise it when this function is called for the `time`th time from now; one that yields, also as it goes on.

        Nothing is traced after it, until the next worker.
        """
        self.hear_calls()
        self._at_calls.append(_Fault(name, error, self._counted[name] + time))

    def hear_calls(self) -> None:
        """Write down all calls from now on; they cost some time."""
        self._hears_calls = True

    @property
    def pending(self) -> list[str]:
        """Where a fault was ordered that has not come."""
        return [fault.name for fault in self._at_steps + self._at_calls]

    @contextmanager
    def heard(self) -> Iterator[None]:
        """For as long as a worker runs."""
        steps = logging.getLogger("worker.job.steps")
        level, propagates, trace = steps.level, steps.propagate, sys.gettrace()
        steps.setLevel(logging.DEBUG)
        steps.propagate = False
        steps.addHandler(self)
        if self._hears_calls:
            sys.settrace(self._on_call)
        try:
            yield
        finally:
            sys.settrace(trace)
            steps.removeHandler(self)
            steps.setLevel(level)
            steps.propagate = propagates

    def emit(self, record: logging.LogRecord) -> None:
        step = record.getMessage()
        self.steps.append(step)
        self._raise(self._at_steps, step, self.steps.count(step))

    def _on_call(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Returns nothing: the lines of a function are not asked for."""
        if event != "call" or not frame.f_globals.get("__name__", "").startswith(_OURS):
            return
        name = _name_of(frame)
        if name.startswith(_NAMELESS) or name == "reached":
            return
        self.calls.append(name)
        self._counted[name] += 1
        # Python ends the tracing with such an exception: one at a time.
        self._raise(self._at_calls, name, self._counted[name])

    def _raise(self, faults: list[_Fault], name: str, time: int) -> None:
        for fault in faults:
            if (fault.name, fault.time) == (name, time):
                faults.remove(fault)
                raise fault.error


def _name_of(frame: FrameType) -> str:
    code = frame.f_code
    if code.co_varnames[:1] == ("self",):
        return f"{type(frame.f_locals['self']).__name__}.{code.co_name}"
    return code.co_name
