"""process IMAGE_ID…: does the job of these images, as the queue would."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from threading import Event
from time import monotonic
from typing import Any, TypeVar

from faces.errors import (
    AnswerLost,
    EngineError,
    FaceApiUnavailable,
    FacesError,
    MissingError,
    NoDiskForPicture,
    OutsideDisks,
    PhotoError,
)
from worker.commands.invocation import Invocation
from worker.commands.parser import row_id
from worker.commands.verbs import add_verb
from worker.jobs.faces import Processed, Tools, process_image

T = TypeVar("T")

_DETAILS = """\
Finds the faces of these images' photos again and brings their rows up to date; doing it twice changes nothing.
FACE_DISK_ROOTS says where the app's disks lie, for example local=/srv/app/storage/app/private; the debug picture is
written there, and an image without one gets no rows (FACE_DEBUG_PICTURES)."""

#: Times that one photo is sent to an API that does not answer, with longer and longer pauses.
_TRIES = 4

#: Seconds for which one photo is sent again and again to an API that answers "not now": it has other clients, too.
_BUSY_SECONDS = 300.0
_LONGEST_PAUSE = 10.0


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "process", run, _DETAILS)
    parser.add_argument("image_ids", metavar="IMAGE_ID", type=row_id, nargs="+", help="images.id")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Do the job of each; 1 if one failed."""
    failed = 0
    count = len(arguments.image_ids)
    with (
        invocation.store() as store,
        invocation.tools(store) as tools,
        invocation.output.progress("images", count) as step,
    ):
        for image_id in arguments.image_ids:
            failed += not _process(invocation, tools, image_id)
            step()
    return 1 if failed else 0


def _process(invocation: Invocation, tools: Tools, image_id: int) -> bool:
    try:
        done = process_patiently(tools, image_id, Event())
    except (PhotoError, MissingError, OutsideDisks, EngineError, NoDiskForPicture) as error:
        _tell_failure(invocation, image_id, error)
        return False
    _tell(invocation, done)
    return True


def _tell_failure(invocation: Invocation, image_id: int, error: FacesError) -> None:
    invocation.output.say(f"image {image_id}: {error}")
    invocation.output.record({"image_id": image_id, "error": str(error), "code": error.code})


def _tell(invocation: Invocation, done: Processed) -> None:
    for warning in done.warnings:
        invocation.output.say(f"image {done.image_id}: {warning}")
    numbers = f"{done.found} faces, {done.inserted} new, {done.removed} gone, {done.linked} newly linked"
    invocation.output.result(f"image {done.image_id}: {numbers}")
    invocation.output.record(asdict(done))


def process_patiently(tools: Tools, image_id: int, stop: Event) -> Processed:
    """Do the job of an image with retries, while the API is unavailable, busy or just starting; `stop` ends them.

    For commands, which can wait: a job of the queue is released instead.

    Raises:
        FaceApiUnavailable, AnswerLost: the API stayed unavailable or busy, or `stop` was set.
        FacesError: all that `process_image` raises.
    """
    return patiently(lambda: process_image(tools, image_id), stop)


def patiently(ask: Callable[[], T], stop: Event) -> T:
    """What `ask` returns, which asks the API once; again and again, while that is unavailable or busy.

    Raises:
        FaceApiUnavailable, AnswerLost: the API stayed unavailable or busy, or `stop` was set.
    """
    start, attempt = monotonic(), 0
    while True:
        attempt += 1
        try:
            return ask()
        except (FaceApiUnavailable, AnswerLost) as error:
            retry_after = error.retry_after if isinstance(error, FaceApiUnavailable) else None
            pause = min(retry_after or 0.5 * 2**attempt, _LONGEST_PAUSE)
            busy = retry_after is not None and monotonic() - start < _BUSY_SECONDS
            if (attempt >= _TRIES and not busy) or stop.wait(pause):
                raise
