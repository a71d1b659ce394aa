"""What of ours one photo, one delivery or one ack passes in a checkout, as Python's profiler sees it in all threads.

`python - FLOW CHECKOUT PHOTO` in that folder, with this text as the input: it stands alone, and takes the checkout's
own tests package and its own modules, which it finds by what they define. Its last line is the answer, as JSON.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import json
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

#: Seconds after a photo's answer in which the engine's thread counts it: that is of its way, too.
_REST = 0.5

_QUALITY = {"total": 50.0, "details": {"size": 12.5, "sharpness": 17.5, "brightness": 10.0, "contrast": 10.0}}

#: Lists of functions by what they were passed on the way to; each function once, in the order of first calls.
Answer = dict[str, list[str]]


class Profiler:
    """Writes down which functions of ours are called while it is open; what has no name (lambdas) in brackets."""

    def __init__(self, checkout: Path, notice: Callable[[FrameType, str, Any], None] = lambda *_: None) -> None:
        """`notice` is called with every event and may open and close."""
        self._roots = {str(file.parent): file.parent.name for file in checkout.glob("*/__init__.py")}
        self._checkout, self._notice = checkout, notice
        self._names: dict[CodeType, str | None] = {}
        self.is_open = False
        self.passed: dict[str, None] = {}

    def hear(self) -> None:
        """From now on: this thread, and those that begin after."""
        threading.setprofile(self._hear)
        sys.setprofile(self._hear)

    def _hear(self, frame: FrameType, event: str, argument: Any) -> None:
        self._notice(frame, event, argument)
        if self.is_open and event == "call" and (name := self._name_of(frame.f_code)):
            self.passed.setdefault(name)

    def _name_of(self, code: CodeType) -> str | None:
        if code not in self._names:
            self._names[code] = self._new_name(code)
        return self._names[code]

    def _new_name(self, code: CodeType) -> str | None:
        is_ours = code.co_filename.startswith(tuple(f"{root}/" for root in self._roots))
        if not is_ours or not code.co_flags & CO_OPTIMIZED:  # the body of a module or class is none
            return None
        module = ".".join(Path(code.co_filename).relative_to(self._checkout).with_suffix("").parts)
        # Before Python 3.11 a function does not know its class; its line tells it from others of its name, as it does
        # for what has none.
        name, line = code.co_name, code.co_firstlineno
        return (
            f"{module}:{f'<{name[1:-1]} {line}>' if name[0] == '<' else getattr(code, 'co_qualname', f'{name} {line}')}"
        )


def of_photo(checkout: Path, photo: bytes) -> Answer:
    """From POST /encode to its answer, the application in memory; a second photo, because the first loads things."""
    create_app, open_engine = _defined("create_app", checkout), _defined("open_engine", checkout)
    load = importlib.import_module("faces.settings").load
    profiler = Profiler(checkout)
    profiler.hear()

    async def ask(app: Any) -> None:
        import httpx2

        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000", timeout=120) as client:
            for profiler.is_open in (False, True):
                reply = await client.post("/encode", files={"image": ("photo", photo)})
                if reply.status_code != 200:
                    raise RuntimeError(f"POST /encode answered {reply.status_code}: {reply.text}")
                await asyncio.sleep(_REST)
            profiler.is_open = False

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(ask(create_app(load(state_dir=Path(folder)), open_engine(load()))))
    return {"answer": list(profiler.passed)}


def of_delivery(checkout: Path, _photo: bytes) -> Answer:
    """From a delivery's arrival to the commit of its rows, and to its ack; two faces, of which one is known.

    The worker in memory, as the tests have it: all of it is real but the broker, the face API and the clock. Its second
    job, because the first loads things.
    """
    arrives, acked = (getattr(_defined("StubBroker", checkout, "tests"), name).__code__ for name in ("next", "ack"))
    answer: Answer = {}
    arrived = 0

    def notice(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal arrived
        if event == "return" and frame.f_code is arrives and argument is not None:
            arrived += 1
            profiler.is_open = arrived == 2
        elif not profiler.is_open:
            return
        elif event == "c_return" and _is_commit(argument) and "rows" not in answer and _is_checked(app, images[1]):
            answer["rows"] = list(profiler.passed)
        elif event == "call" and frame.f_code is acked:
            answer["ack"] = list(profiler.passed)
            profiler.is_open = False

    profiler = Profiler(checkout, notice)
    with tempfile.TemporaryDirectory() as folder:
        app = _app_in_memory(checkout, Path(folder, "app"))
        images = _push_two_photos(app, checkout)
        profiler.hear()
        app.worker().run("run", "--max-jobs", len(images))
    return answer


def _app_in_memory(checkout: Path, folder: Path) -> Any:
    new_stub_app, stub_api, new_clock, faults = (
        _defined(name, checkout, "tests/stubs") for name in ("new_stub_app", "StubApi", "Clock", "Faults")
    )
    clock = new_clock()
    # As the tests' fixture does.
    time.monotonic, time.time, time.sleep = clock.monotonic, clock.unix, clock.sleep
    return new_stub_app(folder, clock, stub_api(clock), faults())


def _push_two_photos(app: Any, checkout: Path) -> list[int]:
    people, finds = _defined("PEOPLE", checkout, "tests/servers"), _defined("finds", checkout, "tests/servers")
    app.rows.master(people[0], name="Ada")
    images = [app.image(b"photo") for _ in range(2)]
    for image in images:
        name = app.rows.one("SELECT filename FROM images WHERE id = :id", id=image)["filename"]
        # With qualities and a debug picture, as a photo of the app usually is.
        app.api.answer(name, finds(*people[:2], qualities=[_QUALITY] * 2, debug_image_path="/photos/2020/d.jpg"))
        app.push(image)
    return images


def _is_commit(function: Any) -> bool:
    return getattr(function, "__name__", "") == "commit" and isinstance(function.__self__, sqlite3.Connection)


def _is_checked(app: Any, image: int) -> bool:
    return bool(app.rows.one("SELECT faces_checked FROM images WHERE id = :id", id=image)["faces_checked"])


class AckListener:
    """A plugin of pytest: the first ack by a test, from the test's call to pika's `basic_ack`; then the tests end."""

    def __init__(self, checkout: Path) -> None:
        self.answer: Answer = {}
        self.profiler = Profiler(checkout, self._notice)
        self._tests = f"{checkout}/tests/"

    def pytest_sessionstart(self) -> None:
        self.profiler.hear()

    def pytest_runtest_logfinish(self) -> None:
        if "basic_ack" in self.answer:
            self._session.shouldstop = "it was heard"

    def pytest_collection_finish(self, session: Any) -> None:
        self._session = session

    def _notice(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or "basic_ack" in self.answer:
            return
        if frame.f_code.co_name == "ack" and frame.f_back and frame.f_back.f_code.co_filename.startswith(self._tests):
            self.profiler.is_open = True
        elif self.profiler.is_open and frame.f_code.co_name == "basic_ack":
            self.answer["basic_ack"] = list(self.profiler.passed)
            self.profiler.is_open = False


def of_ack(checkout: Path, _photo: bytes) -> Answer:
    """From the ack of a delivery to pika's `basic_ack`, on a real RabbitMQ, which the checkout's tests start."""
    import pytest

    listener = AckListener(checkout)
    pytest.main(["-qq", "-p", "no:cacheprovider", "tests/integration/amqp"], plugins=[listener])
    return listener.answer


def _defined(name: str, checkout: Path, folder: str = "") -> Any:
    """What a module of the checkout defines by this name at its top, wherever that module lies today."""
    roots = [checkout / folder] if folder else [file.parent for file in checkout.glob("*/__init__.py")]
    for file in sorted(file for root in roots for file in root.rglob("*.py")):
        if any(name in _names_of(node) for node in ast.parse(file.read_text(encoding="utf-8")).body):
            module = importlib.import_module(".".join(file.relative_to(checkout).with_suffix("").parts))
            return getattr(module, name)
    raise LookupError(f"found no {name} in {checkout / folder}")


def _names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    return (
        [target.id for target in node.targets if isinstance(target, ast.Name)] if isinstance(node, ast.Assign) else []
    )


FLOWS = {"photo": of_photo, "delivery": of_delivery, "ack": of_ack}

if __name__ == "__main__":
    found = FLOWS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]).read_bytes())
    sys.setprofile(None)
    print(f"\n{json.dumps(found)}", flush=True)  # noqa: T201  the answer
    # Whatever threads the engine still has: nothing here is to be ended in order.
    os._exit(0)
