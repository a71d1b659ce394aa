"""TIFF: gated by its tags, then read by the decoder that reads its kind right; or refused by that kind's name."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from faces.errors import UnsupportedFormat
from faces.photo import turns
from faces.photo.files import numbers
from faces.photo.files.numbers import Numbers
from faces.photo.files.tiff_directory import TiffDirectory
from faces.photo.files.tiff_kind import ALPHA, PALETTE, WHITE_IS_ZERO, Decoder, TiffKind
from faces.photo.formats import FileBytes

#: Tags (TIFF 6.0).
_WIDTH, _HEIGHT, _PHOTOMETRIC, _STRIPS, _ORIENTATION, _SAMPLES, _STRIP_BYTES = 256, 257, 262, 273, 274, 277, 279
_BITS, _PLANES, _COLOURS, _TILES, _TILE_BYTES, _EXTRA, _FORMAT, _PROFILE = 258, 284, 320, 324, 325, 338, 339, 34675

_GRAY, _CHUNKY = 1, 1


class TiffFile:
    """A TIFF whose tags were read, and no pixel yet. `width` and `height` are those stored, before any turn."""

    def __init__(self, data: FileBytes) -> None:
        """Read the tags of the first picture.

        Raises:
            UnsupportedFormat: no decoder is known to read this kind right; the sentence names it.
            ValueError: there are no tags.
        """
        self._data, self._directory = data, TiffDirectory.read(data)
        self._kind = TiffKind.of(self._directory)
        self.width, self.height = (self._directory.number(tag, 0) for tag in (_WIDTH, _HEIGHT))
        decoder = self._kind.decoder()
        if decoder is None:
            raise UnsupportedFormat(
                f"found a TIFF of a kind that is not read: {self._kind}; need RGB or gray of 8 or 16 bits, or another "
                "kind that docs/photos.md names"
            )
        self._decoder = decoder

    @property
    def orientation(self) -> int:
        """The turn that its own tag asks for, as EXIF's; what is opened is, or will be, upright by it."""
        orientation = self._directory.number(_ORIENTATION, turns.UPRIGHT)
        return orientation if orientation in turns.ORIENTATIONS else turns.UPRIGHT

    @property
    def bytes_at_once(self) -> int:
        """How much memory its numbers take while they become 8 bits; 0 where Pillow reads the picture."""
        if self._decoder is not Decoder.OPENCV:
            return 0
        return self.width * self.height * self._kind.samples * self._kind.bits[0] // 8

    def open(self) -> Image.Image:
        """The picture: by Pillow not decoded yet and upright when it is; by OpenCV decoded, of 8 bits, upright.

        Raises what Pillow and its plugins raise, or ValueError.
        """
        if self._decoder is Decoder.UNCHANGED:
            picture = Image.open(io.BytesIO(self._data), formats=["TIFF"])
            # Pillow would turn it by what XMP says; a plain file has none.
            picture.info.pop("xmp", None)
            return picture
        if self._decoder is Decoder.PILLOW:
            return Image.open(io.BytesIO(self._plain(self._whole())), formats=["TIFF"])
        numbered = self._of_numbers()
        if profile := self._directory.content(_PROFILE):
            numbered.info["icc_profile"] = profile
        return turns.picture_turned(numbered, self.orientation)

    def _plain(self, changes: dict[int, tuple[int, ...]]) -> bytes:
        return self._directory.rewritten(self._data, changes)

    def _whole(self) -> dict[int, tuple[int, ...]]:
        """What must be said otherwise, so that a decoder takes the whole file for what it is."""
        changes: dict[int, tuple[int, ...]] = {}
        if self._kind.samples == 1:
            changes[_PLANES] = (_CHUNKY,)
        colours = self._directory.numbers(_COLOURS)
        if self._kind.colouring == PALETTE and max(colours, default=0) < 256:
            # Some programs write colours of 8 bits where the standard has 16.
            changes[_COLOURS] = tuple(colour * 257 for colour in colours)
        return changes

    def _of_numbers(self) -> Image.Image:
        found = self._planes() if self._kind.in_planes else self._numbers(self._whole())
        if found.ndim == 2:
            gray = numbers.eight_bits(found)
            return Image.fromarray(255 - gray if self._kind.colouring == WHITE_IS_ZERO else gray)
        colours = numbers.eight_bits(found[:, :, :3])
        if self._kind.extra != (ALPHA,):
            return Image.fromarray(colours)
        return Image.fromarray(np.dstack((colours, numbers.alpha(found[:, :, 3]))))

    def _planes(self) -> Numbers:
        """Each plane as a gray picture of its own, put together: OpenCV takes them for the rows of one."""
        wanted = self._kind.samples
        return np.dstack([self._numbers(self._plane(which, wanted)) for which in range(wanted)])

    def _numbers(self, changes: dict[int, tuple[int, ...]]) -> Numbers:
        """As they are stored, their turn left out: OpenCV would obey it."""
        return _decoded(self._plain({**changes, _ORIENTATION: ()}))

    def _plane(self, which: int, of: int) -> dict[int, tuple[int, ...]]:
        changes: dict[int, tuple[int, ...]] = {
            _PHOTOMETRIC: (_GRAY,),
            _SAMPLES: (1,),
            _PLANES: (_CHUNKY,),
            _BITS: self._kind.bits[:1],
            _FORMAT: self._kind.formats[:1],
            _EXTRA: (),
        }
        for tag in (_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES):
            if tag in self._directory:
                places = self._directory.numbers(tag)
                changes[tag] = places[len(places) // of * which : len(places) // of * (which + 1)]
        return changes


def _decoded(data: bytes) -> Numbers:
    """The numbers of a TIFF by OpenCV, shape (height, width) or (height, width, 3 or 4), colours in RGB's order.

    Raises:
        ValueError: they cannot be read to the end.
    """
    # Only here: the worker cuts faces out of photos without it, and would be much larger with it.
    import cv2

    # What it says of a damaged file would stand in the log.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError(f"its numbers cannot be read: {error.err}") from error
    if found is None:
        raise ValueError("its numbers cannot be read to the end")
    if found.ndim == 2:
        return found
    return found[:, :, [2, 1, 0, 3][: found.shape[2]]]
