"""The small JPEGs of a contact sheet: photos and cut-out faces, made once and kept while the photo is unchanged."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from faces.errors import FileMissing
from faces.photo import decoding
from faces.photo.face import Pixels, RatioBox
from faces.system import atomic_file

#: Longest side of a whole photo, pixels: sharp at 320 px on a dense screen.
PHOTO_SIDE = 640

#: Side of a cut-out face, pixels: sharp at 88 px on a dense screen.
CROP_SIDE = 176

#: How much wider than its box a cut-out is: hair and chin belong to a face for people.
CROP_MARGIN = 1.5

#: JPEG quality: no visible loss at these sizes, about 60 kB a photo.
QUALITY = 84

#: To be changed when the same photo would give other pictures than before; part of every file name.
RECIPE = "1"

_OURS = re.compile(r"(?P<stem>[0-9a-f]{24})-(?P<width>\d+)x(?P<height>\d+)\.jpg(?P<draft>\.\d+\.tmp)?")


@dataclass(frozen=True, slots=True)
class Picture:
    """A file in the folder of pictures, with its size in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """A photo made small, and the faces cut out of it in the order asked for; a box without pixels gives None."""

    whole: Picture
    crops: tuple[Picture | None, ...]


class PictureFolder:
    """A folder of pictures whose names say what they were made from and how large they are.

    The names are the cache's keys: a picture that is there is not made again. One thread.
    """

    def __init__(self, directory: Path, limits: decoding.PhotoLimits) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._limits = limits
        self._kept = {match["stem"]: _picture(match) for match in _ours(directory) if not match["draft"]}

    def pictures_of(self, path: Path, boxes: tuple[RatioBox, ...] = ()) -> Pictures:
        """Make what is not there yet: the photo made small, and a square around each of `boxes`.

        Raises:
            FileMissing: the photo is not there, or may not be read.
            PhotoError: it is no photo (any more), or larger than the limits.
        """
        state = _state(path)
        whole, *crops = [_stem(state, "whole"), *(_stem(state, repr(box)) for box in boxes)]
        wanted = [box for box, stem in zip(boxes, crops, strict=True) if stem not in self._kept and _has_pixels(box)]
        if whole not in self._kept or wanted:
            self._make(path, whole, {_stem(state, repr(box)): box for box in wanted})
        return Pictures(self._kept[whole], tuple(self._kept.get(stem) for stem in crops))

    def keep_only(self, names: Collection[str]) -> None:
        """Remove the pictures that no page shows any more; files that are not ours stay."""
        for match in _ours(self._directory):
            if match.string not in names:
                (self._directory / match.string).unlink(missing_ok=True)

    def _make(self, path: Path, whole: str, crops: dict[str, RatioBox]) -> None:
        decoded = decoding.decode(_bytes_of(path, self._limits), self._limits)
        if whole not in self._kept:
            self._save(whole, decoded.for_people(decoded.scaled(PHOTO_SIDE)))
        if crops:
            pixels = decoded.scaled(max(decoded.width, decoded.height))
            for stem, box in crops.items():
                self._save(stem, decoded.for_people(_cut(pixels, box)))
        decoded.release()

    def _save(self, stem: str, pixels: Pixels) -> None:
        height, width = pixels.shape[:2]
        picture = Picture(f"{stem}-{width}x{height}.jpg", width, height)
        jpeg = io.BytesIO()
        Image.fromarray(pixels).save(jpeg, "JPEG", quality=QUALITY, optimize=True, progressive=True)
        atomic_file.replace(self._directory / picture.name, jpeg.getvalue())
        self._kept[stem] = picture


def _ours(directory: Path) -> list[re.Match[str]]:
    return [match for match in (_OURS.fullmatch(file.name) for file in directory.iterdir()) if match]


def _picture(match: re.Match[str]) -> Picture:
    return Picture(match.string, int(match["width"]), int(match["height"]))


def _state(path: Path) -> bytes:
    """Bytes that change when the photo's file does."""
    try:
        facts = path.stat()
    except OSError as error:
        raise FileMissing(f"the file cannot be found: {error.strerror}") from error
    if not stat.S_ISREG(facts.st_mode):
        raise FileMissing("found something that is no ordinary file")
    return f"{RECIPE}|{facts.st_size}|{facts.st_mtime_ns}|".encode() + os.fsencode(path.absolute())


def _stem(state: bytes, what: str) -> str:
    return hashlib.sha256(state + b"|" + what.encode()).hexdigest()[:24]


def _bytes_of(path: Path, limits: decoding.PhotoLimits) -> bytes:
    """The file, or as much of it as shows that it is too long."""
    try:
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except OSError as error:
        raise FileMissing(f"the file cannot be read: {error.strerror}") from error


def _has_pixels(box: RatioBox) -> bool:
    return max(box.left, 0) < min(box.right, 1) and max(box.top, 0) < min(box.bottom, 1)


def _cut(pixels: Pixels, box: RatioBox) -> Pixels:
    """A square around `box`, moved inside the photo where it would stick out, at most `CROP_SIDE` wide."""
    height, width = pixels.shape[:2]
    side = CROP_MARGIN * max((box.right - box.left) * width, (box.bottom - box.top) * height)
    side = max(min(round(side), width, height), 1)
    left = min(max(round((box.left + box.right) / 2 * width - side / 2), 0), width - side)
    top = min(max(round((box.top + box.bottom) / 2 * height - side / 2), 0), height - side)
    square = Image.fromarray(pixels[top : top + side, left : left + side])
    edge = min(side, CROP_SIDE)
    return np.asarray(square.resize((edge, edge), Image.Resampling.LANCZOS))
