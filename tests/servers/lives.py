"""Lives of processes on one library, killed by SIGKILL at a statement: forks of one process that has imported all.

That process has no thread and no connection. It opens a database and follows its library for many lives, so each costs
a fork and what it does itself; its connections are its own.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import pickle
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NoReturn

import sqlalchemy as sa

from tests.servers.arriving import Arriving, Photos, Work, jobs, settle

ROOT = Path(__file__).resolve().parents[2]

#: Seconds in which a process must come to its end.
_PATIENCE = 120


def live(photos: Photos, work: Work, die_at: int = 0, *, rehearsed: bool = False) -> Connection:
    """Begin a life that does the work and, where `die_at` is not 0, is killed at that statement or commit of it.

    Returns where its end is heard of. Of work that is `rehearsed` and writes nothing before its first commit, all
    lives but the first find its statements compiled: that is done once up to there, and rolled back.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(_forking(), [b"."], [theirs.fileno()])
    life = Connection(ours.detach())
    life.send_bytes(pickle.dumps((photos, work, rehearsed)))
    life.send(die_at)
    return life


def end_of(life: Connection) -> bool:
    """Wait for a life's end; whether it has done all its work, else it was killed."""
    assert life.poll(_PATIENCE), f"a process has not come to its end in {_PATIENCE} s"
    code = life.recv()
    life.close()
    assert code in (0, -signal.SIGKILL), f"a process left with {code}"
    return bool(code == 0)


def kill_and_go_on(photos: Photos, workers: int, deaths: Iterable[int], meanwhile: Callable[[], object]) -> int:
    """Do all waiting photos by so many processes at once; returns how often one was killed.

    Whichever begins takes the next of `deaths`, a statement at which it dies; when none is left it does all that is
    left of its part. `meanwhile` is called whenever one has ended.
    """
    shares = [photos.waiting()[part::workers] for part in range(workers)]

    def left_of(part: int) -> Work:
        left = set(photos.waiting())
        return jobs([image for image in shares[part] if image in left])

    return _go_on(photos, left_of, workers, deaths, meanwhile)


def kill_and_settle(photos: Photos, workers: int, deaths: Iterable[int], meanwhile: Callable[[], object]) -> int:
    """Settle the library by so many processes at once, killed as by `kill_and_go_on`."""
    return _go_on(photos, lambda _: settle, workers, deaths, meanwhile)


def _go_on(
    photos: Photos,
    work_of: Callable[[int], Work],
    workers: int,
    deaths: Iterable[int],
    meanwhile: Callable[[], object],
) -> int:
    coming, kills = iter(deaths), 0
    running = {live(photos, work_of(part), next(coming, 0)): part for part in range(workers)}
    while running:
        ended = set(wait(running))
        for life in [one for one in running if one in ended]:
            part = running.pop(life)
            meanwhile()
            if not end_of(life):
                kills += 1
                photos.end_lease()
                running[live(photos, work_of(part), next(coming, 0))] = part
    return kills


@functools.cache
def _forking() -> socket.socket:
    """Starts the process that lives are forked of; it ends with ours."""
    ours, theirs = socket.socketpair()
    # A library of numbers that has threads of its own could not be forked at any moment.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    with theirs:
        process = subprocess.Popen([sys.executable, "-m", __name__], stdin=theirs.fileno(), cwd=ROOT, env=environment)

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# --- in the process that forks ---


class _Forking:
    """Begins a life for each socket that comes, and tells its end there."""

    def __init__(self, coming: socket.socket) -> None:
        self._coming = coming
        self._selector = selectors.DefaultSelector()
        self._selector.register(coming, selectors.EVENT_READ)
        self._arriving: Arriving | None = None
        self._url = ""
        self._work: Work = settle
        self._asked, self._rehearsed = b"", False

    def run(self) -> None:
        """Until the tests are over."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._coming:
                    self._tell(key.fd, *key.data)
                elif not self._begin():
                    return

    def _begin(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._coming, 1, 1)
        if not message:
            return False
        life = Connection(descriptors[0])
        arriving = self._prepare(life.recv_bytes())
        die_at = life.recv()
        child = os.fork()
        if child == 0:
            _live(arriving, self._work, die_at)
        self._selector.register(os.pidfd_open(child), selectors.EVENT_READ, (child, life))
        return True

    def _tell(self, descriptor: int, child: int, life: Connection) -> None:
        self._selector.unregister(descriptor)
        os.close(descriptor)
        life.send(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        life.close()

    def _prepare(self, asked: bytes) -> Arriving:
        """What a life works with; many of the same work, one after the other, are rehearsed once."""
        if self._arriving is None or asked != self._asked:
            photos, self._work, self._rehearsed = pickle.loads(asked)  # noqa: S301  of our own process
            if self._arriving is None or self._url != photos.url:
                self._arriving, self._url = Arriving(photos), photos.url
            self._arriving.photos = photos
        elif self._rehearsed:
            return self._arriving
        self._asked = asked
        self._arriving.follow()
        if self._rehearsed:
            _rehearse(self._arriving, self._work)
        self._arriving.close()
        return self._arriving


class _Enough(BaseException):
    """No error: nothing on the way may take it for one."""


def _rehearse(arriving: Arriving, work: Work) -> None:
    def end(_connection: object) -> None:
        raise _Enough

    sa.event.listen(sa.Engine, "commit", end)
    with suppress(_Enough):
        work(arriving)
    sa.event.remove(sa.Engine, "commit", end)


# --- in a life ---


def _live(arriving: Arriving, work: Work, die_at: int) -> NoReturn:
    code = 1
    try:
        _count_conflicts(arriving.photos.folder / "conflicts")
        if die_at:
            die = _Death(die_at)
            # At the class: each connection pool of the store.
            sa.event.listen(sa.Engine, "before_cursor_execute", die)
            sa.event.listen(sa.Engine, "commit", die)
        work(arriving)
        arriving.close()
        code = 0
    except BaseException:  # noqa: BLE001  whatever it is, it is told
        traceback.print_exc()
    finally:
        # Nothing of the process that it was forked of is its to end.
        os._exit(code)


class _Death:
    """Comes before so many statements and commits have been done."""

    def __init__(self, statements: int) -> None:
        self._left = statements

    def __call__(self, *_of_the_event: object) -> None:
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _count_conflicts(file: Path) -> None:
    logger = logging.getLogger("faces.store.database")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(_OneByteEach(file))


class _OneByteEach(logging.Handler):
    """What a file that several processes append to keeps when one is killed."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        if "met another" in record.getMessage():
            with self._file.open("ab", buffering=0) as file:
                file.write(b".")


if __name__ == "__main__":
    _Forking(socket.socket(fileno=os.dup(0))).run()
