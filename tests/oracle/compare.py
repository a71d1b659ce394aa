"""How far our engine is from the reference method on one photo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.photo.decoding import PhotoLimits
from faces.photo.engine import FaceEngine
from tests.oracle.reference import reference

#: Largest distance (L2) between our encoding of a face and the reference's.
FARTHEST = 1e-5

LIMITS = PhotoLimits(max_pixels=120_000_000, max_bytes=64_000_000)


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one photo: how many faces; largest difference of a box's edge in pixels and of an encoding; what is wrong."""

    faces: int
    box: int
    encoding: float
    wrong: str | None


def compare(engine: FaceEngine, path: Path) -> Difference:
    """Find the faces of a photo both ways and say how far they are apart."""
    theirs = reference(path)
    ours = engine.find(engine.decode(path.read_bytes(), LIMITS))
    if ours.scale != theirs.scale:
        return Difference(len(ours.faces), 0, 0.0, f"found at {ours.scale}, the reference at {theirs.scale}")
    if len(ours.faces) != len(theirs.boxes):
        return Difference(len(ours.faces), 0, 0.0, f"{len(ours.faces)} faces, the reference finds {len(theirs.boxes)}")
    edges = [0]
    distances = [0.0]
    for face, box, encoding in zip(ours.faces, theirs.boxes, theirs.encodings, strict=True):
        found = face.scaled_box
        edges += [abs(a - b) for a, b in zip((found.top, found.right, found.bottom, found.left), box, strict=True)]
        distances.append(float(np.linalg.norm(face.encoding - encoding)))
    wrong = "a box differs" if max(edges) else "an encoding differs" if max(distances) > FARTHEST else None
    return Difference(len(ours.faces), max(edges), max(distances), wrong)
