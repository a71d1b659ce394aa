"""The life of one engine process: when it takes photos, and when it must be replaced (memory, a failed engine)."""

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

#: Seconds for the last answers of a process whose engine has failed; a client that still sends then must try again.
_LAST_ANSWERS = 10.0


class EngineProcess:
    """One process of the API. Made once in the master; after the fork each process has a copy and starts it.

    The event loop and gunicorn's worker start and stop it, the engine's thread reports to it (it is the thread's
    `EngineObserver`), and the master tells it of other processes that ended.
    """

    def __init__(
        self,
        settings: Settings,
        work: PhotoWork,
        queue: PhotoQueue,
        register: CrashRegister,
        metrics: Metrics,
        busy: BusyEngines,
    ) -> None:
        """Nothing runs before `start`."""
        self._settings, self._work, self._queue = settings, work, queue
        self._register, self._metrics, self._busy = register, metrics, busy
        self._engine: EngineThread | None = None
        self._ask_for_replacement: Callable[[], None] | None = None
        self._stopping = self._failed = False
        # Locked by the process that is being replaced over its size. A file in memory, which each process opens anew:
        # a lock belongs to the open file description, and an inherited one would be shared.
        self._lock_file = os.memfd_create("face-api-leaving", os.MFD_CLOEXEC)
        self._held_lock: int | None = None

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

    def on_replacement(self, ask: Callable[[], None]) -> None:
        """`ask` makes the server end this process gracefully and start another."""
        self._ask_for_replacement = ask

    def reasons_not_ready(self) -> list[str]:
        """Why this process takes no photos; empty when it does."""
        if self._stopping:
            return ["this process is stopping"]
        if self._engine is None:
            return ["the engine is not started yet"]
        return [] if self._engine.is_alive() else ["the engine's thread has ended"]

    def mark_stopping(self, by_request: bool) -> None:
        """Not ready from now on. `by_request`: a shutdown request ends this process, so no photo crashed it."""
        self._stopping = True
        if by_request and self._engine is not None:
            self._engine.stop_counting_crashes()

    def stop(self) -> None:
        """Finish the photo in hand, whichever process accepted it, and take no more. Returns at once."""
        self._stopping = True
        if self._engine is not None:
            self._engine.stop()

    def join(self, seconds: float) -> bool:
        """Wait until the engine has ended; False when it still works."""
        return self._engine is None or self._engine.join(seconds)

    def has_failed(self) -> bool:
        """True when the engine has ended by itself: this process takes no photo any more."""
        return self._failed

    def count_crashes(self) -> None:
        """Count the photos whose process died under them. For the master, which a full disk must not end."""
        try:
            self._register.collect_crashes()
        except OSError as error:
            _log.error("photos that ended a process cannot be counted at the moment: %s", error)

    def process_ended(self, pid: int, slot: int | None) -> None:
        """Another process ended, whose counters lie in `slot`. For the master."""
        self._busy.forget(pid)
        self._metrics.process_ended(slot)
        self.count_crashes()

    def photo_taken(self) -> None:
        self._busy.begin()
        self._metrics.set_engine(there=True, busy=True)

    def photo_done(self, answer: Answer) -> None:
        self._busy.end()
        self._metrics.set_engine(there=True, busy=False)
        self._metrics.count_photo(answer.notes)
        self._replace_if_too_large()

    def engine_failed(self) -> None:
        """The engine's thread ended by an exception: so does the process, after the answers that it can still give."""
        self._failed = self._stopping = True
        if self._ask_for_replacement is not None:
            self._ask_for_replacement()
            end = threading.Timer(_LAST_ANSWERS, os._exit, (1,))
            end.daemon = True
            end.start()

    def _replace_if_too_large(self) -> None:
        limit = self._settings.api_memory_mb * _MB
        if self._ask_for_replacement is None or self._stopping or _resident_bytes() <= limit:
            return
        give_back_all()
        if (size := _resident_bytes()) > limit and self._may_be_replaced():
            self._stopping = True
            _log.warning(
                "this process has grown to %d MB, more than %d (FACE_API_MEMORY_MB): it is replaced now",
                size // _MB,
                limit // _MB,
            )
            self._ask_for_replacement()

    def _may_be_replaced(self) -> bool:
        """One process is replaced at a time; the others serve meanwhile. The lock ends with the process."""
        handle = os.open(f"/proc/self/fd/{self._lock_file}", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._held_lock = handle
        return True


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
