"""The engine's thread with a real queue, register and engine: what it does when no photo comes."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from face_api.engines.busy_engines import BusyEngines
from face_api.engines.crash_register import CrashRegister
from face_api.engines.engine_thread import EngineThread
from face_api.engines.photo_queue import Answer, PhotoQueue, Task
from face_api.engines.photo_work import PhotoBytes, PhotoWork
from faces.photo.open_engine import open_engine
from faces.settings import load
from tests.pictures import drawn
from tests.servers.waiting import wait_for


class Resting(PhotoWork):
    """Remembers when it did a photo and when it rested."""

    def __init__(self) -> None:
        settings = load()
        super().__init__(settings, open_engine(settings), BusyEngines())
        self.did: list[tuple[str, float]] = []

    def do(self, task: Task, data: PhotoBytes, waited: float) -> Answer:
        answer = super().do(task, data, waited)
        self.did.append(("photo", time.monotonic()))
        return answer

    def rest(self) -> None:
        super().rest()
        self.did.append(("rest", time.monotonic()))


class Unobserved:
    """Is told of nothing."""

    def photo_taken(self) -> None: ...

    def photo_done(self, answer: Answer) -> None: ...


@pytest.fixture
def queue() -> Iterator[PhotoQueue]:
    queue = PhotoQueue()
    yield queue
    queue.close()


def encode(queue: PhotoQueue) -> None:
    """Have an engine look at a small picture."""

    async def answered() -> Answer:
        await pending.taken()
        return await pending.answer()

    with tempfile.TemporaryFile() as file:
        file.write(drawn.file_of(Image.new("RGB", (90, 90)), "JPEG"))
        file.flush()
        debug = {"directory": None, "name": "", "warning": None, "webp_quality": None}
        fields = debug | {"boxes": None, "landmarks": False, "selection": {}, "notes": []}
        pending = queue.offer(Task("encode", "id", fields), file.fileno())
    with pending:
        assert asyncio.run(answered()).status == 200


@pytest.fixture
def engines(queue: PhotoQueue, tmp_path: Path) -> Iterator[tuple[Resting, Resting]]:
    """The work of two engines that take from one queue."""
    works = Resting(), Resting()
    threads = [EngineThread(queue, work, CrashRegister(tmp_path), 240, Unobserved()) for work in works]
    for thread in threads:
        thread.start()
    yield works
    for thread in threads:
        thread.stop()
        assert thread.join(30)
        thread._ours.close()
        thread._wake.close()


def test_an_engine_rests_a_second_after_its_last_photo_also_when_another_was_quicker(
    queue: PhotoQueue, engines: tuple[Resting, Resting]
) -> None:
    def all_rest() -> bool:
        return all(work.did[-1][0] == "rest" for work in engines if work.did)

    for _ in range(40):
        encode(queue)
    wait_for(all_rest, 30, "the engines' rest")
    for work in engines:
        for (before, done), (what, now) in itertools.pairwise(work.did):
            assert what == "photo" or (before == "photo" and now - done >= 1.0)
