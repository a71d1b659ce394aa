"""Give freed memory back to the machine after a large photo."""

from __future__ import annotations

import ctypes

#: Photos of fewer pixels leave too little behind to be worth the call.
_LARGE_PIXELS = 4_000_000


def give_back(pixels: int) -> None:
    """Ask the C library to return what a photo of `pixels` pixels has left; does nothing where it cannot be asked."""
    if pixels >= _LARGE_PIXELS:
        give_back_all()


def give_back_all() -> None:
    """Ask the C library to return all memory that is not used; does nothing where it cannot be asked."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
