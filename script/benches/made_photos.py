"""Photos to measure on, made of the sample photos: the kinds that differ in what they cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

#: 12 megapixels, as telephones take them.
_LARGE = (4000, 3000)
_SMALL = (1000, 750)

#: Standard deviation of the noise, of 255: an enlarged picture is smoother, and decoded quicker, than a photo.
_NOISE = 4.0


def make(samples: Path, folder: Path) -> dict[str, list[Path]]:
    """Write two photos of each kind into the folder; returns them by kind, the goals' names."""
    return {
        kind: [_saved(build(samples, which), folder / f"{kind} {which}.jpg") for which in range(2)]
        for kind, build in _KINDS.items()
    }


def _one_face(size: tuple[int, int]) -> Callable[[Path, int], Image.Image]:
    return lambda samples, which: _enlarged(_portrait(samples, which), size)


def _no_face(size: tuple[int, int]) -> Callable[[Path, int], Image.Image]:
    names = ("rocket.jpg", "coffee.png")
    return lambda samples, which: _enlarged(_opened(samples / "photos" / names[which]), size)


def _faces(size: tuple[int, int], across: int, down: int) -> Callable[[Path, int], Image.Image]:
    """A wall of portraits."""

    def build(samples: Path, which: int) -> Image.Image:
        wall = Image.new("RGB", size, (120, 130, 140))
        width, height = size[0] // across, size[1] // down
        for place in range(across * down):
            one = _portrait(samples, (place + which) % 2)
            one.thumbnail((width, height), Image.Resampling.LANCZOS)
            wall.paste(one, (place % across * width, place // across * height))
        return _noisy(wall)

    return build


_KINDS: dict[str, Callable[[Path, int], Image.Image]] = {
    "one face, 12 megapixels": _one_face(_LARGE),
    "no face, 12 megapixels": _no_face(_LARGE),
    "twenty faces, 12 megapixels": _faces(_LARGE, 5, 4),
    "one face, small": _one_face(_SMALL),
    "several faces, small": _faces(_SMALL, 4, 2),
    "no face, small": _no_face(_SMALL),
}


def _portrait(samples: Path, which: int) -> Image.Image:
    """Head and shoulders."""
    name, box = (("Joe Biden.jpg", (286, 57, 868, 678)), ("Barack Obama.jpg", (200, 20, 780, 640)))[which]
    return _opened(samples / "known" / name).crop(box)


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        return photo.convert("RGB")


def _enlarged(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture as large as fits, in the middle of a photo of that size."""
    factor = min(size[0] / picture.width, size[1] / picture.height)
    large = picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS)
    paper = Image.new("RGB", size, (120, 130, 140))
    paper.paste(large, ((size[0] - large.width) // 2, (size[1] - large.height) // 2))
    return _noisy(paper)


def _noisy(picture: Image.Image) -> Image.Image:
    noise = np.random.default_rng(1).normal(0, _NOISE, (picture.height, picture.width, 1))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def _saved(picture: Image.Image, path: Path) -> Path:
    picture.save(path, "JPEG", quality=92)
    return path
