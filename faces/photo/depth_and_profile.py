"""Bit depth and colour profiles: any kind of pixels -> 8-bit RGB or gray, by their profile where that is needed."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageFile

#: Modes of 16 bits a pixel; Pillow's own conversion cuts them off at 255, which is white. Older ones open a PNG as I.
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")

_WHITE = (255, 255, 255)

#: Rows that are converted at a time, which saves memory.
_BAND_ROWS = 256


@dataclass(frozen=True, slots=True)
class Flat:
    """A picture of mode RGB or L. `profile` still waits to be applied for people; `doubt` says what was guessed."""

    image: Image.Image
    profile: bytes | None = None
    doubt: str | None = None


def is_deep(image: Image.Image) -> bool:
    """Whether an opened picture, not decoded yet, has 16 bits a colour, of which Pillow keeps the upper 8.

    One that is in memory already had more, too: it was made from numbers.
    """
    return any(";16" in str(tile.args) for tile in image.tile) if isinstance(image, ImageFile.ImageFile) else True


def flatten(image: Image.Image, deep: bool = False) -> Flat:
    """Turn a decoded picture into mode RGB or L.

    8-bit RGB and gray pixels stay as they are, their profile unused: the reference method looks at those. A
    transparent picture is laid on white. A profile is applied to CMYK, LAB and 16-bit (`deep`) pixels.
    """
    profile = image.info.get("icc_profile") or None
    if image.mode in ("CMYK", "LAB"):
        return _from_print(image, profile)
    flat = _on_paper(usual(image))
    return _in_srgb(flat, profile) if deep else Flat(flat, profile)


def usual(image: Image.Image) -> Image.Image:
    """A decoded picture as one that Pillow can convert to every other mode: most are, and are given back as they are.

    Of 16 bits the upper 8 are kept; gray that was multiplied with its alpha (La) becomes gray beside it; LAB, RGB.
    """
    if image.mode == "La":
        return image.convert("LA")
    if image.mode == "LAB":
        return _from_lab(image)
    if image.mode not in _SIXTEEN_BITS:
        return image
    gray = Image.new("L", image.size)
    for top in range(0, image.height, _BAND_ROWS):
        band = image.crop((0, top, image.width, min(top + _BAND_ROWS, image.height)))
        gray.paste(Image.fromarray((np.asarray(band) >> 8).astype(np.uint8)), (0, top))
    return gray


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


def _on_paper(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        return on_white(image)
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
        return Flat(_from_lab(image))
    return Flat(image.convert("RGB"), doubt=f"CMYK with {doubt}: its colours are approximate")


def _from_lab(image: Image.Image) -> Image.Image:
    return to_srgb(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes())


def on_white(image: Image.Image) -> Image.Image:
    """Lay a picture with transparent parts on white paper; one of a mode that `usual` gives."""
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    paper = Image.new("RGB", image.size, _WHITE)
    paper.paste(layer, mask=layer.getchannel("A"))
    return paper
