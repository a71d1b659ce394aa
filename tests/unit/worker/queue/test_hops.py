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

QUALITY = {"total": 50.0, "details": {"size": 12.5, "sharpness": 17.5, "brightness": 10.0, "contrast": 10.0}}


@dataclass
class Hops:
    """What is called from a delivery's arrival to its rows, and then to its ack; functions by module and name."""

    to_rows: set[tuple[str, str]] = field(default_factory=set)
    to_ack: set[tuple[str, str]] = field(default_factory=set)
    _handling: FrameType | None = None
    _has_rows: bool = False

    def on_event(self, frame: FrameType, event: str, _argument: Any) -> None:
        module, code = frame.f_globals.get("__name__", ""), frame.f_code
        if event == "return" and frame is self._handling:
            self._handling = None
        if event != "call" or not module.startswith(_OURS):
            return
        if (module, code.co_name) == ("worker.queue.handling", "handle"):
            self._handling = frame
        if code.co_name == "reached" and frame.f_locals["step"] == "committed":
            self._has_rows = True
        if self._handling and not code.co_name.startswith("<"):
            name = (module, f"{code.co_name}:{code.co_firstlineno}")
            self.to_ack.add(name)
            if not self._has_rows:
                self.to_rows.add(name)


@contextmanager
def profiled() -> Iterator[Hops]:
    """What the test's own thread calls, which is the worker's."""
    hops, before = Hops(), sys.getprofile()
    sys.setprofile(hops.on_event)
    try:
        yield hops
    finally:
        sys.setprofile(before)


def counted(names: set[tuple[str, str]]) -> tuple[int, int]:
    """Modules and functions."""
    return len({module for module, _ in names}), len(names)


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
    rows, ack = counted(hops.to_rows), counted(hops.to_ack)
    print(f"to its rows: {rows}, to its ack: {ack}")  # noqa: T201
    assert rows <= (99, 999), sorted(hops.to_rows)
