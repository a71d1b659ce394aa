"""A photo in memory, upright: its facts, and its pixels at any smaller size."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from faces.photo import depth_and_profile
from faces.photo.face import Pixels
from faces.system.memory import give_back

Resize = Callable[[Pixels, tuple[int, int]], Pixels | None]
"""Brings pixels down to (width, height) as Pillow's LANCZOS does, or returns None where it cannot promise that."""


class Photo:
    """An upright photo in memory. `width` and `height` are pixels; `orientation` is the EXIF value (1–8) applied.

    `other_way` is the turn (as EXIF's) that shows it as those do who do not apply that, where both are in use.

    One thread at a time. `release` frees the pixels; the facts stay.
    """

    __slots__ = ("_picture", "_profile", "format", "height", "orientation", "other_way", "warnings", "width")

    def __init__(
        self,
        picture: Image.Image | Pixels,
        format: str,
        orientation: int,
        profile: bytes | None = None,
        warnings: tuple[str, ...] = (),
        other_way: int | None = None,
    ) -> None:
        #: In one form at a time; the other is made where it is asked for. A gray picture stays Pillow's.
        self._picture: Image.Image | Pixels | None = picture
        self._profile = profile
        self.width, self.height = picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]
        self.format = format
        self.orientation = orientation
        self.warnings = warnings
        self.other_way = other_way

    def size_at(self, longest: int) -> tuple[int, int]:
        """Width and height when the longest side is brought down to `longest` pixels; never up."""
        factor = min(1.0, longest / max(self.width, self.height))
        if factor == 1.0:
            return self.width, self.height
        return max(int(self.width * factor), 1), max(int(self.height * factor), 1)

    def scaled(self, longest: int, resize: Resize | None = None) -> Pixels:
        """The photo with its longest side brought down to `longest` pixels, as the reference method does it.

        Returns RGB, 8 bit, shape (height, width, 3), read-only; profiles are not applied (see `for_people`). Pillow
        does it where `resize` is not given or cannot.
        """
        size = self.size_at(longest)
        if size == (self.width, self.height):
            return self._pixels()
        if resize is not None and not self._is_gray():
            pixels = resize(self._pixels(), size)
            if pixels is not None:
                return pixels
        return _rgb(self._image().resize(size, Image.Resampling.LANCZOS))

    def for_people(self, pixels: Pixels) -> Pixels:
        """`pixels`, which came from `scaled`, in true colours: what a person should see. Works after `release`."""
        if self._profile is None:
            return pixels
        picture = Image.fromarray(pixels)
        for candidate in (picture, picture.getchannel(0)):
            with contextlib.suppress(ValueError):
                return np.asarray(depth_and_profile.to_srgb(candidate, self._profile))
        return pixels

    def release(self) -> None:
        """Free the pixels. Doing it twice is fine."""
        self._picture = None
        give_back(self.width * self.height)

    def _is_gray(self) -> bool:
        return isinstance(self._picture, Image.Image) and self._picture.mode != "RGB"

    def _pixels(self) -> Pixels:
        if isinstance(picture := self._there(), Image.Image):
            pixels = _rgb(picture)
            if picture.mode == "RGB":
                self._picture = pixels
            return pixels
        return picture

    def _image(self) -> Image.Image:
        if not isinstance(picture := self._there(), Image.Image):
            self._picture = picture = Image.fromarray(picture)
        return picture

    def _there(self) -> Image.Image | Pixels:
        if self._picture is None:
            raise RuntimeError("this photo was released")
        return self._picture


def _rgb(image: Image.Image) -> Pixels:
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
