"""The model files: found without importing their package, and known by their checksums."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faces.errors import ModelDamaged, ModelMissing
from faces.photo import models

ROOT = Path(__file__).resolve().parents[4]
FIVE_POINT = "shape_predictor_5_face_landmarks.dat"
RESNET = "dlib_face_recognition_resnet_model_v1.dat"


def test_they_are_found_in_their_package_which_is_not_imported() -> None:
    code = (
        "import sys; from faces.photo import models; found = models.find();"
        "print(found.five_point.name, found.resnet.name, 'face_recognition_models' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [FIVE_POINT, RESNET, "False"]


def test_they_may_lie_in_a_directory_of_ones_own(tmp_path: Path) -> None:
    for path in (models.find().five_point, models.find().resnet):
        shutil.copy(path, tmp_path)
    assert models.find(tmp_path) == models.Models(tmp_path / FIVE_POINT, tmp_path / RESNET)


@pytest.mark.parametrize("missing", [FIVE_POINT, RESNET])
def test_a_missing_file_is_named_with_the_place_looked_at(tmp_path: Path, missing: str) -> None:
    for path in (models.find().five_point, models.find().resnet):
        if path.name != missing:
            shutil.copy(path, tmp_path)
    with pytest.raises(ModelMissing) as caught:
        models.find(tmp_path)
    assert missing in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "FACE_MODELS_DIR" in str(caught.value)


def test_a_directory_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelMissing, match=r"looked for in /no/such/place \(No such file or directory\)"):
        models.find(Path("/no/such/place"))


def test_a_missing_package_is_named_with_the_files_that_it_would_bring() -> None:
    code = "from faces.photo import models; models.find()"
    bare = [sys.executable, "-S", "-c", code]
    done = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert "ModelMissing" in done.stderr
    assert "face_recognition_models is not installed" in done.stderr
    assert RESNET in done.stderr


@pytest.mark.parametrize("damage", ["cut off", "changed"])
def test_a_damaged_file_is_named_with_both_checksums(tmp_path: Path, damage: str) -> None:
    found = models.find()
    shutil.copy(found.resnet, tmp_path)
    content = bytearray(found.five_point.read_bytes())
    if damage == "changed":
        content[-1] ^= 1
    (tmp_path / FIVE_POINT).write_bytes(content[:-100] if damage == "cut off" else content)
    with pytest.raises(ModelDamaged, match=rf"{tmp_path}/{FIVE_POINT} .* SHA-256 is [0-9a-f]{{64}}, need c4b1e98"):
        models.find(tmp_path)
