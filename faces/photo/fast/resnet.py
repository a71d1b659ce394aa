"""Resnet: chips -> encodings, by the native library: within 1e-5 of dlib's, more than twenty times faster."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faces.photo.face import ENCODING_LENGTH, Encoding, Pixels
from faces.photo.fast.native_library import NativeLibrary, check
from faces.photo.fast.resnet_file import CHIP_SIZE, Network

_CHIP_SHAPE = (CHIP_SIZE, CHIP_SIZE, 3)


class Resnet:
    """dlib's network, in the form in which it is run (30 MB, never changed), and the memory that it works in (3 MB).

    One thread at a time; the interpreter's lock is released while it works, and it starts no thread. A fork's children
    may use one that their parent made: they share what is never changed. `close` gives everything back.
    """

    def __init__(self, library: NativeLibrary, network: Network) -> None:
        """Raises MemoryError, or ValueError (another network)."""
        self._library = library
        self._address: int | None = None
        numbers = _numbers(network)
        made = ctypes.c_void_p()
        check(library.resnet_make(numbers.ctypes.data, numbers.size, ctypes.byref(made)))
        self._address = made.value

    def encode(self, chips: Sequence[Pixels]) -> list[Encoding]:
        """Encode upright faces, each a picture of 150 × 150 pixels as dlib's `get_face_chip` cuts them; same order.

        A face's encoding is the same, to the bit, alone or among others.

        Raises:
            ValueError: a chip has another size or type; or closed.
        """
        if self._address is None:
            raise ValueError("this network was closed")
        pictures = [_checked(chip) for chip in chips]
        addresses = (ctypes.c_void_p * len(pictures))(*(picture.ctypes.data for picture in pictures))
        encodings = np.empty((len(pictures), ENCODING_LENGTH), np.float32)
        self._library.resnet_run(self._address, addresses, len(pictures), encodings.ctypes.data)
        return [encoding.astype(np.float64) for encoding in encodings]

    def close(self) -> None:
        """Give back everything. Doing it twice is fine."""
        if self._address is not None:
            address, self._address = self._address, None
            self._library.resnet_free(address)

    def __del__(self) -> None:
        self.close()


def _numbers(network: Network) -> npt.NDArray[np.float32]:
    """Everything that was learnt, in the order of face_resnet_make (native/src/face_native.h)."""
    arrays = [network.means]
    for layer in (network.stem, *(layer for block in network.blocks for layer in (block.first, block.second))):
        arrays += [layer.weights, layer.bias]
    arrays.append(network.output)
    return np.concatenate([array.ravel() for array in arrays], dtype=np.float32)


def _checked(chip: Pixels) -> Pixels:
    if chip.shape != _CHIP_SHAPE or chip.dtype != np.uint8:
        raise ValueError(f"found a chip of {chip.shape} {chip.dtype}, need {_CHIP_SHAPE} uint8")
    return np.ascontiguousarray(chip)
