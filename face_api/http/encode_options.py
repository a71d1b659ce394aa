"""The options of a request with a photo: what each may be, how it is read, and how the documentation shows it.

An option comes in the query or in the form, as text; an empty one means the same as a missing one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from face_api.http.schemas import shown, warnings_about
from face_api.http.upload_form import RequestFields
from faces.http.errors import WrongField
from faces.photo.face import Box
from faces.photo.phash import LARGEST_SIZE, SMALLEST_SIZE
from faces.photo.selection import Selection
from faces.settings import LONGEST_PATH

#: Boxes in one request: the slowest engine takes 0.1 s each, and FACE_API_PHOTO_SECONDS is 240.
MOST_BOXES = 500

#: Characters of `boxes`: four times what so many need.
_LONGEST_BOXES = 128 * MOST_BOXES

#: Pixels from the photo's edge, farther than any photo has.
_FARTHEST = 10**9

#: Neither NUL nor a folder `..`: what `faces.laravel.disks` refuses.
_PATH_PATTERN = r"^(?!([^\x00]*/)?\.\.(/|$))[^\x00]*$"

_EDGES = ("top", "right", "bottom", "left")
_FLAGS = {"0": False, "false": False, "1": True, "true": True}

_T = TypeVar("_T")


class NotUsable(ValueError):
    """What is wrong about an option's text, in words that stand behind its name."""


@dataclass(frozen=True, slots=True)
class Option(Generic[_T]):
    """One option; `read` makes a value of its text, or raises NotUsable. Without a text it is `default`."""

    name: str
    read: Callable[[str], _T]
    default: _T
    schema: dict[str, Any]

    def of(self, fields: RequestFields) -> _T:
        """The value that a request gives it.

        Raises:
            WrongField: the text cannot be used, or there are two of them.
        """
        text = fields.text(self.name)
        try:
            return self.read(text) if text else self.default
        except NotUsable as error:
            raise WrongField(f"{self.name}{error}") from error


def _path(text: str) -> str:
    if len(text) > LONGEST_PATH:
        raise NotUsable(f" has {len(text):,} characters, at most {LONGEST_PATH:,} are accepted")
    return text


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise NotUsable(f" is {shown(text)}, needed a whole number from {least} to {most}")
        return int(text)

    return read


def _points(text: str) -> float:
    """A number from 0 to 100."""
    if not re.fullmatch(r"[0-9.eE+-]{1,32}", text) or not 0 <= (number := _float(text)) <= 100:
        raise NotUsable(f" is {shown(text)}, needed a number from 0 to 100")
    return number


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise NotUsable(f" is {shown(text)}, needed 1 or 0")
    return _FLAGS[text]


@dataclass(frozen=True, slots=True)
class GivenBoxes:
    """Boxes in pixels of the upright photo, in the request's order; and what else was said of them, to no effect."""

    boxes: tuple[Box, ...]
    unknown: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> GivenBoxes:
        """Read `[{"top": 1, "right": 20, "bottom": 20, "left": 1}, …]`.

        Raises:
            NotUsable: this is no such list, or a box has no pixel; the sentence names which.
        """
        if len(text) > _LONGEST_BOXES:
            raise NotUsable(f" has {len(text):,} characters, at most {_LONGEST_BOXES:,} are accepted")
        try:
            entries = json.loads(text, object_pairs_hook=_JsonObject)
        except (ValueError, RecursionError) as error:
            raise NotUsable(f" is no JSON ({str(error)[:80]}), needed a list of boxes") from error
        if type(entries) is not list:
            raise NotUsable(' is no list, needed [{"top": …, "right": …, "bottom": …, "left": …}, …]')
        if len(entries) > MOST_BOXES:
            raise NotUsable(f" has {len(entries):,} boxes, at most {MOST_BOXES} are accepted")
        unknown = {name: None for entry in entries if isinstance(entry, _JsonObject) for name, _ in entry}
        boxes = tuple(_box(f"[{at}]", entry) for at, entry in enumerate(entries))
        return cls(boxes, tuple(name for name in unknown if name not in _EDGES))


class _JsonObject(list[tuple[str, Any]]):
    """The members of a JSON object, as they stand there: a name may come twice."""


def _box(place: str, entry: Any) -> Box:
    if not isinstance(entry, _JsonObject):
        raise NotUsable(f"{place} is no object, needed top, right, bottom and left")
    edges: dict[str, int] = {}
    for name, value in entry:
        if name in edges:
            raise NotUsable(f"{place} has {name} twice")
        if name in _EDGES:
            edges[name] = _pixels(f"{place}.{name}", value)
    if missing := [name for name in _EDGES if name not in edges]:
        raise NotUsable(f"{place} has no {missing[0]}, needed top, right, bottom and left")
    box = Box(**edges)
    if not box.width or not box.height:
        raise NotUsable(f"{place} has no pixel in it, needed left < right and top < bottom")
    return box


def _pixels(place: str, value: Any) -> int:
    """A whole number, as any language writes it: 12 and 12.0."""
    if type(value) not in (int, float) or not -_FARTHEST <= value <= _FARTHEST or value != int(value):
        raise NotUsable(f"{place} is {shown(str(value))}, needed a whole number of pixels")
    return int(value)


