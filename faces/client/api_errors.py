"""Whose fault it is when the face API gives no faces: what its answer says, as one of our errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import httpx2

from faces.errors import (
    CrashedBefore,
    DamagedPhoto,
    EmptyFile,
    EngineError,
    FaceApiUnavailable,
    FacesError,
    NoDiskForPicture,
    PhotoError,
    PhotoTooLarge,
    RequestRefused,
    UnsupportedFormat,
)
from faces.laravel import last_error

#: Statuses that, with `retryable: false` and a code that speaks of the photo, mean: trying again changes nothing.
_PHOTO_STATUSES = frozenset({400, 413, 415, 422})

#: Statuses that mean: not this photo, but the API, its key, or a proxy before it is at fault.
_WORLD_STATUSES = frozenset({401, 403, 404, 405, 408, 429, 502, 503, 504})

_PHOTO_ERRORS = {
    error.code: error
    for error in (PhotoError, EmptyFile, UnsupportedFormat, DamagedPhoto, PhotoTooLarge, CrashedBefore)
} | {"request_too_large": PhotoTooLarge}

#: An API that fails, whatever it was asked; those of `_WORLD_STATUSES` left out.
_FAILED = range(500, 600)


def error_of(answer: httpx2.Response, fields: Mapping[str, Any], place: str) -> FacesError:
    """The error that an answer of the API at `place` with another status than a success is; `fields` is its JSON."""
    status, sentence = answer.status_code, fields.get("error")
    if fields.get("code") == NoDiskForPicture.code:
        return NoDiskForPicture(f"the face API at {place} refused a photo: {sentence}")
    if status in _PHOTO_STATUSES and fields.get("retryable") is False:
        return _refusal(status, fields, place)
    if status not in _WORLD_STATUSES:
        failed = EngineError(f"the face API at {place} failed: {last_error.limited(str(sentence or f'HTTP {status}'))}")
        failed.of_the_api = status in _FAILED
        return failed
    hint = "; is FACE_API_KEY right?" if status in {401, 403} and fields.get("code") != "foreign_host" else ""
    reason = last_error.limited(str(sentence or "no reason"))
    return FaceApiUnavailable(
        f"the face API at {place} answered {status}: {reason}{hint}",
        retry_after=_seconds(answer.headers.get("Retry-After")),
        answered=True,
    )


def _refusal(status: int, fields: Mapping[str, Any], place: str) -> FacesError:
    """The photo's fault, where the code says so, or there is none as of older APIs; else a misunderstanding."""
    code = str(fields.get("code") or PhotoError.code)
    sentence = str(fields.get("error") or f"the face API at {place} refused the photo with {status}")
    if kind := _PHOTO_ERRORS.get(code):
        return kind(sentence)
    return RequestRefused(f"the face API at {place} refused a request as {code}: {last_error.limited(sentence)}")


def _seconds(header: str | None) -> float | None:
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def without_picture(warnings: tuple[str, ...], place: str) -> NoDiskForPicture:
    """No debug picture though one was asked for: an API with another setting than ours, or an older one, answers so."""
    said = f" ({'; '.join(warnings)})" if warnings else ""
    return NoDiskForPicture(
        f"the face API at {place} wrote no debug picture{said}: needed its disk in FACE_DISK_ROOTS and "
        "FACE_DEBUG_PICTURES=required there, or FACE_DEBUG_PICTURES=best_effort here"
    )
