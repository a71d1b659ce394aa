"""Perceptual hashes of pictures, with the values that `imagehash.phash` gives, and whether they say something."""

from __future__ import annotations

from dataclasses import dataclass, field

import imagehash
import numpy as np
from PIL import Image

from faces.photo import depth_and_profile
from faces.photo.decoding import PhotoLimits, opened

#: Sizes that the API accepts; a hash of size n has n² bits.
SMALLEST_SIZE, LARGEST_SIZE = 4, 32

#: How much larger than the hash the picture is that is hashed: imagehash's `highfreq_factor`.
_FACTOR = 4

#: Levels of gray (of 256) between darkest and brightest below which a picture is flat: what JPEG's noise leaves.
_FLAT = 4

#: Part of the bits that may differ when a picture is laid on white before its hash counts as one of hidden colours.
_HIDDEN_PART = 1 / 8


@dataclass(frozen=True, slots=True)
class PHash:
    """A perceptual hash: `hex` digits, most significant bit first, of `bits` bits.

    `warnings` are sentences about a file that was read in part, and a hash that says nothing; as a rule none.
    """

    hex: str
    bits: int
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def distance(self, other: PHash) -> int:
        """How many bits differ (0 to `bits`); both must have as many bits.

        Raises:
            ValueError: the hashes are of different sizes.
        """
        if self.bits != other.bits:
            raise ValueError(f"found hashes of {self.bits} and {other.bits} bits, need the same size")
        return (int(self.hex, 16) ^ int(other.hex, 16)).bit_count()


def phash(data: bytes, limits: PhotoLimits, hash_size: int = 8) -> PHash:
    """Hash a picture as it is stored: first frame, profile and transparency ignored, as `imagehash` does it.

    Pixels of more than 8 bits come to 8 first: `imagehash` would hash what is left when they are cut off at 255. A TIFF
    is turned by its own tag and a HEIC by its container's turn; no other format is turned upright.

    Raises:
        ValueError: `hash_size` is not 4–32.
        PhotoError: as `faces.photo.decoding.decode`.
    """
    if not SMALLEST_SIZE <= hash_size <= LARGEST_SIZE:
        raise ValueError(f"found hash_size {hash_size}, need {SMALLEST_SIZE} to {LARGEST_SIZE}")
    with opened(data, limits) as picture:
        picture.image.load()
        usual = depth_and_profile.usual(picture.image)
        gray = _small_gray(usual, hash_size)
        plain = _of_gray(gray, hash_size)
        doubt = _why_it_says_nothing(usual, gray, plain, hash_size)
    return PHash(plain.hex, plain.bits, tuple(filter(None, (picture.doubt, doubt))))


def _small_gray(image: Image.Image, hash_size: int) -> Image.Image:
    """The picture that `imagehash.phash` makes first; made here, it is there to be looked at, and not made twice."""
    side = hash_size * _FACTOR
    return image.convert("L").resize((side, side), Image.Resampling.LANCZOS)


def _of_gray(gray: Image.Image, hash_size: int) -> PHash:
    return PHash(str(imagehash.phash(gray, hash_size, _FACTOR)), hash_size * hash_size)


def _why_it_says_nothing(image: Image.Image, gray: Image.Image, plain: PHash, hash_size: int) -> str | None:
    if int(np.ptp(np.asarray(gray))) < _FLAT:
        aside = ", its transparency left aside," if image.has_transparency_data else ""
        return f"the hash says nothing: the picture{aside} is of one gray all over, as are all others with this hash"
    if not image.has_transparency_data:
        return None
    seen = _of_gray(_small_gray(depth_and_profile.on_white(image), hash_size), hash_size)
    if plain.distance(seen) > plain.bits * _HIDDEN_PART:
        return "the hash says nothing of what is seen: it is of the colours that transparent parts of the picture hide"
    return None
