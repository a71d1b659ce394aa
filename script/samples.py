"""Take the sample photos out of the archives that script/samples fetched: python script/samples.py ARCHIVES TARGET."""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

from PIL import Image, ImageOps

#: Where the photo stands in the target <- where it lies in face_recognition's source archive.
PORTRAITS = {
    "known/Barack Obama.jpg": "obama.jpg",
    "known/Joe Biden.jpg": "biden.jpg",
    "photos/speech.jpg": "obama2.jpg",
    "photos/blue-room.jpg": "obama3.jpg",
    "photos/half-a-face-left.jpg": "obama_partial_face.jpg",
    "photos/half-a-face-right.jpg": "obama_partial_face2.jpg",
}

#: The same for scikit-image's wheel.
PICTURES = {
    "photos/astronaut.png": "astronaut.png",
    "photos/cat.png": "chelsea.png",
    "photos/coffee.png": "coffee.png",
    "photos/photographer.png": "camera.png",
    "photos/rocket.jpg": "rocket.jpg",
}

#: Made here from two portraits, because no package carries a second photo of Joe Biden.
TOGETHER = "photos/side-by-side.jpg"


def main(archives: Path, target: Path) -> None:
    """Write all photos beside the target, then take its place: half a set is never seen."""
    building = target.with_name(f"{target.name}.new")
    shutil.rmtree(building, ignore_errors=True)
    for name, content in {**_portraits(archives), **_pictures(archives)}.items():
        file = building / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    _side_by_side(building / "photos/speech.jpg", building / "known/Joe Biden.jpg").save(
        building / TOGETHER, quality=88
    )
    shutil.rmtree(target, ignore_errors=True)
    building.rename(target)


def _portraits(archives: Path) -> dict[str, bytes]:
    with tarfile.open(next(archives.glob("face_recognition-*.tar.gz"))) as archive:
        names = {Path(name).name: name for name in archive.getnames() if "/test_images/" in name}
        found = {target: archive.extractfile(names[name]) for target, name in PORTRAITS.items()}
        return {target: file.read() for target, file in found.items() if file is not None}


def _pictures(archives: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(next(archives.glob("scikit_image-*.whl"))) as archive:
        return {target: archive.read(f"skimage/data/{name}") for target, name in PICTURES.items()}


def _side_by_side(left: Path, right: Path) -> Image.Image:
    """Two portraits on one picture; the right one mirrored, cut to its upper half and smaller than it was."""
    one = Image.open(io.BytesIO(left.read_bytes())).convert("RGB")
    other = ImageOps.mirror(Image.open(io.BytesIO(right.read_bytes())).convert("RGB"))
    other = other.crop((0, 0, other.width, other.height * 6 // 10))
    other = ImageOps.contain(other, (other.width, one.height), Image.Resampling.LANCZOS)
    both = Image.new("RGB", (one.width + other.width, one.height), "white")
    both.paste(one, (0, 0))
    both.paste(other, (one.width, 0))
    return both


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
