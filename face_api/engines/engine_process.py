"""One process of the API as a whole: its engine, whether it takes photos, and when it is better replaced."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from face_api.engines.busy_engines import BusyEngines
from face_api.engines.crash_register import CrashRegister
from face_api.engines.engine_thread import EngineThread
from face_api.engines.photo_queue import Answer, PhotoQueue
from face_api.engines.photo_work import PhotoWork
from face_api.server.metrics import Metrics
from faces.settings import Settings
from faces.system.memory import give_back_all

_log = logging.getLogger(__name__)

_MB = 1024 * 1024

#: Seconds for the answers of a process whose engine has failed; a client that still sends then must try again.
_LAST_ANSWERS = 10.0


class EngineProcess:
    """Made once in the master; after the fork each process has its own copy and starts it."""

    def __init__(
        self,
        settings: Settings,
        work: PhotoWork,
        queue: PhotoQueue,
        register: CrashRegister,
        metrics: Metrics,
        busy: BusyEngines,
    ) -> None:
        """Keep what the engine needs. Nothing runs before `start`."""
        self._settings, self._work, self._queue = settings, work, queue
        self._register, self._metrics, self._busy = register, metrics, busy
        self._engine: EngineThread | None = None
        self._leave: Callable[[], None] | None = None
        self._leaving = self._failed = False
        # Which process may leave over its size: a file in memory that each opens for itself, because a lock belongs
        # to the opening and not to the file.
        self._turnstile = os.memfd_create("face-api-leaving", os.MFD_CLOEXEC)
        self._turn: int | None = None

    @property
    def fast(self) -> frozenset[str]:
        """The parts of the engine that faster code does."""
        return self._work.fast

    def start(self) -> None:
        """Start the engine. Doing it twice does nothing."""
        if self._engine is None:
            self._engine = EngineThread(self._queue, self._work, self._register, self._settings.api_photo_seconds, self)
            self._metrics.set_engine(there=True, busy=False)
            self._metrics.set_fast(self.fast)
            self._engine.start()

    def on_leaving(self, leave: Callable[[], None]) -> None:
        """`leave` makes the server end this process gracefully and start another."""
        self._leave = leave

    def reasons_not_ready(self) -> list[str]:
        """Why this process takes no photos; empty when it does."""
        if self._leaving:
            return ["this process is stopping"]
        if self._engine is None:
            return ["the engine is not started yet"]
        return [] if self._engine.is_alive() else ["the engine's thread has ended"]

    def stopping(self, by_request: bool) -> None:
        """No more photos after those accepted; `by_request`: somebody wants the end, no photo is to blame for it."""
        self._leaving = True
        if by_request and self._engine is not None:
            self._engine.count_no_crashes()

    def stop(self) -> None:
        """Finish the photo in hand, also one of another process, and take no more. Returns at once."""
        self._leaving = True
        if self._engine is not None:
            self._engine.stop()

    def join(self, seconds: float) -> bool:
        """Wait until the engine has ended; False when it still works."""
        return self._engine is None or self._engine.join(seconds)

    def has_failed(self) -> bool:
        """True when the engine has ended by itself: no photo is taken here any more."""
        return self._failed

    def count_crashes(self) -> None:
        """Count the photos that were in hand when their process died. For the master, whom no full folder may end."""
        try:
            self._register.bury_dead()
        except OSError as error:
            _log.error("photos that ended a process cannot be counted at the moment: %s", error)

    def bury(self, pid: int, place: int | None) -> None:
        """Another process ended, whose figures lie at `place`. For the master."""
        self._busy.forget(pid)
        self._metrics.bury(place)
        self.count_crashes()

    def photo_taken(self) -> None:
        """The engine has a photo in hand."""
        self._busy.begin()
        self._metrics.set_engine(there=True, busy=True)

    def photo_done(self, answer: Answer) -> None:
        """The engine put it down."""
        self._busy.end()
        self._metrics.set_engine(there=True, busy=False)
        self._metrics.count_photo(answer.notes)
        self._leave_if_too_large()

    def engine_failed(self) -> None:
        """The engine's thread ends by an exception: so does the process, after what it still can answer."""
        self._failed = self._leaving = True
        if self._leave is not None:
            self._leave()
            end = threading.Timer(_LAST_ANSWERS, os._exit, (1,))
            end.daemon = True
            end.start()

    def _leave_if_too_large(self) -> None:
        limit = self._settings.api_memory_mb * _MB
        if self._leave is None or self._leaving or _resident_bytes() <= limit:
            return
        give_back_all()
        if (size := _resident_bytes()) > limit and self._has_turn():
            self._leaving = True
            _log.warning(
                "this process has grown to %d MB, more than %d (FACE_API_MEMORY_MB): it is replaced now",
                size // _MB,
                limit // _MB,
            )
            self._leave()

    def _has_turn(self) -> bool:
        """One process leaves at a time: the others serve meanwhile. The turn ends with the process."""
        handle = os.open(f"/proc/self/fd/{self._turnstile}", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._turn = handle
        return True


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
