"""Bit depth and colour profiles: any kind of pixels -> 8-bit RGB or gray, by their profile where that is needed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageFile

#: Modes of 16 bits a pixel; Pillow's own conversion cuts them off at 255, which is white.
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")

_WHITE = (255, 255, 255)

#: Rows of a picture of numbers that are converted at a time.
_BAND_ROWS = 256

_Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Flat:
    """A picture of mode RGB or L. `profile` still waits to be applied for people; `doubt` says what was guessed."""

    image: Image.Image
    profile: bytes | None = None
    doubt: str | None = None


def is_deep(image: Image.Image) -> bool:
    """Whether an opened picture, not decoded yet, has 16 bits a colour, of which Pillow keeps the upper 8."""
    return any(";16" in str(tile.args) for tile in image.tile) if isinstance(image, ImageFile.ImageFile) else False


def flatten(image: Image.Image, deep: bool = False) -> Flat:
    """Turn a decoded picture into mode RGB or L.

    8-bit RGB and gray pixels stay as they are, their profile unused: the reference method looks at those. A
    transparent picture is laid on white. A profile is applied to CMYK, LAB and 16-bit (`deep`) pixels. Real numbers
    and 32-bit integers are brought to 0–255 by the smallest usual range (1, 255, 65535) that holds nearly all.
    """
    profile = image.info.get("icc_profile") or None
    if image.mode in ("CMYK", "LAB"):
        return _from_print(image, profile)
    if image.mode in _SIXTEEN_BITS or (image.mode == "I" and image.format == "PNG"):
        return _in_srgb(_gray(image, lambda numbers: numbers >> 8), profile)
    if image.mode in ("I", "F"):
        full = _full_range(image)
        return Flat(_gray(image, lambda numbers: np.rint(np.clip(np.nan_to_num(numbers) / full, 0, 1) * 255)))
    flat = _eight_bits(image)
    return _in_srgb(flat, profile) if deep else Flat(flat, profile)


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The same picture as mode RGB in the colours that `profile` (ICC) means.

    Raises:
        ValueError: the profile is damaged, or is not one for pixels of this mode.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB")
        converted = ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
        raise ValueError(f"the colour profile cannot be used: {error}") from error
    if converted is None:
        raise ValueError("the colour profile cannot be used")
    return converted


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode in ("RGB", "L"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Flat:
    if profile is None:
        return Flat(image)
    try:
        return Flat(to_srgb(image, profile))
    except ValueError as error:
        return Flat(image, doubt=str(error))


def _from_print(image: Image.Image, profile: bytes | None) -> Flat:
    """CMYK and LAB by their profile; without one CMYK by Pillow's simple formula, LAB as D50 (its definition)."""
    doubt = "no colour profile"
    if profile is not None:
        try:
            return Flat(to_srgb(image, profile))
        except ValueError as error:
            doubt = str(error)
    if image.mode == "LAB":
        return Flat(to_srgb(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()))
    return Flat(image.convert("RGB"), doubt=f"CMYK with {doubt}: its colours are approximate")


def _on_white(image: Image.Image) -> Image.Image:
    """Lay a picture with transparent parts on white paper."""
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    paper = Image.new("RGB", image.size, _WHITE)
    paper.paste(layer, mask=layer.getchannel("A"))
    return paper


def _full_range(image: Image.Image) -> float:
    """What counts as white in a picture of numbers: the 99th percentile decides, as highlights may lie above 1."""
    sample = image.resize((min(image.width, 1000), min(image.height, 1000)), Image.Resampling.NEAREST)
    high = float(np.percentile(np.nan_to_num(np.asarray(sample)), 99, method="lower"))
    return next((full for full in (1.0, 255.0, 65535.0) if high <= full), high)


def _gray(image: Image.Image, convert: Callable[[_Numbers], _Numbers]) -> Image.Image:
    """A picture of numbers as mode L, each number converted and cut to 0–255; by bands, which saves memory."""
    gray = Image.new("L", image.size)
    for top in range(0, image.height, _BAND_ROWS):
        band = image.crop((0, top, image.width, min(top + _BAND_ROWS, image.height)))
        pixels = np.clip(convert(np.asarray(band)), 0, 255).astype(np.uint8)
        gray.paste(Image.fromarray(pixels), (0, top))
    return gray
