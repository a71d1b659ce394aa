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
from faces.photo import depth_and_profile, formats, turns
from faces.photo.face import Pixels
from faces.photo.files import heif, jpeg_end, png_chunks, way_up
from faces.photo.files.tiff import TiffFile
from faces.photo.files.way_up import WayUp
from faces.photo.formats import FileBytes
from faces.photo.photo import Photo
from faces.settings import Settings

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


#: Memory that a pixel of the largest TIFF of numbers may take while it becomes 8 bits; others take up to as much.
_BYTES_A_PIXEL = 8


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


@dataclass(frozen=True, slots=True)
class OpenPicture:
    """A picture whose header was read and is within the limits; Pillow has not decoded its pixels yet.

    `data` is what its decoder reads: the file, or what is readable of it; `doubt` says what is not, or None.
    """

    image: Image.Image
    format: str
    data: FileBytes
    doubt: str | None


def decode(data: FileBytes, limits: PhotoLimits, read_jpeg: ReadJpeg | None = None) -> Photo:
    """Read a photo: by content, first frame, upright (see `way_up`), transparent parts on white.

    `read_jpeg` may read the usual JPEG quicker than Pillow.

    Raises:
        EmptyFile: no bytes.
        UnsupportedFormat: not a format, or not a kind of TIFF, that we read.
        PhotoTooLarge: more bytes or pixels than the limits allow; nothing was decoded.
        DamagedPhoto: the pixels cannot be read to the end.
    """
    with opened(data, limits) as picture:
        image, name = picture.image, picture.format
        if read_jpeg is not None and name == "JPEG" and image.mode == "RGB":
            way = way_up.of(image, name, data)
            if (pixels := read_jpeg(picture.data, way.orientation)) is not None:
                return _photo(pixels, picture, way, image.info.get("icc_profile") or None)
        deep = depth_and_profile.is_deep(image)
        image.load()
        _check_pixels(image.size, limits)
        way = way_up.of(image, name, data)
        flat = depth_and_profile.flatten(image, deep)
        upright = flat.image if way.by_decoder else turns.picture_turned(flat.image, way.orientation)
        if upright is image and name in ("WebP", "AVIF"):
            # The decoder hangs on the opened picture and holds two more frames; a copy lets go of it.
            upright = image.copy()
    lacking = "the JPEG file is damaged: some of its pixels are missing, and gray in their place"
    lacks = name == "JPEG" and jpeg_end.lacks_pixels(picture.data, image.mode)
    return _photo(upright, picture, way, flat.profile, *((lacking,) if lacks else ()), flat.doubt)


def _photo(
    pixels: Image.Image | Pixels, picture: OpenPicture, way: WayUp, profile: bytes | None, *more: str | None
) -> Photo:
    doubts = tuple(filter(None, (picture.doubt, way.doubt, *more)))
    other_way = turns.inverse(way.orientation) if way.doubt else None
    return Photo(pixels, picture.format, way.orientation, profile, doubts, other_way)


@contextlib.contextmanager
def opened(data: FileBytes, limits: PhotoLimits) -> Iterator[OpenPicture]:
    """A picture whose header was read and is within the limits; where Pillow reads it, not decoded yet.

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
        readable, doubt = _readable_part(data, name, limits)
        with _image(readable, name, limits) as image:
            _check_pixels(image.size, limits)
            yield OpenPicture(image, name, readable, doubt)
    except MemoryError as error:
        raise PhotoTooLarge(f"the {name} file wants more memory than this machine gives") from error
    except _DECODER_ERRORS as error:
        raise DamagedPhoto(f"the {name} file is damaged or cut off: {_reason(error)}") from error


def _readable_part(data: FileBytes, name: str, limits: PhotoLimits) -> tuple[FileBytes, str | None]:
    """What viewers show of a file, and what is wrong with the rest; Pillow would refuse all of it."""
    if name == "PNG":
        return png_chunks.readable(data)
    ended = jpeg_end.with_end(data, limits.max_pixels) if name == "JPEG" else None
    return (data, None) if ended is None else (ended, "the JPEG file lacks its end marker, but none of its pixels")


def _image(data: FileBytes, name: str, limits: PhotoLimits) -> Image.Image:
    if name != "TIFF":
        return Image.open(io.BytesIO(data), formats=[_PLUGINS.get(name, name)])
    file = TiffFile(data)
    _check_pixels((file.width, file.height), limits)
    if file.bytes_at_once > limits.max_pixels * _BYTES_A_PIXEL:
        raise PhotoTooLarge(
            f"the numbers of the TIFF take {file.bytes_at_once:,} bytes, at most "
            f"{limits.max_pixels * _BYTES_A_PIXEL:,} are accepted"
        )
    return file.open()


def _check_bytes(data: FileBytes, limits: PhotoLimits) -> None:
    if len(data) == 0:
        raise EmptyFile(f"the file is empty, need a photo ({_readable()})")
    if len(data) > limits.max_bytes:
        raise PhotoTooLarge(f"the file has {len(data):,} bytes, at most {limits.max_bytes:,} are accepted")


def _check_pixels(size: tuple[int, int], limits: PhotoLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise PhotoTooLarge(
            f"the photo has {width * height:,} pixels ({width} × {height}), at most {limits.max_pixels:,} are accepted"
        )


def _check_boxes(data: FileBytes, name: str) -> None:
    if missing := heif.bytes_missing(data):
        raise DamagedPhoto(f"the {name} file is cut off: its last {missing:,} bytes are missing")
    if name == "HEIC" and heif.has_garbled_names(data):
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


def _readable() -> str:
    return f"{', '.join(formats.READABLE[:-1])} or {formats.READABLE[-1]}"


def _reason(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "its header cannot be read, or it is of a rare kind that we do not read"
    return str(error).strip().rstrip(".") or type(error).__name__
