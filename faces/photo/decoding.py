"""Bytes -> a photo: upright, 8 bit, within the limits; or a reason why not. The only module that opens pictures."""

from __future__ import annotations

import contextlib
import io
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pi_heif
from PIL import (
    AvifImagePlugin,  # noqa: F401  importing a plugin is what makes Pillow know the format
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    ImageCms,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from faces.errors import DamagedPhoto, EmptyFile, PhotoTooLarge, UnsupportedFormat
from faces.photo import depth_and_profile, formats, heic
from faces.photo.face import Pixels
from faces.photo.formats import FileBytes
from faces.photo.photo import Photo
from faces.settings import Settings

#: EXIF tag 0x0112 and what each of its values asks for (EXIF 2.32, 4.6.4 A).
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: Our name of a format -> the names of Pillow's plugins that may open it.
_PLUGINS = {"WebP": "WEBP", "HEIC": "HEIF"}

#: What Pillow, its plugins and libheif raise on damaged files, as a fuzz of all formats shows.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    BufferError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    ImageCms.PyCMSError,
)


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """What is refused before pixels are decoded: more than `max_pixels` pixels or `max_bytes` bytes."""

    max_pixels: int
    max_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> PhotoLimits:
        """The limits that the settings name in millions."""
        return cls(int(settings.max_megapixels * 1_000_000), int(settings.max_megabytes * 1_000_000))


ReadJpeg = Callable[[FileBytes, int], Pixels | None]
"""Reads an RGB JPEG with Pillow's pixels, turned by an EXIF orientation (1–8); None where it has the least doubt."""


def decode(data: FileBytes, limits: PhotoLimits, read_jpeg: ReadJpeg | None = None) -> Photo:
    """Read a photo: by content, first frame, upright by its EXIF orientation, transparent parts on white.

    `read_jpeg` may read the usual JPEG quicker than Pillow.

    Raises:
        EmptyFile: no bytes.
        UnsupportedFormat: not a format that we read.
        PhotoTooLarge: more bytes or pixels than the limits allow; nothing was decoded.
        DamagedPhoto: the pixels cannot be read to the end.
    """
    with opened(data, limits) as (image, name):
        if read_jpeg is not None and name == "JPEG" and image.mode == "RGB":
            orientation = _orientation(image)
            if (pixels := read_jpeg(data, orientation)) is not None:
                return Photo(pixels, name, orientation, image.info.get("icc_profile") or None)
        deep = depth_and_profile.is_deep(image)
        turned = _turned_by_decoder(image, name, data)
        image.load()
        _check_pixels(image, limits)
        orientation = _orientation(image) if turned is None else turned
        flat = depth_and_profile.flatten(image, deep)
        upright = flat.image
        if turned is None and orientation in _TURNS:
            upright = upright.transpose(_TURNS[orientation])
        elif upright is image and name in ("WebP", "AVIF"):
            # The decoder hangs on the opened picture and holds two more frames; a copy lets go of it.
            upright = image.copy()
    return Photo(upright, name, orientation, flat.profile, (flat.doubt,) if flat.doubt else ())


@contextlib.contextmanager
def opened(data: FileBytes, limits: PhotoLimits) -> Iterator[tuple[Image.Image, str]]:
    """A picture whose header was read and is within the limits, and its format; pixels are not decoded yet.

    All that the decoder raises inside the `with` block becomes one of our errors. Raises as `decode` does.
    """
    _check_bytes(data, limits)
    name = formats.format_of(bytes(data[: formats.HEAD_BYTES]))
    if name is None:
        raise UnsupportedFormat(f"found {len(data)} bytes of no known picture format, need {_readable()}")
    if name in ("HEIC", "AVIF"):
        _check_boxes(data, name)
    _prepare_pillow()
    try:
        with Image.open(io.BytesIO(data), formats=[_PLUGINS.get(name, name)]) as image:
            _check_pixels(image, limits)
            yield image, name
    except MemoryError as error:
        raise PhotoTooLarge(f"the {name} file wants more memory than this machine gives") from error
    except _DECODER_ERRORS as error:
        raise DamagedPhoto(f"the {name} file is damaged or cut off: {_reason(error)}") from error


def _check_bytes(data: FileBytes, limits: PhotoLimits) -> None:
    if len(data) == 0:
        raise EmptyFile(f"the file is empty, need a photo ({_readable()})")
    if len(data) > limits.max_bytes:
        raise PhotoTooLarge(f"the file has {len(data):,} bytes, at most {limits.max_bytes:,} are accepted")


def _check_pixels(image: Image.Image, limits: PhotoLimits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise PhotoTooLarge(
            f"the photo has {width * height:,} pixels ({width} × {height}), at most {limits.max_pixels:,} are accepted"
        )


def _check_boxes(data: FileBytes, name: str) -> None:
    if missing := heic.bytes_missing(data):
        raise DamagedPhoto(f"the {name} file is cut off: its last {missing:,} bytes are missing")
    if name == "HEIC" and heic.has_garbled_names(data):
        raise DamagedPhoto(f"the {name} file is damaged: the names of its items are no text")


def _prepare_pillow() -> None:
    """Make Pillow read HEIC, and leave limits and doubts to us.

    Pillow's own pixel limit would refuse what our setting allows. Its warnings about odd metadata would go to the
    log once and, where warnings are errors, end the decoding; a filter that stays is the only one safe with threads.
    """
    Image.MAX_IMAGE_PIXELS = None
    if "HEIF" not in Image.OPEN:
        pi_heif.register_heif_opener(thumbnails=False)
    for module in (r"PIL\.", r"pi_heif", re.escape(__name__)):
        _ignore_once(module)


def _ignore_once(module: str) -> None:
    for action, _message, category, where, _line in warnings.filters:
        if action == "ignore" and category is UserWarning and getattr(where, "pattern", where) == module:
            return
    warnings.filterwarnings("ignore", category=UserWarning, module=module)


def _turned_by_decoder(image: Image.Image, name: str, data: FileBytes) -> int | None:
    """The orientation that a decoder applies by itself while loading, or None where that is left to us.

    Pillow turns a TIFF upright. libheif obeys the container's own turn, which EXIF repeats; without such a turn the
    EXIF value means nothing (ISO/IEC 23008-12, A.2.1), and viewers do not turn the photo either.
    """
    if name == "TIFF":
        return _orientation(image)
    if name == "HEIC":
        return _orientation(image) if heic.has_turn(data) else 1
    return None


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 where there is none or where it cannot be read."""
    try:
        value = image.info.get("original_orientation") or image.getexif().get(_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def _readable() -> str:
    return f"{', '.join(formats.READABLE[:-1])} or {formats.READABLE[-1]}"


def _reason(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "its header cannot be read, or it is of a rare kind that we do not read"
    return str(error).strip().rstrip(".") or type(error).__name__
