"""Perceptual hashes of pictures, with the values that `imagehash.phash` gives."""

from __future__ import annotations

from dataclasses import dataclass

import imagehash

from faces.photo.decoding import PhotoLimits, opened

#: Sizes that the API accepts; a hash of size n has n² bits.
SMALLEST_SIZE, LARGEST_SIZE = 4, 32


@dataclass(frozen=True, slots=True)
class PHash:
    """A perceptual hash: `hex` digits, most significant bit first, of `bits` bits."""

    hex: str
    bits: int

    def distance(self, other: PHash) -> int:
        """How many bits differ (0 to `bits`); both must have as many bits.

        Raises:
            ValueError: the hashes are of different sizes.
        """
        if self.bits != other.bits:
            raise ValueError(f"found hashes of {self.bits} and {other.bits} bits, need the same size")
        return (int(self.hex, 16) ^ int(other.hex, 16)).bit_count()


def phash(data: bytes, limits: PhotoLimits, hash_size: int = 8) -> PHash:
    """Hash a picture as it is stored: first frame, not turned upright, profile ignored, as `imagehash` does it.

    Raises:
        ValueError: `hash_size` is not 4–32.
        PhotoError: as `faces.photo.decoding.decode`.
    """
    if not SMALLEST_SIZE <= hash_size <= LARGEST_SIZE:
        raise ValueError(f"found hash_size {hash_size}, need {SMALLEST_SIZE} to {LARGEST_SIZE}")
    with opened(data, limits) as (image, _format):
        return PHash(str(imagehash.phash(image, hash_size)), hash_size * hash_size)
