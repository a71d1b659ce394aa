"""Any kind of pixels -> 8-bit RGB or gray; and colour profiles, where the plain conversion would be false."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

#: Modes of 16 bits a pixel; Pillow's own conversion cuts them off at 255, which is white.
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")

_WHITE = (255, 255, 255)


def plain(image: Image.Image) -> tuple[Image.Image, str | None]:
    """Turn a decoded picture into mode RGB or L, and say what had to be guessed (or None).

    8-bit RGB and gray pixels stay as they are, whatever their profile: the reference method looks at those. A
    transparent picture is laid on white. A profile is applied to CMYK, LAB and 16-bit pixels. Real numbers and
    32-bit integers are brought to 0–255 by the smallest usual range (1, 255, 65535) that holds nearly all.
    """
    if image.has_transparency_data:
        return _on_white(image), None
    if image.mode in ("CMYK", "LAB"):
        return _from_print(image)
    profile = image.info.get("icc_profile")
    if image.mode in _SIXTEEN_BITS or (image.mode == "I" and image.format == "PNG"):
        gray = _from_array(np.asarray(image).astype(np.int64) >> 8)
        return _with_profile(gray, profile)
    if image.mode in ("I", "F"):
        return _from_array(_to_255(np.asarray(image, dtype=np.float32))), None
    if image.mode in ("RGB", "L"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


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


def _with_profile(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, str | None]:
    if not profile:
        return image, None
    try:
        return to_srgb(image, profile), None
    except ValueError as error:
        return image, str(error)


def _from_print(image: Image.Image) -> tuple[Image.Image, str | None]:
    """CMYK and LAB by their profile; without one CMYK by Pillow's simple formula, LAB as D50 (its definition)."""
    profile = image.info.get("icc_profile")
    found = "no colour profile"
    if profile:
        try:
            return to_srgb(image, profile), None
        except ValueError as error:
            found = str(error)
    if image.mode == "LAB":
        return to_srgb(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()), None
    return image.convert("RGB"), f"CMYK with {found}: its colours are approximate"


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
