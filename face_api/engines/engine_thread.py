"""The thread that takes photos from the queue and works on them, one at a time; each process has one."""

from __future__ import annotations

import faulthandler
import hashlib
import json
import logging
import socket
import threading
import time
from typing import Protocol

from face_api.engines.crash_register import CrashRegister, Mark
from face_api.engines.photo_queue import Answer, PhotoInHand, PhotoQueue
from face_api.engines.photo_work import PhotoBytes, PhotoWork, read
from faces.errors import FacesError
from faces.http.errors import reply_to

_log = logging.getLogger(__name__)

_STDERR = 2

#: Seconds without a photo after which the memory kept for the next one is given back: allocating it again costs a few
#: hundredths of a photo's time.
_REST_AFTER = 1.0


class EngineObserver(Protocol):
    """Is told what the engine does, in the engine's thread. `EngineProcess` is one."""

    def photo_taken(self) -> None:
        """A photo is in hand."""

    def photo_done(self, answer: Answer) -> None:
        """It is answered, and no longer in hand."""

    def engine_failed(self) -> None:
        """The thread ends by an exception that is a bug; the photo in hand gets no answer."""


class EngineThread:
    """Takes photos until it is stopped. Made and started by `EngineProcess.start`, in the process that it works for.

    Any thread may call its methods. A photo that takes longer than `longest_seconds` (FACE_API_PHOTO_SECONDS) ends the
    process: dlib cannot be interrupted.
    """

    def __init__(
        self,
        queue: PhotoQueue,
        work: PhotoWork,
        register: CrashRegister,
        longest_seconds: int,
        observer: EngineObserver,
    ) -> None:
        self._queue, self._work, self._register = queue, work, register
        self._longest_seconds = longest_seconds
        self._observer = observer
        self._ours, self._wake = socket.socketpair()
        self._stopping = False
        self._mark: Mark | None = None
        self._counts_crashes = True
        # Daemon: an immediate stop must not wait for a photo.
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more photos; the one in hand is finished. Returns at once, see `join`."""
        self._stopping = True
        self._wake.send(b"w")

    def join(self, seconds: float) -> bool:
        """Wait for the end; False when a photo is still in hand."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """True while photos are taken."""
        return self._thread.is_alive() and not self._stopping

    def stop_counting_crashes(self) -> None:
        """A shutdown request ends this process from now on, and no photo."""
        self._counts_crashes = False
        self._remove_mark()

    def _run(self) -> None:
        try:
            self._take_photos()
        except BaseException:  # noqa: BLE001  SystemExit too, which Python would not log here
            _log.critical("the engine's thread has ended by a fault of our own", exc_info=True)
            self._observer.engine_failed()

    def _take_photos(self) -> None:
        rest_at: float | None = None
        while not self._stopping:
            photo = self._queue.take(self._ours, None if rest_at is None else max(rest_at - time.monotonic(), 0.0))
            if photo is not None:
                self._serve(photo)
                rest_at = time.monotonic() + _REST_AFTER
            elif rest_at is not None and time.monotonic() >= rest_at:
                self._work.rest()
                rest_at = None

    def _serve(self, photo: PhotoInHand) -> None:
        waited = time.monotonic() - photo.task.queued_at
        try:
            self._observer.photo_taken()
            faulthandler.dump_traceback_later(self._longest_seconds, exit=True, file=_STDERR)
            answer = self._answer(photo, waited)
            photo.reply(answer)
        finally:
            faulthandler.cancel_dump_traceback_later()
            photo.close()
        self._observer.photo_done(answer)

    def _answer(self, photo: PhotoInHand, waited: float) -> Answer:
        try:
            data = read(photo.photo)
            sha256 = hashlib.sha256(data).hexdigest()
            self._refuse_repeated(sha256)
            return self._guarded(photo, data, sha256, waited)
        except FacesError as error:
            return _error_answer(error)
        except Exception as error:  # noqa: BLE001  around one request, with its traceback in the log
            _log.exception("request %s: a fault of our own", photo.task.request_id)
            return _error_answer(error)

    def _refuse_repeated(self, sha256: str) -> None:
        try:
            self._register.refuse_repeated(sha256)
        except OSError as error:
            _log.warning("crashes cannot be looked up at the moment: %s", error)

    def _guarded(self, photo: PhotoInHand, data: PhotoBytes, sha256: str, waited: float) -> Answer:
        """Do the work with the photo's mark set, so that a crash counts against the photo."""
        self._mark = self._set_mark(sha256)
        try:
            answer = self._work.do(photo.task, data, waited)
        except Exception:
            self._end_mark()
            raise
        # A BaseException that is no Exception ends the process, and the mark stays.
        self._end_mark()
        return answer

    def _end_mark(self) -> None:
        self._remove_mark()
        self._mark = None

    def _set_mark(self, sha256: str) -> Mark | None:
        if not self._counts_crashes:
            return None
        try:
            return self._register.mark(sha256)
        except OSError as error:
            _log.warning("crashes are not counted at the moment: %s", error)
            return None

    def _remove_mark(self) -> None:
        if (mark := self._mark) is not None:
            try:
                mark.remove()
            except OSError as error:
                _log.warning("the mark of a photo stays behind and may count as a crash: %s", error)


def _error_answer(error: Exception) -> Answer:
    reply = reply_to(error)
    return Answer(reply.status, json.dumps(reply.body).encode(), {"code": reply.code})
