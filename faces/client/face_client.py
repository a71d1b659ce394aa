"""The client of the face API: sends a photo as PHP does, and reads the answer once into values.

A photo's faces, or an error that says whose fault it is; a lost answer is told from an unavailable API.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import httpx2
import numpy as np

from faces.client.api_errors import error_of, without_picture
from faces.client.kept_connections import CONNECT_SECONDS
from faces.errors import (
    AnswerLost,
    EngineError,
    FaceApiUnavailable,
    FacesError,
    FileMissing,
    PhotoDeclined,
)
from faces.laravel import last_error
from faces.photo.face import ENCODING_LENGTH, Box, Encoding, Quality, RatioBox

#: The header that names a request, in both directions, and what is taken as a name: others could forge log lines.
REQUEST_ID = "X-Request-ID"
SANE_ID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")

#: How a kept connection breaks that the API closes at the very moment, before a byte of answer.
_CLOSED = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)

#: The quality of a debug picture that is WebP, as the app asks for it.
_WEBP_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Drawing:
    """The debug picture that the API is asked to write, a part of the request."""

    original_path: str
    """Where the original lies for the app; the picture is written beside it."""
    subdir: str = "debug"
    as_webp: bool = False
    required: bool = True
    """Whether an answer without the picture is none: rows without it would lose their names to the app."""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face as the API describes it; None where an older API sends no quality or box."""

    encoding: Encoding
    quality: Quality | None = None
    box: RatioBox | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """The faces of a photo, in the order of their numbers on the debug picture."""

    faces: tuple[FoundFace, ...]
    debug_image_path: str | None = None
    """Where the debug picture lies for the API; None where it wrote none."""
    pixels: tuple[int, int] | None = None
    """Width and height of the upright photo."""
    seconds: float | None = None
    """What the API needed, waiting included."""
    scale: int | None = None
    """The longest side of the picture that they were found in."""
    warnings: tuple[str, ...] = ()
    request_id: str | None = None
    """What the API's log calls the request."""

    @property
    def debug_filename(self) -> str | None:
        """The debug picture's name as the app's row has it; None without a picture."""
        return PurePosixPath(self.debug_image_path or "").name or None


@dataclass(frozen=True, slots=True)
class NotEncoded:
    """An answer without faces: the error to raise, and the text for `images.last_error`, without the request's name."""

    error: FacesError
    last_error: str

    @property
    def request_id(self) -> str | None:
        """What the API's log calls the request."""
        return self.error.request_id


class FaceClient:
    """Asks the face API, for the job of an image. Threads may share it.

    `http` has the API's URL as its base, and its caller closes it. `drop_idle` closes the connections that it keeps.
    """

    def __init__(self, http: httpx2.Client, drop_idle: Callable[[], None] = lambda: None) -> None:
        self._http = http
        self.drop_idle = drop_idle
        self._place = str(http.base_url).rstrip("/")

    def encode(
        self,
        photo: Path,
        filename: str,
        drawing: Drawing | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
        boxes: Sequence[Box] = (),
    ) -> Encoded | NotEncoded:
        """Send a photo and read its faces.

        Args:
            photo: the file to send.
            filename: what to call it, `images.filename`.
            drawing: the debug picture to be written; None: none.
            timeout: seconds to wait for the answer; None: as long as the client does.
            request_id: what the API's log is to call the request, as `SANE_ID` has it; None: a new name.
            boxes: where the faces are, in pixels of the upright photo: these are encoded, and none is looked for.

        Raises:
            FileMissing: the file cannot be read.
        """
        fields: dict[str, str] = {}
        if drawing:
            # In the order in which PHP sends them.
            fields = {"original_path": drawing.original_path, "image_debug_subdir": drawing.subdir}
            fields |= {"webp_quality": str(_WEBP_QUALITY)} if drawing.as_webp else {}
        if boxes:
            fields["boxes"] = json.dumps([asdict(box) for box in boxes])
        request_id = request_id or uuid.uuid4().hex
        try:
            answer = self._post(photo, filename, fields, timeout, request_id)
        except OSError as error:
            raise FileMissing(f"cannot read {photo}: {error.strerror or error}") from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.InvalidURL) as error:
            return _refused(FaceApiUnavailable(f"the face API at {self._place} does not answer: {_why(error)}"))
        except httpx2.HTTPError as error:
            return _refused(self._lost(error), request_id)
        return _read(answer, self._place, request_id, needs_picture=drawing is not None and drawing.required)

    def health(self) -> Mapping[str, Any] | None:
        """What `/health` says; None where nothing answers or it is not a face API."""
        try:
            answer = self._http.get("/health", timeout=CONNECT_SECONDS)
            body = answer.json() if answer.is_success else None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
            return None
        return body if isinstance(body, dict) and "status" in body and "mode" in body else None

    def is_ready(self) -> bool:
        """Whether `/readyz` says within 10 s that photos are taken."""
        try:
            self.require_ready()
        except FaceApiUnavailable:
            return False
        return True

    def require_ready(self) -> None:
        """Ask `/readyz`, for 10 s at most.

        Raises:
            FaceApiUnavailable: no photos are taken; the sentence says why.
        """
        try:
            answer = self._http.get("/readyz", timeout=CONNECT_SECONDS)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise FaceApiUnavailable(f"the face API at {self._place} does not answer: {_why(error)}") from error
        if not answer.is_success:
            said = last_error.sentence_of(last_error.of_answer(answer.status_code, answer.content))
            raise FaceApiUnavailable(f"the face API at {self._place} takes no photos now: {said}", answered=True)

    def _post(
        self, photo: Path, filename: str, fields: dict[str, str], timeout: float | None, request_id: str
    ) -> httpx2.Response:
        """Send it; once more where a kept connection was closed before a byte of answer."""
        events: list[str] = []
        trace = {"trace": lambda event, _info: events.append(event)}
        options: dict[str, Any] = {"extensions": trace, "headers": {REQUEST_ID: request_id}}
        if timeout is not None:
            options["timeout"] = httpx2.Timeout(timeout, connect=CONNECT_SECONDS)
        with photo.open("rb") as file:
            try:
                return self._http.post("/encode", data=fields, files={"image": (filename, file)}, **options)
            except _CLOSED:
                is_new = any(event.startswith("connection.connect_") for event in events)
                if is_new or "http11.receive_response_headers.complete" in events:
                    raise
            file.seek(0)
            return self._http.post("/encode", data=fields, files={"image": (filename, file)}, **options)

    def _lost(self, error: httpx2.HTTPError) -> FacesError:
        """An API that is ready lost the answer to this photo; one that is not is unavailable, whatever the photo."""
        if self.is_ready():
            sentence = f"the face API at {self._place} is ready, but gave no answer to this photo: {_why(error)}"
            return AnswerLost(sentence, timed_out=isinstance(error, httpx2.TimeoutException))
        return FaceApiUnavailable(f"the face API at {self._place} does not answer any more: {_why(error)}")


