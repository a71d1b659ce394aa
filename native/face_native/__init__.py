"""Where the shared library lies; faces/photo/fast/native_library.py loads it."""

from pathlib import Path


def library() -> Path:
    """The library's file. Its functions are described in native/src/face_native.h."""
    return Path(__file__).with_name("libface_native.so")
