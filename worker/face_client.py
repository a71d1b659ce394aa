"""Our side of face_api: sends a photo as PHP does, reads the faces, and says what an error answer means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from faces.errors import (
    CrashedBefore,
    DamagedPhoto,
    EmptyFile,
    EngineError,
    FaceApiUnavailable,
    FacesError,
    FileMissing,
    PhotoError,
    PhotoTooLarge,
    UnsupportedFormat,
)
from faces.face import ENCODING_LENGTH, Encoding, Quality, RatioBox
from worker import last_error

#: Statuses that mean: this photo, and trying again changes nothing.
_PHOTO_STATUSES = frozenset({400, 413, 415, 422})

_PHOTO_ERRORS = {
    error.code: error for error in (EmptyFile, UnsupportedFormat, DamagedPhoto, PhotoTooLarge, CrashedBefore)
}

#: Seconds to reach the API; its answer may take `FACE_API_TIMEOUT`.
_CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face as the API tells it; an API that knows no quality or box leaves them None."""

    encoding: Encoding
    quality: Quality | None = None
    box: RatioBox | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """The faces of a photo, in the order of their numbers on the debug picture."""

    faces: tuple[FoundFace, ...]
    debug_image_path: str | None = None
    pixels: tuple[int, int] | None = None
    """Width and height of the upright photo."""
    seconds: float | None = None
    """What the API needed, waiting included."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """No faces to be had: the error, and what `images.last_error` says of it."""

    error: FacesError
    last_error: str


def open_http(url: str, *, key: str | None, timeout: float) -> httpx2.Client:
    """A client for the API at `url`; the caller closes it. Proxies of the environment are not used."""
    return httpx2.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=httpx2.Timeout(timeout, connect=_CONNECT_SECONDS),
        limits=httpx2.Limits(max_connections=None),
        trust_env=False,
    )


class FaceClient:
    """Asks the face API. Threads may share it."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http
        self._place = str(http.base_url).rstrip("/")

    def encode(self, photo: Path, filename: str, original_path: str | None = None) -> Encoded | Refused:
        """Send a photo and read its faces.

        Args:
            photo: the file to send.
            filename: what to call it, `images.filename`.
            original_path: where the original lies for the app; the API then writes a debug picture beside it.

        Raises:
            FileMissing: the file cannot be read.
        """
        fields = {"original_path": original_path, "image_debug_subdir": "debug"} if original_path else {}
        try:
            with photo.open("rb") as file:
                answer = self._http.post("/encode", data=fields, files={"image": (filename, file)})
        except OSError as error:
            raise FileMissing(f"cannot read {photo}: {error.strerror or error}") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return self._unavailable(f"does not answer: {_why(error)}")
        return self._read(answer)

    def health(self) -> Mapping[str, Any] | None:
        """What `/health` says; None where nothing answers or it is not a face API."""
        try:
            answer = self._http.get("/health", timeout=_CONNECT_SECONDS)
            body = answer.json() if answer.is_success else None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
            return None
        return body if isinstance(body, dict) and "status" in body and "mode" in body else None

    def is_ready(self) -> bool:
        """Whether `/readyz` says that photos are taken."""
        try:
            return self._http.get("/readyz", timeout=_CONNECT_SECONDS).is_success
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return False

    def _read(self, answer: httpx2.Response) -> Encoded | Refused:
        try:
            body = answer.json()
        except ValueError:
            body = None
        fields = body if isinstance(body, dict) else {}
        if not answer.is_success:
            return Refused(self._error_of(answer, fields), last_error.of_answer(answer.status_code, answer.content))
        if fields.get("error") is not None:
            kind = FaceApiUnavailable if fields.get("retryable") else PhotoError
            return Refused(kind(str(fields["error"])), last_error.of_error_field(fields["error"]))
        try:
            return _encoded(fields)
        except (KeyError, TypeError, ValueError):
            # Never "no faces": that would mark the image as done.
            return self._unavailable(f"answered {answer.status_code} with something else than faces")

    def _error_of(self, answer: httpx2.Response, fields: Mapping[str, Any]) -> FacesError:
        status, sentence = answer.status_code, fields.get("error")
        if status in _PHOTO_STATUSES:
            kind = _PHOTO_ERRORS.get(str(fields.get("code")), PhotoError)
            return kind(str(sentence or f"the face API at {self._place} refused the photo with {status}"))
        if status == 500:
            return EngineError(f"the face API at {self._place} failed: {sentence or 'HTTP 500'}")
        hint = "; is FACE_API_KEY right?" if status in {401, 403} else ""
        reason = last_error.limited(str(sentence or "no reason"))
        return FaceApiUnavailable(
            f"the face API at {self._place} answered {status}: {reason}{hint}",
            retry_after=_seconds(answer.headers.get("Retry-After")),
        )

    def _unavailable(self, what: str) -> Refused:
        sentence = f"the face API at {self._place} {what}"
        return Refused(FaceApiUnavailable(sentence), last_error.limited(sentence))


def _encoded(fields: Mapping[str, Any]) -> Encoded:
    """Read a reply; what only newer APIs send may be missing.

    Raises:
        KeyError: no encodings.
        TypeError: a field has another type.
        ValueError: an encoding is not 128 finite numbers, or the lists differ in length.
    """
    encodings = [_encoding(numbers) for numbers in fields["encodings"]]
    qualities = fields.get("qualities") or [None] * len(encodings)
    details = fields.get("faces") or [None] * len(encodings)
    image, seconds = fields.get("image"), fields.get("seconds")
    found = zip(encodings, qualities, details, strict=True)
    return Encoded(
        faces=tuple(FoundFace(encoding, _quality(quality), _box(detail)) for encoding, quality, detail in found),
        debug_image_path=_text_or_none(fields.get("debug_image_path")),
        pixels=(int(image["width"]), int(image["height"])) if image else None,
        seconds=float(seconds["total"]) if seconds else None,
        warnings=tuple(str(warning) for warning in fields.get("warnings") or ()),
    )


def _encoding(numbers: Any) -> Encoding:
    encoding = np.array(numbers, np.float64)
    if encoding.shape != (ENCODING_LENGTH,) or not np.isfinite(encoding).all():
        raise ValueError(f"found an encoding of shape {encoding.shape}, needed {ENCODING_LENGTH} finite numbers")
    return encoding


def _quality(quality: Any) -> Quality | None:
    if quality is None:
        return None
    parts = {name: float(quality["details"][name]) for name in ("size", "sharpness", "brightness", "contrast")}
    return Quality(total=float(quality["total"]), **parts)


def _box(detail: Any) -> RatioBox | None:
    ratios = detail["box_ratios"] if detail else None
    return RatioBox(**{edge: float(ratios[edge]) for edge in ("top", "right", "bottom", "left")}) if ratios else None


def _text_or_none(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"found {type(value).__name__}, needed text or null")
    return value


def _seconds(header: str | None) -> float | None:
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
