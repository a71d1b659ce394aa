"""How many modules and functions of ours a delivery passes: who follows one job must be able to read them all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from tests.acceptance.steps import name_of, row_of, scripted
from tests.servers.people import PEOPLE, near
from tests.servers.scripted_api import finds
from tests.stubs.api import StubApi
from tests.stubs.app import StubApp

_OURS = ("worker.", "faces.")

#: How many there may be until the rows are committed. Lower them when they fall, and think twice before raising them.
MOST_MODULES = 27
MOST_FUNCTIONS = 140

QUALITY = {"total": 50.0, "details": {"size": 12.5, "sharpness": 17.5, "brightness": 10.0, "contrast": 10.0}}


@dataclass
class Hops:
    """What is called from a delivery's arrival until its rows are committed, by module and place of the function."""

    passed: set[tuple[str, str]] = field(default_factory=set)
    _hears: bool = False

    def on_event(self, frame: FrameType, event: str, _argument: Any) -> None:
        module, code = frame.f_globals.get("__name__", ""), frame.f_code
        if event != "call" or not module.startswith(_OURS):
            return
        if (module, code.co_name) == ("worker.queue.handling", "handle"):
            self._hears = True
        if code.co_name == "reached" and frame.f_locals["step"] == "committed":
            self._hears = False
        # Lambdas and comprehensions are no functions to look up, and what a dataclass generates is written nowhere.
        if self._hears and not code.co_name.startswith("<") and not code.co_filename.startswith("<"):
            self.passed.add((module, f"{code.co_name}:{code.co_firstlineno}"))


@contextmanager
def profiled() -> Iterator[Hops]:
    """What the test's own thread calls, which is the worker's."""
    hops, before = Hops(), sys.getprofile()
    sys.setprofile(hops.on_event)
    try:
        yield hops
    finally:
        sys.setprofile(before)


def test_a_delivery_passes_few_modules_and_functions(app: StubApp, api: StubApi) -> None:
    """Two faces, one of them known, with their quality and a debug picture: as a photo of the app usually is."""
    app.rows.master(PEOPLE[0])
    image = scripted(
        app, api, finds(near(PEOPLE[0], 0.3), PEOPLE[1], qualities=[QUALITY] * 2, debug_image_path="/photos/2020/d.jpg")
    )
    app.push(image)
    with profiled() as hops:
        app.worker().run("run", "--stop-when-empty")
    assert row_of(app, image)["faces_checked"] == 1
    assert len(app.rows.faces(image)) == 2
    assert len(api.times(name_of(app, image))) == 1
    assert len({module for module, _ in hops.passed}) <= MOST_MODULES, sorted(hops.passed)
    assert len(hops.passed) <= MOST_FUNCTIONS, sorted(hops.passed)
    assert len(hops.passed) > 50, "the profiler heard the worker"
