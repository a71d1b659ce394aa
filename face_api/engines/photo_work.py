"""What an engine does with one photo: encode or hash it, and turn the result into the reply's JSON."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from face_api.engines.busy_engines import BusyEngines
from face_api.engines.photo_queue import Answer, Task
from face_api.http.schemas import EncodeReply, FaceReply, HashReply, ImageReply, QualityReply, numbers
from face_api.http.uploads import seal
from faces.errors import EmptyFile, PictureNotWritten
from faces.http.errors import WrongField
from faces.photo import debug_image
from faces.photo.decoding import PhotoLimits
from faces.photo.engine import MODEL_NAME, FaceEngine, Findings
from faces.photo.face import Box
from faces.photo.phash import phash
from faces.photo.photo import Photo
from faces.photo.selection import Selection
from faces.settings import Settings

#: A photo's file, as the decoder reads it.
PhotoBytes = bytes | mmap.mmap


def read(file: int) -> PhotoBytes:
    """The open file's bytes, mapped and not copied.

    Raises:
        EmptyFile: there are none.
    """
    seal(file)
    if os.fstat(file).st_size == 0:
        raise EmptyFile("the file is empty, needed a photo")
    return mmap.mmap(file, 0, access=mmap.ACCESS_READ)


class PhotoWork:
    """The verbs that a task may name: `encode` and `hash`. Called by the engine's thread only."""

    def __init__(self, settings: Settings, engine: FaceEngine, busy: BusyEngines) -> None:
        self._engine, self._busy = engine, busy
        self._cores = len(os.sched_getaffinity(0))
        self._limits = PhotoLimits.of(settings)
        self._pictures_required = settings.debug_pictures == "required"

    def do(self, task: Task, data: PhotoBytes, waited: float) -> Answer:
        """Do what the task says.

        Raises:
            PhotoError: the photo cannot be used.
            RequestError: a field of the request cannot.
            PictureNotWritten: pictures are required, and this one was not written.
        """
        verbs: dict[str, Callable[..., Answer]] = {"encode": self._encode, "hash": self._hash}
        return verbs[task.verb](data, waited, **task.fields)

    @property
    def fast(self) -> frozenset[str]:
        """The parts of the engine that faster code does."""
        return self._engine.fast

    def rest(self) -> None:
        """No photo has come for a while: give back the memory kept for the next one."""
        self._engine.rest()

    def _encode(
        self,
        data: PhotoBytes,
        waited: float,
        *,
        directory: str | None,
        name: str,
        warning: str | None,
        webp_quality: int | None,
        boxes: list[dict[str, int]] | None,
        landmarks: bool,
        selection: dict[str, Any],
        notes: list[str],
    ) -> Answer:
        watch = StopWatch(waited)
        photo = self._engine.decode(data, self._limits)
        watch.lap("decode")
        if boxes is None:
            found = self._engine.find(photo, self._threads, Selection(**selection), landmarks)
        else:
            found = self._engine.encode_given(photo, _inside(photo, boxes), landmarks)
        watch.add(found.seconds)
        debug_path, failure = self._save_debug(found, photo, directory, name, webp_quality)
        watch.lap("debug")
        warnings = [*notes, *photo.warnings, *found.warnings, *filter(None, (warning, failure))]
        reply = _encode_reply(found, photo, debug_path, warnings, watch.seconds)
        return _answer(reply, {"faces": len(found.faces), **watch.seconds})

    def _save_debug(
        self, found: Findings, photo: Photo, directory: str | None, name: str, webp_quality: int | None
    ) -> tuple[str | None, str | None]:
        """The picture's path, or None; and a warning, or None.

        Raises:
            PictureNotWritten: it is required.
        """
        if directory is None:
            return None, None
        try:
            return str(debug_image.save(found, photo, Path(directory), name, webp_quality)), None
        except PictureNotWritten as error:
            if self._pictures_required:
                raise
            # Under best_effort there is nothing to be set.
            return None, str(error).removesuffix(f"; {debug_image.NEEDED}")

    def _threads(self) -> int:
        """A second thread, where no other engine has a photo in hand: its core would be idle."""
        return 2 if self._cores > 1 and self._busy.count() == 1 else 1

    def _hash(self, data: PhotoBytes, waited: float, *, hash_size: int, notes: list[str]) -> Answer:
        watch = StopWatch(waited)
        found = phash(bytes(data), self._limits, hash_size)
        watch.lap("hash")
        warnings = [*notes, *found.warnings]
        return _answer(
            HashReply(hash=found.hex, hash_size=hash_size, bits=found.bits, warnings=warnings), watch.seconds
        )


def _inside(photo: Photo, boxes: list[dict[str, int]]) -> list[Box]:
    """The boxes that a request gave.

    Raises:
        WrongField: one does not lie on the photo.
    """
    given = [Box(**edges) for edges in boxes]
    for at, box in enumerate(given):
        if not box.is_within(photo.width, photo.height):
            edges = ", ".join(f"{name} {edge}" for name, edge in boxes[at].items())
            raise WrongField(f"boxes[{at}] is {edges}: not inside the upright photo of {photo.width} × {photo.height}")
    return given


class StopWatch:
    """Seconds by stage, `wait` first."""

    def __init__(self, waited: float) -> None:
        """Start, after `waited` seconds in the queue."""
        self._seconds = {"wait": waited}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """The time since the last lap belongs to `stage`."""
        now = time.perf_counter()
        self._seconds[stage] = now - self._last
        self._last = now

    def add(self, stages: dict[str, float]) -> None:
        """The time since the last lap, measured elsewhere."""
        self._seconds.update(stages)
        self._last = time.perf_counter()

    @property
    def seconds(self) -> dict[str, float]:
        """Rounded to a tenth of a millisecond, with their `total`."""
        rounded = {stage: round(seconds, 4) for stage, seconds in self._seconds.items()}
        return {**rounded, "total": round(sum(rounded.values()), 4)}


def _encode_reply(
    found: Findings, photo: Photo, debug_path: str | None, warnings: list[str], seconds: dict[str, float]
) -> EncodeReply:
    return EncodeReply(
        encodings=[numbers(face.encoding) for face in found.faces],
        debug_image_path=debug_path,
        qualities=[QualityReply.of(face.quality) for face in found.faces],
        faces=[FaceReply.of(face, photo.width, photo.height) for face in found.faces],
        image=ImageReply(width=photo.width, height=photo.height, orientation=photo.orientation, format=photo.format),
        left_out=found.left_out,
        scale=found.scale,
        model=MODEL_NAME,
        seconds=seconds,
        warnings=warnings,
    )


def _answer(reply: BaseModel, notes: dict[str, Any]) -> Answer:
    return Answer(200, reply.model_dump_json().encode(), notes)
