"""Encodings and boxes as rows hold them: JSON text, written as PHP writes it, read tolerantly."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np

from faces.laravel import php_json
from faces.photo.face import ENCODING_LENGTH, Encoding, Quality, RatioBox


def write_encoding(encoding: Encoding) -> str:
    """The text for `faces.encoding`."""
    return php_json.dumps(encoding.tolist())


def read_encoding(text: str | bytes | None) -> Encoding | None:
    """The encoding in a row; None where it is empty, of another length, or not 128 finite numbers."""
    try:
        numbers = json.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(numbers, list) or len(numbers) != ENCODING_LENGTH:
        return None
    return finite(numbers)


def finite(numbers: list[object]) -> Encoding | None:
    """The numbers of a JSON list as an encoding; None where one is no number, or too large for one."""
    if not all(type(number) in (float, int) for number in numbers):
        return None
    try:
        encoding = np.array(numbers, np.float64)
    except OverflowError:
        return None
    return encoding if np.isfinite(encoding).all() else None


def write_quality_details(quality: Quality) -> str:
    """The text for `faces.quality_details`: the four parts, without the total."""
    return php_json.dumps({name: value for name, value in asdict(quality).items() if name != "total"})


def write_box(box: RatioBox) -> str:
    """The text for `faces.box`: parts of the photo's width and height."""
    return php_json.dumps(asdict(box))


def read_box(text: str | bytes | None) -> RatioBox | None:
    """The box in a row; None where there is none."""
    try:
        values = json.loads(text or "null")
        return RatioBox(**{edge: float(values[edge]) for edge in ("top", "right", "bottom", "left")})
    except (ValueError, TypeError, KeyError):
        return None
