"""The face job of the command line, which can wait: an API that is busy or just starting is asked again."""

from __future__ import annotations

from threading import Event
from time import monotonic

from faces.errors import AnswerLost, FaceApiUnavailable
from worker.jobs.faces import Processed, Tools, process_image

#: Times that one photo is sent to an API that does not answer, with longer and longer pauses.
_TRIES = 4

#: Seconds for which one photo is sent again and again to an API that answers "not now": it has other clients, too.
_BUSY_SECONDS = 300.0
_LONGEST_PAUSE = 10.0


def process_patiently(tools: Tools, image_id: int, stop: Event) -> Processed:
    """Do the job of an image; `stop` ends the waiting.

    Raises:
        FaceApiUnavailable, AnswerLost: the API stayed unavailable or busy, or the waiting was ended.
        FacesError: all that `process_image` raises.
    """
    start, attempt = monotonic(), 0
    while True:
        attempt += 1
        try:
            return process_image(tools, image_id)
        except (FaceApiUnavailable, AnswerLost) as error:
            retry_after = error.retry_after if isinstance(error, FaceApiUnavailable) else None
            pause = min(retry_after or 0.5 * 2**attempt, _LONGEST_PAUSE)
            busy = retry_after is not None and monotonic() - start < _BUSY_SECONDS
            if (attempt >= _TRIES and not busy) or stop.wait(pause):
                raise
