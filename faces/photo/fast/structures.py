"""The structures of native/src/face_native.h, field by field, as ctypes lays them out."""

from __future__ import annotations

import ctypes


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
