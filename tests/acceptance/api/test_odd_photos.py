"""Photos that are odd but good, through the real API: they are read, and the next request is served."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

HEIC = Path(__file__).resolve().parents[2] / "pictures/turned.heic"


def _file(picture: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


@pytest.fixture
def portrait(samples: Path) -> Image.Image:
    return Image.open(samples / "known/Barack Obama.jpg").convert("RGB").crop((250, 50, 720, 520))


def _sixteen_bits(portrait: Image.Image) -> bytes:
    gray = np.asarray(portrait.convert("L")).astype(np.uint16) * 257
    return _file(Image.fromarray(gray), "PNG")


def _animated(portrait: Image.Image) -> bytes:
    other = Image.new("RGB", portrait.size, "white")
    return _file(portrait, "GIF", save_all=True, append_images=[other])


def _cmyk(portrait: Image.Image) -> bytes:
    return _file(portrait.convert("CMYK"), "JPEG")


def _transparent(portrait: Image.Image) -> bytes:
    layer = portrait.convert("RGBA")
    layer.putpixel((0, 0), (0, 0, 0, 0))
    return _file(layer, "WEBP")


@pytest.mark.parametrize("make", [_sixteen_bits, _animated, _cmyk, _transparent])
def test_an_odd_kind_of_pixels_shows_its_face(
    make: Callable[[Image.Image], bytes], portrait: Image.Image, api: Any
) -> None:
    reply = api.client.post("/encode", files={"image": ("whatever.jpg", make(portrait))})
    assert reply.status_code == 200, reply.text
    assert len(reply.json()["faces"]) == 1


def test_a_heic_is_read(api: Any) -> None:
    reply = api.client.post("/encode", files={"image": ("phone.heic", HEIC.read_bytes())})
    assert reply.status_code == 200, reply.text
    assert reply.json()["image"]["format"] == "HEIC"


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000)])
def test_a_photo_with_hardly_any_pixels_has_no_face(size: tuple[int, int], api: Any) -> None:
    reply = api.client.post("/encode", files={"image": ("line.png", _file(Image.new("RGB", size), "PNG"))})
    assert reply.status_code == 200, reply.text
    assert reply.json()["encodings"] == []
    assert reply.json()["scale"] is None


def test_sixty_faces_are_sixty_encodings(portrait: Image.Image, api: Any) -> None:
    crowd = Image.new("RGB", (1200, 720))
    small = portrait.resize((120, 120), Image.Resampling.LANCZOS)
    for place in range(60):
        crowd.paste(small, (place % 10 * 120, place // 10 * 120))
    reply = api.client.post("/encode", files={"image": ("crowd.png", _file(crowd, "PNG"))})
    assert reply.status_code == 200, reply.text
    assert [len(reply.json()[field]) for field in ("encodings", "qualities", "faces")] == [60, 60, 60]
