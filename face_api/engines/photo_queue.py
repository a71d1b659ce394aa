"""One queue of photos for all processes: the kernel hands each photo to exactly one idle engine, wherever it is.

Before the fork the master makes one socket pair. The process that accepted a photo sends one message into it: two
file descriptors, the photo's file and one end of a reply socket, which each photo has of its own. The engine of every
process reads the other side, so a photo never waits while an engine is idle. Gunicorn's "dirty" workers were the other
way: they take turns, each with a queue of its own, so that a photo can wait while another engine is idle.

Over the reply socket: first the task (one JSON line, written before the message is sent), then, from the engine, one
byte when it takes the photo, then the answer. Closed without an answer: the engine's process died. Closed on the
accepting side: the client has disconnected.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import errno
import json
import os
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any

from faces.errors import EngineDied, EnginesBusy
from faces.http.errors import WrongField

#: Set on the message queue's sending end. The kernel counts about 800 bytes a message and doubles what is asked.
SEND_BUFFER = 4 * 1024 * 1024

#: Bytes of one task at most: what fits into a new socket that is not read yet. The routes limit the fields.
LONGEST_TASK = 128 * 1024

_TAKEN = b"t"
_LENGTHS = struct.Struct("!II")
_FULL = (errno.EAGAIN, errno.ENOBUFS, errno.ETOOMANYREFS, errno.EMFILE, errno.ENFILE)


@dataclass(frozen=True, slots=True)
class Task:
    """What an engine shall do with a photo: a verb of `PhotoWork` and its fields. The request's id is for the log."""

    verb: str
    request_id: str
    fields: dict[str, Any]
    queued_at: float = field(default_factory=time.monotonic)

    def encode(self) -> bytes:
        """One JSON line."""
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client gets (`status`, `body`: JSON), and what the log line says (`notes`)."""

    status: int
    body: bytes
    notes: dict[str, Any]

    def encode(self) -> bytes:
        """Lengths, notes, body: the lengths tell an answer that was cut off."""
        notes = json.dumps({"status": self.status, "notes": self.notes}).encode()
        return _LENGTHS.pack(len(notes), len(self.body)) + notes + self.body

    @classmethod
    def decode(cls, data: bytes | bytearray) -> Answer | None:
        """The answer, or None when `data` is only a part of one."""
        if len(data) < _LENGTHS.size:
            return None
        notes, body = _LENGTHS.unpack_from(data)
        if len(data) < _LENGTHS.size + notes + body:
            return None
        head = json.loads(data[_LENGTHS.size : _LENGTHS.size + notes])
        return cls(head["status"], bytes(data[_LENGTHS.size + notes :]), head["notes"])


class PhotoQueue:
    """Both ends of the queue. Made once in the master, used by every process after the fork.

    A process offers from its event loop and takes in its engine's thread.
    """

    def __init__(self) -> None:
        self._inlet, self._outlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._inlet.setblocking(False)
        self._outlet.setblocking(False)
        self._inlet.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def offer(self, task: Task, photo: int) -> PendingPhoto:
        """Put the photo (an open file) into the queue.

        Raises:
            WrongField: the task's fields are too long.
            EnginesBusy: the kernel takes no more.
        """
        words = task.encode()
        if len(words) > LONGEST_TASK:
            raise WrongField(f"the fields take {len(words):,} bytes, at most {LONGEST_TASK:,} are accepted")
        with _busy_when_full():
            ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with _busy_when_full():
                ours.send(words)
                descriptors = array.array("i", [photo, theirs.fileno()])
                self._inlet.sendmsg([b"p"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return PendingPhoto(ours)

    def take(self, wake: socket.socket, seconds: float | None = None) -> PhotoInHand | None:
        """Wait for a photo and take it, `seconds` at most if given.

        None when none came, `wake` became readable first, or another engine took it.
        """
        poll = select.poll()
        poll.register(self._outlet, select.POLLIN)
        poll.register(wake, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(None if seconds is None else seconds * 1000)}
        if self._outlet.fileno() not in ready:
            return None
        try:
            _, descriptors, _, _ = socket.recv_fds(self._outlet, 1, 2, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return None
        if len(descriptors) != 2:  # this process has no descriptors left; the client is told that its engine died
            for descriptor in descriptors:
                os.close(descriptor)
            return None
        return PhotoInHand.take(*descriptors)

    def close(self) -> None:
        self._inlet.close()
        self._outlet.close()


class PendingPhoto:
    """The accepting process's end of a reply socket: waits for the answer. Closed, it has the engine skip the photo."""

    def __init__(self, end: socket.socket) -> None:
        """Owns `end`, which is non-blocking."""
        self._end = end

    async def taken(self) -> None:
        """Wait until an engine has the photo in hand.

        Raises:
            EngineDied: the engine's process ended at that moment.
        """
        if await asyncio.get_running_loop().sock_recv(self._end, 1) != _TAKEN:
            raise EngineDied(_DIED)

    async def answer(self) -> Answer:
        """Wait for the answer.

        Raises:
            EngineDied: the engine's process ended under the photo.
        """
        loop, data = asyncio.get_running_loop(), bytearray()
        while True:
            with contextlib.suppress(ConnectionResetError):
                if part := await loop.sock_recv(self._end, 256 * 1024):
                    data += part
                    continue
            answer = Answer.decode(data)
            if answer is None:
                raise EngineDied(_DIED)
            return answer

    def __enter__(self) -> PendingPhoto:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.close()


_DIED = "the process that had the photo in hand ended; try again"


class PhotoInHand:
    """The engine's end: the task, the photo's file, and the reply socket for the answer."""

    def __init__(self, task: Task, photo: int, reply_socket: socket.socket) -> None:
        """Owns both descriptors."""
        self.task, self.photo, self._socket = task, photo, reply_socket

    @classmethod
    def take(cls, photo: int, reply_socket: int) -> PhotoInHand | None:
        """Read the task and tell the accepting process; None when the client has disconnected."""
        end = socket.socket(fileno=reply_socket)
        end.setblocking(True)
        try:
            # The whole task is there already; where the client has disconnected, the socket's end lies behind it.
            text = end.recv(LONGEST_TASK, socket.MSG_DONTWAIT)
            if not _is_closed(end):
                end.sendall(_TAKEN)
                return cls(Task(**json.loads(text)), photo, end)
        except OSError:
            pass
        end.close()
        os.close(photo)
        return None

    def reply(self, answer: Answer) -> None:
        """Send the answer; does nothing when the client has disconnected."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(answer.encode())

    def close(self) -> None:
        self._socket.close()
        os.close(self.photo)


@contextlib.contextmanager
def _busy_when_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise EnginesBusy("the queue of photos is full; try again later") from error
        raise


def _is_closed(end: socket.socket) -> bool:
    try:
        return end.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
