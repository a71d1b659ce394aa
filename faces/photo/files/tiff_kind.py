"""What kind of pixels a TIFF holds, by its tags, and which decoder reads that kind right, if any."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from faces.photo.files.tiff_directory import TiffDirectory

#: Tags (TIFF 6.0).
_SUBFILE, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _SAMPLES = 254, 258, 259, 262, 266, 277
_PLANES, _INKS, _EXTRA, _FORMAT, _SUBSAMPLING = 284, 332, 338, 339, 530

#: PhotometricInterpretation -> its name, and how many samples a colour has. What is not here is not read.
_COLOURINGS = {
    0: ("gray (white is zero)", 1),
    1: ("gray", 1),
    2: ("RGB", 3),
    3: ("palette", 1),
    5: ("CMYK", 4),
    6: ("YCbCr", 3),
    8: ("Lab", 3),
}
_UNREAD_COLOURINGS = {
    4: "a transparency mask",
    9: "ICCLab",
    10: "ITULab",
    32803: "a camera's raw picture (CFA)",
    32844: "LogL",
    32845: "LogLuv",
    34892: "a camera's raw picture (linear raw)",
}
WHITE_IS_ZERO, _GRAY, RGB, PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6

#: More samples a pixel than any picture has.
_MOST_SAMPLES = 64

#: SampleFormat.
_UNSIGNED, _SIGNED, _REAL = 1, 2, 3
_FORMATS = {_UNSIGNED: "", _SIGNED: "signed ", _REAL: "floating-point "}

_OLD_JPEG, _JPEG, _NO_COMPRESSION = 6, 7, 1
_COMPRESSIONS = {
    _NO_COMPRESSION: "none",
    2: "CCITT",
    3: "CCITT group 3",
    4: "CCITT group 4",
    5: "LZW",
    _JPEG: "JPEG",
    8: "Deflate",
    32773: "PackBits",
    32946: "Deflate",
    34925: "LZMA",
    50000: "Zstandard",
}
_UNREAD_COMPRESSIONS = {
    32809: "ThunderScan",
    34676: "SGI LogLuv",
    34677: "SGI LogLuv",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy DNG",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_FAX = (2, 3, 4)

#: The compressions that OpenCV's TIFF reader has, too.
_COMPRESSIONS_OF_NUMBERS = (_NO_COMPRESSION, 5, 8, 32773, 32946)

#: ExtraSamples: of no meaning; alpha that the colours were multiplied with; plain alpha.
_UNSPECIFIED, _PREMULTIPLIED, ALPHA = 0, 1, 2

#: What Pillow reads right, as a test of every kind shows: colouring -> bits and extra samples, unsigned.
_BY_PILLOW: dict[int, frozenset[tuple[int, tuple[int, ...]]]] = {
    0: frozenset((bits, ()) for bits in (1, 2, 4, 8)),
    1: frozenset([*((bits, ()) for bits in (1, 2, 4, 8, 16)), *((8, (extra,)) for extra in (0, 1, 2))]),
    2: frozenset(
        [
            *((bits, extra) for bits in (8, 16) for extra in ((), (0,), (1,), (2,))),
            *((8, (first, *more)) for first in (0, 1, 2) for more in ((0,), (0, 0))),
        ]
    ),
    3: frozenset([*((bits, ()) for bits in (1, 2, 4, 8)), (8, (0,)), (8, (2,))]),
    5: frozenset([(8, ()), (8, (0,)), (16, ())]),
    6: frozenset([(8, ())]),
    8: frozenset([(8, ())]),
}

#: What of it Pillow reads right in separate planes, too: without compression, and with one.
_BARE_PLANES_BY_PILLOW = frozenset([(2, 8, ()), (2, 8, (2,)), (5, 8, ()), (8, 8, ())])
_PLANES_BY_PILLOW = _BARE_PLANES_BY_PILLOW | frozenset(
    [*((2, bits, extra) for bits in (8, 16) for extra in ((), (0,), (1,), (2,))), (1, 8, (0,)), (5, 16, ()), (6, 8, ())]
)

#: Numbers that OpenCV reads right, chunky and one plane at a time: SampleFormat -> bits.
_NUMBERS = {_UNSIGNED: (16, 32, 64), _SIGNED: (16, 32, 64), _REAL: (32, 64)}


class Decoder(Enum):
    """Who reads a kind right; `UNCHANGED` is Pillow, too, with all tags: those of an old JPEG point to other places."""

    PILLOW = 1
    OPENCV = 2
    UNCHANGED = 3


@dataclass(frozen=True, slots=True)
class TiffKind:
    """What a TIFF's tags say of how its pixels are to be read; `bits` and `formats` of each sample."""

    colouring: int
    bits: tuple[int, ...]
    formats: tuple[int, ...]
    extra: tuple[int, ...]
    in_planes: bool
    compression: int
    fill_order: int
    subsampling: tuple[int, ...]
    inks: int
    is_preview: bool

    @classmethod
    def of(cls, directory: TiffDirectory) -> TiffKind:
        """Read it, with the standard's defaults for what is missing."""
        compression = directory.number(_COMPRESSION, _NO_COMPRESSION)
        colouring = directory.number(_PHOTOMETRIC, WHITE_IS_ZERO)
        samples = min(directory.number(_SAMPLES, 1), _MOST_SAMPLES)
        return cls(
            colouring=colouring,
            bits=_for_each(directory.numbers(_BITS, (1,)), samples),
            formats=_for_each(directory.numbers(_FORMAT, (_UNSIGNED,)), samples),
            extra=directory.numbers(_EXTRA),
            in_planes=directory.number(_PLANES, 1) == 2 and samples > 1,
            compression=compression,
            fill_order=directory.number(_FILL_ORDER, 1),
            subsampling=directory.numbers(_SUBSAMPLING, (2, 2)) if colouring == _YCBCR else (1, 1),
            inks=directory.number(_INKS, 1),
            is_preview=bool(directory.number(_SUBFILE, 0) & 1),
        )

    @property
    def samples(self) -> int:
        """Numbers a pixel."""
        return len(self.bits)

    def decoder(self) -> Decoder | None:
        """Who reads this kind right; None where no decoder is known to."""
        if self.compression == _OLD_JPEG:
            return Decoder.UNCHANGED
        if self._is_unusual():
            return None
        if self._is_right_by_pillow():
            return Decoder.PILLOW
        return Decoder.OPENCV if self._is_right_by_opencv() else None

    def __str__(self) -> str:
        """What a person would call it."""
        if self.is_preview:
            return "no picture but the preview of another, as a camera's raw file has it"
        if self.colouring in _UNREAD_COLOURINGS:
            return _UNREAD_COLOURINGS[self.colouring]
        name, colours = _COLOURINGS.get(self.colouring, (f"colours of kind {self.colouring}", self.samples))
        bits = "/".join(str(bits) for bits in dict.fromkeys(self.bits))
        formats = "/".join(dict.fromkeys(_FORMATS.get(kind, f"format-{kind} ") for kind in self.formats))
        return f"{bits}-bit {formats}{name}{self._extra_words(colours)}{self._layout_words()}"

    def _is_unusual(self) -> bool:
        """Whether it has what neither decoder reads right, whatever its pixels."""
        is_uniform = len(set(self.bits)) == len(set(self.formats)) == 1
        is_known = self.colouring in _COLOURINGS and self.compression in _COMPRESSIONS
        return self.is_preview or not (is_uniform and is_known and self._is_consistent())

    def _is_consistent(self) -> bool:
        """Whether samples, compression, order of bits and inks are such as go with the colours."""
        is_gray_of_jpeg = self.colouring == _YCBCR and self.bits == (8,)
        if not (self._has_a_word_on_each_sample() or self._has_alpha_without_a_word() or is_gray_of_jpeg):
            return False
        if self.compression in _FAX or self.fill_order != 1:
            return self.bits == (1,) and self.colouring in (WHITE_IS_ZERO, _GRAY)
        if self.compression == _JPEG:
            return self.bits[0] == 8 and not self.in_planes
        return self.colouring != _CMYK or self.inks == 1

    def _has_a_word_on_each_sample(self) -> bool:
        return self.samples == _COLOURINGS[self.colouring][1] + len(self.extra)

    def _has_alpha_without_a_word(self) -> bool:
        """Four samples of RGB and no tag about the fourth: alpha, as older programs wrote it in 8 bits."""
        return self.colouring == RGB and self.bits == (8,) * 4 and not self.extra and not self.in_planes

    def _is_right_by_pillow(self) -> bool:
        bits, is_bare = self.bits[0], self.compression == _NO_COMPRESSION
        if self.formats[0] != _UNSIGNED or (bits, self.extra) not in _BY_PILLOW[self.colouring]:
            return False
        if is_bare and self.colouring == _YCBCR and self.subsampling != (1, 1):
            return False
        if not self.in_planes:
            return True
        planes = _BARE_PLANES_BY_PILLOW if is_bare else _PLANES_BY_PILLOW
        return (self.colouring, bits, self.extra) in planes

    def _is_right_by_opencv(self) -> bool:
        is_gray = self.colouring in (WHITE_IS_ZERO, _GRAY) and not self.extra
        is_rgb = self.colouring == RGB and self.extra in ((), (_UNSPECIFIED,), (ALPHA,))
        is_number = self.bits[0] in _NUMBERS.get(self.formats[0], ())
        return is_number and (is_gray or is_rgb) and self.compression in _COMPRESSIONS_OF_NUMBERS

    def _extra_words(self, colours: int) -> str:
        if self.samples > colours:
            has_alpha = self.samples == colours + 1 and self.extra in ((ALPHA,), (_PREMULTIPLIED,))
            return " with alpha" if has_alpha else f" with {self.samples - colours} more samples"
        return "" if self.samples == colours else f" of {self.samples} samples"

    def _layout_words(self) -> str:
        words = ", in separate planes" if self.in_planes else ""
        if self.compression != _NO_COMPRESSION:
            unread = _UNREAD_COMPRESSIONS.get(self.compression, f"method {self.compression}")
            words += f", compressed by {_COMPRESSIONS.get(self.compression, unread)}"
        if self.fill_order != 1:
            words += ", bits in reverse order"
        if self.inks != 1:
            words += ", inks that are not CMYK"
        return words + (", colours at fewer places than pixels" if self.subsampling != (1, 1) else "")


def _for_each(values: tuple[int, ...], samples: int) -> tuple[int, ...]:
    """One value a sample; some programs write one for all of them, or too many."""
    return values * samples if len(values) == 1 else values[:samples]
