"""The model files: where they lie, and whether they are the ones that we know."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from faces.errors import ModelDamaged, ModelMissing

#: The package that carries the model files. It is found, never imported: its import needs `pkg_resources`.
_PACKAGE = "face_recognition_models"

#: File name -> SHA-256, of face_recognition_models 0.3.0. The 68-point model is none of ours: its licence
#: excludes commercial use.
_FIVE_POINT = "shape_predictor_5_face_landmarks.dat"
_RESNET = "dlib_face_recognition_resnet_model_v1.dat"
_CHECKSUMS = {
    _FIVE_POINT: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    _RESNET: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
}


@dataclass(frozen=True, slots=True)
class Models:
    """Paths of the model files, checked."""

    five_point: Path
    resnet: Path


def find(models_dir: Path | None = None) -> Models:
    """Find and check the model files: in `models_dir` if given, else in the package that carries them.

    Raises:
        ModelMissing: a file is not there, or cannot be read; the sentence says where it was looked for.
        ModelDamaged: a file has another checksum than the known one.
    """
    place = models_dir if models_dir is not None else _package_dir()
    return Models(five_point=_checked(place / _FIVE_POINT), resnet=_checked(place / _RESNET))


def _package_dir() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelMissing(
            f"the model files {_FIVE_POINT} and {_RESNET} are missing: FACE_MODELS_DIR is not set and the Python"
            f" package {_PACKAGE} is not installed; install it or name a directory"
        )
    return Path(spec.submodule_search_locations[0]) / "models"


def _checked(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            found = _sha256(file.read())
    except OSError as error:
        raise ModelMissing(
            f"the model file {path.name} cannot be read, looked for in {path.parent} ({error.strerror});"
            f" install {_PACKAGE} again, or name its directory in FACE_MODELS_DIR"
        ) from error
    if found != _CHECKSUMS[path.name]:
        raise ModelDamaged(
            f"the model file {path} is damaged or another version: SHA-256 is {found}, need {_CHECKSUMS[path.name]};"
            f" install {_PACKAGE} again"
        )
    return path


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
