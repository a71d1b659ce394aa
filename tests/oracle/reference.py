"""The reference method, by the real `face_recognition` package: what our engine must equal.

Nothing of ours is used here, so that both can only agree by being right.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

SCALES = (1200, 1600, 2000)


@dataclass(frozen=True, slots=True)
class Reference:
    """What the reference method finds: boxes as (top, right, bottom, left), encodings, and the scale it stopped at."""

    scale: int | None
    boxes: list[tuple[int, int, int, int]]
    encodings: list[npt.NDArray[np.float64]]


def reference(path: Path) -> Reference:
    """Scan a photo at each scale until one shows a face, and encode what it shows."""
    api = face_recognition()
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    for scale in SCALES:
        pixels = np.array(smaller(photo, scale))
        boxes = api.face_locations(pixels, number_of_times_to_upsample=1, model="hog")
        if boxes:
            return Reference(scale, boxes, api.face_encodings(pixels, boxes))
    return Reference(None, [], [])


def smaller(photo: Image.Image, longest: int) -> Image.Image:
    """The photo with its longest side brought down to `longest` pixels."""
    factor = longest / max(photo.size)
    if factor >= 1:
        return photo
    return photo.resize(
        (max(int(photo.width * factor), 1), max(int(photo.height * factor), 1)), Image.Resampling.LANCZOS
    )


def why_not(path: Path) -> str | None:
    """Why the reference method is no measure for this photo, or None when it is."""
    try:
        with Image.open(path) as photo:
            deep = ";16" in str([tile.args for tile in getattr(photo, "tile", ())])
            photo.load()
            if photo.getexif().get(0x0112, 1) not in (0, 1):
                return "turned by EXIF"
            if photo.mode not in ("RGB", "L"):
                return f"mode {photo.mode}"
            return "16 bits a colour" if deep else "transparent" if photo.has_transparency_data else None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return f"unreadable ({type(error).__name__})"


@cache
def face_recognition() -> ModuleType:
    """Import `face_recognition` without `pkg_resources`, which its package of models wants and nobody has any more.

    It gets the 5-point model in place of the 68-point one, which `face_encodings` does not use and whose licence we
    do not accept; and the wish to read damaged photos, which it makes for the whole process, is taken back.
    """
    name = "face_recognition_models"
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is missing: run script/setup --dev"
    assert spec.submodule_search_locations, f"{name} is missing: run script/setup --dev"
    folder = Path(spec.submodule_search_locations[0]) / "models"
    models = ModuleType(name)
    models.__spec__ = spec
    five_point = str(folder / "shape_predictor_5_face_landmarks.dat")
    models.__dict__.update(
        pose_predictor_model_location=lambda: five_point,
        pose_predictor_five_point_model_location=lambda: five_point,
        cnn_face_detector_model_location=lambda: str(folder / "mmod_human_face_detector.dat"),
        face_recognition_model_location=lambda: str(folder / "dlib_face_recognition_resnet_model_v1.dat"),
    )
    sys.modules[name] = models
    try:
        return importlib.import_module("face_recognition")
    finally:
        del sys.modules[name]
        ImageFile.LOAD_TRUNCATED_IMAGES = False
