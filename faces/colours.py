"""Any kind of pixels -> 8-bit RGB or gray; and colour profiles, where the plain conversion would be false."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, ImageFile

#: Modes of 16 bits a pixel; Pillow's own conversion cuts them off at 255, which is white.
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")

_WHITE = (255, 255, 255)


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

    8-bit RGB and gray pixels stay as they are, whatever their profile: the reference method looks at those. A
    transparent picture is laid on white. A profile is applied to CMYK, LAB and 16-bit (`deep`) pixels. Real numbers
    and 32-bit integers are brought to 0–255 by the smallest usual range (1, 255, 65535) that holds nearly all.
    """
    profile = image.info.get("icc_profile") or None
    if image.mode in ("CMYK", "LAB"):
        return _from_print(image, profile)
    if image.mode in _SIXTEEN_BITS or (image.mode == "I" and image.format == "PNG"):
        return _in_srgb(_from_array(np.asarray(image).astype(np.int64) >> 8), profile)
    if image.mode in ("I", "F"):
        return Flat(_from_array(_to_255(np.asarray(image, dtype=np.float32))))
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


def _to_255(
    numbers: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Bring numbers of unknown range to 0–255; the 99th percentile decides, as highlights may lie above 1."""
    finite = np.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0)
    high = float(np.percentile(finite, 99)) if finite.size else 0.0
    full = next((full for full in (1.0, 255.0, 65535.0) if high <= full), high)
    scaled: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = finite * (255.0 / full)
    return np.rint(scaled)


def _from_array(numbers: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Image.Image:
    return Image.fromarray(np.clip(numbers, 0, 255).astype(np.uint8))
