"""JSON text exactly as PHP's `json_encode` writes it, so that rows and keys of both sides are the same bytes.

And what a text that came as JSON must lose before it is stored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]


def dumps(value: Json) -> str:
    """Write a value as PHP's `json_encode` does with its default flags (`serialize_precision` -1).

    No spaces; `/` escaped; everything outside ASCII as escapes; an empty map is `[]`, as in PHP, where both are arrays.

    Raises:
        ValueError: a float is infinite or not a number; `json_encode` refuses it too.
    """
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        # Python escapes DEL, PHP does not; PHP escapes the slash, Python does not.
        return json.dumps(value).replace("/", "\\/").replace("\\u007f", "\x7f")
    if isinstance(value, Mapping):
        pairs = ",".join(f"{dumps(key)}:{dumps(item)}" for key, item in value.items())
        return f"{{{pairs}}}" if pairs else "[]"
    if isinstance(value, Sequence):
        return f"[{','.join(map(dumps, value))}]"
    return json.dumps(value)


def storable(text: str) -> str:
    """A text with `?` for each half of a character: JSON can hold those, UTF-8 and with it a database cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _float(number: float) -> str:
    """Shortest text that reads back as the same float, in the layout of PHP's `smart_str_append_double`."""
    if not math.isfinite(number):
        raise ValueError(f"found {number}, JSON needs a finite number")
    text = repr(number)
    if "e" not in text:
        # From 0.0001 to 10^16 both write plain digits, but for Python's ".0".
        return text.removesuffix(".0")
    sign = "-" if math.copysign(1.0, number) < 0 else ""
    digits, point = _digits(abs(number))
    if point < -3 or point > 17:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}e{point - 1:+d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}" if digits != "0" else f"{sign}0"
    whole, part = digits[:point].ljust(point, "0"), digits[point:]
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def _digits(number: float) -> tuple[str, int]:
    """The shortest digits of a number ≥ 0, and where the decimal point stands among them (0.05 is "5", -1)."""
    mantissa, _, exponent = repr(number).partition("e")
    whole, _, part = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = (whole + part).lstrip("0")
    point -= len(whole + part) - len(digits)
    return (digits.rstrip("0"), point) if digits else ("0", 1)
