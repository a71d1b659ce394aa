from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterator

import pytest

from face_api.engines.photo_queue import Answer, PendingPhoto, PhotoInHand, PhotoQueue, Task
from faces.errors import EngineDied, EnginesBusy
from faces.http.errors import WrongField

ANSWER = Answer(200, b'{"a": 1}', {"faces": 2})


@pytest.fixture
def queue() -> Iterator[PhotoQueue]:
    queue = PhotoQueue()
    yield queue
    queue.close()


@pytest.fixture
def wake() -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def offer(queue: PhotoQueue, content: bytes = b"photo", **fields: str) -> PendingPhoto:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return queue.offer(Task("encode", "id", fields), file.fileno())


def take(queue: PhotoQueue, wake: socket.socket) -> PhotoInHand:
    photo = queue.take(wake)
    assert photo is not None
    return photo


def wait_for(pending: PendingPhoto) -> Answer:
    async def both() -> Answer:
        await pending.taken()
        return await pending.answer()

    return asyncio.run(both())


def test_a_photo_crosses_with_its_task_and_the_answer_comes_back(queue: PhotoQueue, wake: socket.socket) -> None:
    with offer(queue, b"some bytes", name="a") as pending:
        photo = take(queue, wake)
        assert photo.task.fields == {"name": "a"}
        assert os.pread(photo.photo, 100, 0) == b"some bytes"
        photo.reply(ANSWER)
        photo.close()
        assert wait_for(pending) == ANSWER


def test_photos_are_taken_in_the_order_they_came(queue: PhotoQueue, wake: socket.socket) -> None:
    pending = [offer(queue, name=str(number)) for number in range(5)]
    photos = [take(queue, wake) for _ in pending]
    assert [photo.task.fields["name"] for photo in photos] == ["0", "1", "2", "3", "4"]
    for open_thing in (*photos, *(one._end for one in pending)):
        open_thing.close()


def test_a_photo_whose_client_left_is_skipped(queue: PhotoQueue, wake: socket.socket) -> None:
    with offer(queue):
        pass
    assert queue.take(wake) is None


def test_an_engine_that_dies_with_the_photo_is_told_to_the_client(queue: PhotoQueue, wake: socket.socket) -> None:
    with offer(queue) as pending:
        take(queue, wake).close()
        with pytest.raises(EngineDied):
            wait_for(pending)


def test_half_an_answer_is_no_answer(queue: PhotoQueue, wake: socket.socket) -> None:
    with offer(queue) as pending:
        photo = take(queue, wake)
        photo._socket.sendall(ANSWER.encode()[:-1])
        photo.close()
        with pytest.raises(EngineDied):
            wait_for(pending)


def test_an_answer_for_nobody_is_dropped(queue: PhotoQueue, wake: socket.socket) -> None:
    with offer(queue):
        photo = take(queue, wake)
    photo.reply(ANSWER)
    photo.close()


def test_a_waiting_engine_can_be_woken_without_a_photo(queue: PhotoQueue) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"w")
        assert queue.take(ours) is None


def test_a_full_queue_refuses_and_keeps_nothing_open(queue: PhotoQueue, wake: socket.socket) -> None:
    pending: list[PendingPhoto] = []
    with pytest.raises(EnginesBusy):
        for _ in range(100_000):
            pending.append(offer(queue))  # noqa: PERF401  the ones before the error count
    assert len(pending) > 100
    for one in pending:
        one._end.close()
    for _ in pending:
        assert queue.take(wake) is None
    offer(queue)._end.close()


def test_fields_too_long_for_a_task_are_refused(queue: PhotoQueue) -> None:
    with pytest.raises(WrongField):
        offer(queue, name="x" * 200_000)
    with offer(queue, name="x" * 120_000):
        pass


def test_an_answer_longer_than_any_buffer_arrives_whole(queue: PhotoQueue, wake: socket.socket) -> None:
    long = Answer(200, b"x" * 3_000_000, {})

    async def both() -> Answer:
        with offer(queue) as pending:
            photo = take(queue, wake)
            replying = asyncio.create_task(asyncio.to_thread(photo.reply, long))
            await pending.taken()
            closing = replying.add_done_callback(lambda _: photo.close())
            assert closing is None
            return await pending.answer()

    assert asyncio.run(both()) == long