def _read(answer: httpx2.Response, place: str, request_id: str, *, needs_picture: bool) -> Encoded | NotEncoded:
    """Read an answer of the API at `place`; only a reply that says so means a photo without faces.

    The request's name is the answer's, where a proxy gave it another one than our `request_id`.
    """
    said = answer.headers.get(REQUEST_ID, "")
    name = said if SANE_ID.fullmatch(said) else request_id
    try:
        body = answer.json()
    except ValueError:
        body = None
    fields = body if isinstance(body, dict) else {}
    error: FacesError
    if not answer.is_success:
        error, text = error_of(answer, fields, place), last_error.of_answer(answer.status_code, answer.content)
    elif fields.get("error") is not None:
        error = (EngineError if fields.get("retryable") else PhotoDeclined)(str(fields["error"]))
        text = last_error.of_error_field(fields["error"])
    else:
        try:
            encoded = _encoded(fields, name)
        except (KeyError, TypeError, ValueError):
            sentence = f"the face API at {place} answered {answer.status_code} with something else than faces"
            error, text = EngineError(sentence), last_error.limited(sentence)
        else:
            if encoded.debug_filename or not needs_picture:
                return encoded
            error = without_picture(encoded.warnings, place)
            text = last_error.limited(str(error))
    error.request_id = name
    return NotEncoded(error, text)


def _encoded(fields: Mapping[str, Any], request_id: str) -> Encoded:
    """Read a reply; what only newer APIs send may be missing.

    Raises:
        KeyError: no encodings, or a part of a quality or box is missing.
        TypeError: a field has another type.
        ValueError: an encoding is not 128 finite numbers, or the lists differ in length.
    """
    encodings = fields["encodings"]
    qualities = fields.get("qualities") or [None] * len(encodings)
    details = fields.get("faces") or [None] * len(encodings)
    image, seconds, debug_image_path = fields.get("image"), fields.get("seconds"), fields.get("debug_image_path")
    if debug_image_path is not None and not isinstance(debug_image_path, str):
        raise TypeError(f"found {type(debug_image_path).__name__}, needed text or null")
    return Encoded(
        faces=tuple(_face(*parts) for parts in zip(encodings, qualities, details, strict=True)),
        debug_image_path=debug_image_path,
        pixels=(int(image["width"]), int(image["height"])) if image else None,
        seconds=float(seconds["total"]) if seconds else None,
        scale=int(fields["scale"]) if fields.get("scale") else None,
        warnings=tuple(str(warning) for warning in fields.get("warnings") or ()),
        request_id=request_id,
    )


def _face(numbers: Any, quality: Any, detail: Any) -> FoundFace:
    encoding = np.array(numbers, np.float64)
    if encoding.shape != (ENCODING_LENGTH,) or not np.isfinite(encoding).all():
        raise ValueError(f"found an encoding of shape {encoding.shape}, needed {ENCODING_LENGTH} finite numbers")
    score = box = None
    if quality is not None:
        parts = {name: float(quality["details"][name]) for name in ("size", "sharpness", "brightness", "contrast")}
        score = Quality(total=float(quality["total"]), **parts)
    if ratios := detail["box_ratios"] if detail else None:
        box = RatioBox(**{edge: float(ratios[edge]) for edge in ("top", "right", "bottom", "left")})
    return FoundFace(encoding, score, box)


def _refused(error: FacesError, request_id: str | None = None) -> NotEncoded:
    """`request_id` where the API may have received the request."""
    error.request_id = request_id
    return NotEncoded(error, last_error.limited(str(error)))


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
