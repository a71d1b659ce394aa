"""A small picture of which we know what must be found in it, to try the faster parts on before they are used.

known_face.jpg is a part of Barack Obama's official portrait of 2012 (work of the US government: public domain).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.photo.face import Encoding

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class KnownFace:
    """A JPEG of 160 × 160 pixels with one face, and the encoding that dlib 20.0.1 gives it."""

    jpeg: bytes
    encoding: Encoding


def load() -> KnownFace:
    """Read both files, which lie beside this one."""
    numbers = json.loads((_HERE / "known_face.json").read_text(encoding="ascii"))
    return KnownFace((_HERE / "known_face.jpg").read_bytes(), np.array(numbers, dtype=np.float64))