def _text(description: str, **rules: Any) -> dict[str, Any]:
    """A text field of a form, for which these rules hold.

    Its type is said twice: tools that send wrong types on purpose change it in one place, though in a form false is
    the text "false".
    """
    return {"type": "string", "allOf": [{"type": "string", **rules}], "description": description}


def _path_text(description: str) -> dict[str, Any]:
    return _text(description, maxLength=LONGEST_PATH, pattern=_PATH_PATTERN)


def _number_text(most: int, description: str) -> dict[str, Any]:
    """A whole number from 1 to a power of ten, or nothing."""
    return _text(description, maxLength=9, pattern=rf"^(0*([1-9][0-9]{{0,{len(str(most)) - 2}}}|{most}))?$")


ORIGINAL_PATH: Option[str | None] = Option(
    "original_path",
    _path,
    None,
    _path_text(
        "where the original lies, absolute, or relative to `original_disk`, as `/dfotos/2024/07/IMG_1.jpg`; the debug "
        "picture is written beside it. Without it there is no debug picture; with it there is one, or an error "
        "(FACE_DEBUG_PICTURES)"
    ),
)
ORIGINAL_DISK: Option[str | None] = Option(
    "original_disk", _path, None, _path_text("name of a disk in FACE_DISK_ROOTS, or a disk's root")
)
IMAGE_DEBUG_SUBDIR = Option(
    "image_debug_subdir", _path, "debug", _path_text("folder of the debug picture; default `debug`")
)
WEBP_QUALITY: Option[int | None] = Option(
    "webp_quality",
    _whole_number(1, 100),
    None,
    _number_text(100, "1–100: write the debug picture as WebP of this quality"),
)
BOXES: Option[GivenBoxes | None] = Option(
    "boxes",
    GivenBoxes.read,
    None,
    _text(
        "do not search: encode these boxes, in this order. A JSON list of boxes in whole pixels of the upright photo, "
        f'each inside it, as `[{{"top": 155, "right": 313, "bottom": 258, "left": 211}}]`; at most {MOST_BOXES}. Not '
        "together with max_faces, min_size or min_quality",
        maxLength=_LONGEST_BOXES,
        contentMediaType="application/json",
    ),
)
LANDMARKS: Option[bool | None] = Option(
    "landmarks", _flag, None, _text("1: five points of each face; default 0, with boxes 1", enum=["", *_FLAGS])
)
MAX_FACES: Option[int | None] = Option(
    "max_faces",
    _whole_number(1, 10_000),
    None,
    _number_text(10_000, "1–10000: only the largest so many, by the area of their boxes; they keep their order"),
)
MIN_SIZE: Option[int | None] = Option(
    "min_size",
    _whole_number(1, 100_000),
    None,
    _number_text(
        100_000,
        "1–100000: only faces whose box has so many pixels of the upright photo along its shorter side",
    ),
)
MIN_QUALITY: Option[float | None] = Option(
    "min_quality",
    _points,
    None,
    _text(
        "0–100: only faces of this total quality at least",
        pattern=r"^([0-9]{1,2}(\.[0-9]{1,9})?|100(\.0{1,9})?)?$",
    ),
)
HASH_SIZE = Option(
    "hash_size",
    _whole_number(SMALLEST_SIZE, LARGEST_SIZE),
    8,
    {
        "anyOf": [
            {"type": "integer", "minimum": SMALLEST_SIZE, "maximum": LARGEST_SIZE},
            {"type": "string", "maxLength": 0},
        ],
        "default": 8,
        "description": "the hash has hash_size² bits",
        "examples": [8],
    },
)

ENCODE: tuple[Option[Any], ...] = (
    *(ORIGINAL_PATH, ORIGINAL_DISK, IMAGE_DEBUG_SUBDIR, WEBP_QUALITY),
    *(BOXES, LANDMARKS, MAX_FACES, MIN_SIZE, MIN_QUALITY),
)
HASH: tuple[Option[Any], ...] = (HASH_SIZE,)


def names(options: Iterable[Option[Any]]) -> list[str]:
    return [option.name for option in options]


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """What /encode is asked for, beside the photo."""

    original_path: str | None
    original_disk: str | None
    image_debug_subdir: str
    webp_quality: int | None
    boxes: tuple[Box, ...] | None
    """In pixels of the upright photo; None: what a search finds."""
    landmarks: bool
    selection: Selection
    notes: list[str]
    """What the answer's `warnings` say of them."""

    @classmethod
    def of(cls, fields: RequestFields) -> EncodeOptions:
        """Read them.

        Raises:
            WrongField: one cannot be used, or two contradict each other.
        """
        given, landmarks = BOXES.of(fields), LANDMARKS.of(fields)
        selection = Selection(MAX_FACES.of(fields), MIN_SIZE.of(fields), MIN_QUALITY.of(fields))
        if given is not None and selection != Selection():
            raise WrongField(
                "boxes asks for each of its boxes, and max_faces, min_size or min_quality for a part of what is found: "
                "needed one or the other"
            )
        return cls(
            ORIGINAL_PATH.of(fields),
            ORIGINAL_DISK.of(fields),
            IMAGE_DEBUG_SUBDIR.of(fields),
            WEBP_QUALITY.of(fields),
            None if given is None else given.boxes,
            given is not None if landmarks is None else landmarks,
            selection,
            warnings_about([] if given is None else given.unknown, "box member"),
        )
