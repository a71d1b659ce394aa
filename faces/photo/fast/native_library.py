"""The shared library of native/, loaded, with the functions and structures of native/src/face_native.h declared.

Or the reason why it cannot be used here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any

#: FACE_ABI of native/src/face_native.h: the interface that is declared below.
ABI = 1


class LibraryUnusable(Exception):
    """The native library cannot be used here; the sentence says what was found and what is needed."""


class Code(IntEnum):
    """What the library's functions return: `face_code` of native/src/face_native.h."""

    OK = 0
    NO_MEMORY = 1
    BAD_SIZE = 2
    UNSUPPORTED = 3
    BAD_WEIGHTS = 4


class Lack(IntFlag):
    """What a machine lacks: `face_lack` of native/src/face_native.h."""

    X86_64 = 1
    AVX2 = 2
    FMA = 4


class HogWeightsStructure(ctypes.Structure):
    """`face_hog_weights`: the arrays must live as long as the call that they are given to."""

    _fields_ = (
        ("detectors", ctypes.c_int32),
        ("filters", ctypes.c_int32),
        ("thresholds", ctypes.c_void_p),
        ("detector", ctypes.c_void_p),
        ("plane", ctypes.c_void_p),
        ("rows", ctypes.c_void_p),
        ("columns", ctypes.c_void_p),
        ("most_overlap", ctypes.c_double),
        ("most_covered", ctypes.c_double),
        ("least_level_width", ctypes.c_int32),
        ("least_level_height", ctypes.c_int32),
        ("most_levels", ctypes.c_int32),
    )


class DetectionStructure(ctypes.Structure):
    """`face_detection`."""

    _fields_ = (
        ("left", ctypes.c_int32),
        ("top", ctypes.c_int32),
        ("right", ctypes.c_int32),
        ("bottom", ctypes.c_int32),
        ("score", ctypes.c_double),
        ("detector", ctypes.c_int32),
    )


@dataclass(frozen=True, slots=True)
class NativeLibrary:
    """The library's functions, as native/src/face_native.h describes them; addresses are whole numbers.

    Safe to share between threads and over a fork. The interpreter's lock is released while a function runs.
    """

    lanczos: Callable[[int, int, int, int, int, int, int, int], int]
    scanner_make: Callable[[Any, Any], int]
    scanner_free: Callable[[int], None]
    scanner_trim: Callable[[int], None]
    scan: Callable[[int, int, int, int, int, int, float, int, Any, Any], int]
    resnet_make: Callable[[int, int, Any], int]
    resnet_run: Callable[[int, Any, int, int], None]
    resnet_free: Callable[[int], None]


def load(file: Path | None = None, *, on_any_cpu: bool = False) -> NativeLibrary:
    """Load the library: `file`, or the one of the installed package `face-sidecar-native`.

    `on_any_cpu`: for the ResNet, which runs everywhere; all else needs what `Lack` names.

    Raises:
        LibraryUnusable: it is not installed, is no library of ours or another version, or this machine cannot run it.
    """
    found = _installed() if file is None else file
    try:
        native = ctypes.CDLL(str(found))
        reason = reason_against(native.face_abi(), 0 if on_any_cpu else native.face_cpu_lacks())
    except OSError as error:
        raise LibraryUnusable(f"the native library cannot be loaded: {error}") from error
    except AttributeError as error:
        raise LibraryUnusable(f"{found} is not the sidecar's native library: {error}") from error
    if reason is not None:
        raise LibraryUnusable(reason)
    return _declared(native)


def reason_against(abi: int, lacks: int) -> str | None:
    """Why a library cannot be used that says this of its interface and of the machine; None if it can."""
    if abi != ABI:
        return f"the native library has interface {abi}, need {ABI}: run script/setup"
    if lacks & Lack.X86_64:
        return "the native library has no fast path for this machine, need an x86_64 CPU"
    missing = " and ".join(name for bit, name in ((Lack.AVX2, "AVX2"), (Lack.FMA, "FMA")) if lacks & bit)
    return f"this CPU or its operating system lacks {missing}, which the native library needs" if lacks else None


def check(code: int) -> None:
    """Raise what a function's result means, if it is not OK.

    Raises:
        MemoryError: there was not enough memory.
        ValueError: a size or weights that the function does not take.
        LibraryUnusable: this machine cannot run the function.
    """
    if code == Code.NO_MEMORY:
        raise MemoryError("there is not enough memory for the native library's work")
    if code == Code.BAD_SIZE:
        raise ValueError("the native library does not take pictures of this size")
    if code == Code.BAD_WEIGHTS:
        raise ValueError("the native library does not take these weights")
    if code != Code.OK:
        raise LibraryUnusable(f"the native library refuses to work here (code {code})")


def _installed() -> Path:
    try:
        import face_native
    except ModuleNotFoundError as error:
        raise LibraryUnusable(
            "the native library is not installed: the Python package face-sidecar-native is missing, which script/setup"
            " builds"
        ) from error
    return Path(face_native.library())


def _declared(native: ctypes.CDLL) -> NativeLibrary:
    """The functions with their types; ctypes would cut addresses to 32 bits without."""
    address, stride, side = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int32
    reference = ctypes.POINTER(address)
    found, count = ctypes.POINTER(ctypes.POINTER(DetectionStructure)), ctypes.POINTER(ctypes.c_size_t)
    weights = ctypes.POINTER(HogWeightsStructure)
    code = ctypes.c_int
    return NativeLibrary(
        lanczos=_typed(native.face_lanczos, code, address, side, side, stride, address, side, side, side),
        scanner_make=_typed(native.face_scanner_make, code, weights, reference),
        scanner_free=_typed(native.face_scanner_free, None, address),
        scanner_trim=_typed(native.face_scanner_trim, None, address),
        scan=_typed(
            *(native.face_scan, code, address, address, side, side, stride, side, ctypes.c_double, side, found, count)
        ),
        resnet_make=_typed(native.face_resnet_make, code, address, ctypes.c_size_t, reference),
        resnet_run=_typed(native.face_resnet_run, None, address, reference, ctypes.c_size_t, address),
        resnet_free=_typed(native.face_resnet_free, None, address),
    )


def _typed(function: Any, result: Any, *arguments: Any) -> Any:
    function.restype, function.argtypes = result, arguments
    return function
