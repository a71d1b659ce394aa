"""Drawn patterns that the detector takes for faces, and further shots of a pattern: no person's face is among them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from faces.photo.detector import Detection
from faces.photo.engine import FaceEngine
from faces.photo.face import Box, Encoding, Pixels

#: Pixels of a drawing's side.
_SIDE = 700

#: How much of a find's width is kept around it.
_AROUND = 1.2

#: What one shot differs by from the next, the least first.
LEVELS = ("size and JPEG", "also turned by 6°, light", "also askew by 14°, blurred")


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A find that is no face, with what is around it."""

    picture: Image.Image
    box: Box
    """On that picture."""
    encoding: Encoding

    @classmethod
    def of(cls, engine: FaceEngine, pixels: Pixels, detection: Detection) -> Pattern:
        """Cut a find out of a picture."""
        box, (height, width) = detection.box, pixels.shape[:2]
        pad = int(box.width * _AROUND)
        left, top = max(0, box.left - pad), max(0, box.top - pad)
        around = pixels[top : min(height, box.bottom + pad), left : min(width, box.right + pad)]
        inside = Box(top=box.top - top, right=box.right - left, bottom=box.bottom - top, left=box.left - left)
        return cls(Image.fromarray(around), inside, engine.encode(pixels, [box])[0])


def drawn(engine: FaceEngine, dice: np.random.Generator, count: int) -> list[Pattern]:
    """So many drawings, each of eyes, a nose and a mouth on a round or square ground, that are found as faces."""
    found: list[Pattern] = []
    while len(found) < count:
        pixels = np.asarray(_drawing(dice))
        found += [Pattern.of(engine, pixels, one) for one in engine.detect(pixels)[:1]]
    return found


def shots(
    engine: FaceEngine, dice: np.random.Generator, pattern: Pattern, level: int, count: int
) -> tuple[list[Encoding], int]:
    """What is found at the pattern's place in so many further shots of it, and in how many nothing is."""
    encodings: list[Encoding] = []
    for _ in range(count):
        pixels, place = _shot(dice, pattern, level)
        hits = [one.box for one in engine.detect(pixels) if _overlap(one.box, place) > 0.25]
        if hits:
            best = max(hits, key=lambda box: _overlap(box, place))
            encodings += engine.encode(pixels, [best])
    return encodings, count - len(encodings)


def poor_copy(dice: np.random.Generator, pixels: Pixels, box: Box) -> tuple[Pixels, Box]:
    """A face as a bad photo has it: 24 to 45 pixels wide, or blurred; flat, dark or noisy, and much compressed."""
    is_small = dice.random() < 0.5
    factor = (dice.uniform(24, 45) if is_small else 80) / box.width
    pad = int(box.width * 0.3)
    left, top = max(0, box.left - pad), max(0, box.top - pad)
    image = Image.fromarray(pixels[top : box.bottom + pad, left : box.right + pad])
    image = _resized(image, factor)
    if not is_small:
        image = image.filter(ImageFilter.GaussianBlur(dice.uniform(1.5, 4)))
    grays = (np.asarray(image) - 128.0) * dice.uniform(0.3, 1) + 128 * dice.uniform(0.4, 1.3)
    image = _compressed(_noisy(grays, dice, 10), dice, 25, 60)
    again = 2.0 if is_small else 1.0
    return np.asarray(_resized(image, again)), _moved(box, -left, -top, factor * again)


def _drawing(dice: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (_SIDE, _SIDE), _colour(dice))
    draw = ImageDraw.Draw(image)
    size = int(dice.uniform(120, 280))
    left, top = (int(one) for one in dice.integers(100, _SIDE - 100 - 400, 2))
    across = left + size / 2
    ground = _colour(dice)
    shape = [draw.ellipse, draw.rectangle][dice.integers(0, 2)]
    shape((left, top, left + size, top + int(size * dice.uniform(0.9, 1.4))), ground, _colour(dice))
    eye, eyes, apart = size * dice.uniform(0.05, 0.14), top + size * dice.uniform(0.3, 0.5), dice.uniform(0.15, 0.3)
    shape, colour, wide = [draw.ellipse, draw.rectangle][dice.integers(0, 2)], _colour(dice), dice.uniform(0.9, 1.8)
    for side in (-1, 1):
        middle = across + side * apart * size
        shape((middle - eye * wide, eyes - eye, middle + eye * wide, eyes + eye), colour)
    nose = tuple(int(one * 0.8) for one in ground)
    draw.polygon(
        [(across, eyes + eye), (across - eye, top + size * 0.68), (across + eye, top + size * 0.68)],
        nose,
    )
    mouth, wide, high = top + size * dice.uniform(0.75, 0.9), size * dice.uniform(0.12, 0.28), size * 0.05
    draw.ellipse((across - wide, mouth - high, across + wide, mouth + high), _colour(dice))
    return _noisy(np.asarray(image.filter(ImageFilter.GaussianBlur(dice.uniform(0, 3)))), dice, 15)


def _shot(dice: np.random.Generator, pattern: Pattern, level: int) -> tuple[Pixels, Box]:
    factor = dice.uniform(60, 150) / pattern.box.width
    image, box = _resized(pattern.picture, factor), _moved(pattern.box, 0, 0, factor)
    mean = tuple(int(one) for one in np.asarray(image).reshape(-1, 3).mean(axis=0))
    if level:
        image = _turned(dice, image, box, mean, level)
        low, high = ((0.8, 1.2), (0.55, 1.4))[level - 1]
        image = ImageEnhance.Brightness(image).enhance(dice.uniform(low, high))
        image = ImageEnhance.Contrast(image).enhance(dice.uniform(low, min(high, 1.3)))
        image = _noisy(np.asarray(image), dice, 6)
    if level > 1:
        light = np.linspace(dice.uniform(0.6, 1), dice.uniform(1, 1.4), image.width)[None, :, None]
        image = Image.fromarray(np.clip(np.asarray(image) * light, 0, 255).astype(np.uint8))
        image = image.filter(ImageFilter.GaussianBlur(dice.uniform(0, 1.6)))
    image = _compressed(image, dice, 35, 92)
    whole = Image.new("RGB", (image.width + 80, image.height + 80), mean)
    whole.paste(image, (40, 40))
    return np.asarray(whole), _moved(box, 40, 40, 1)


def _turned(
    dice: np.random.Generator, image: Image.Image, box: Box, ground: tuple[int, ...], level: int
) -> Image.Image:
    """Turned around the middle of the box and, from the second level on, stretched and seen askew."""
    turn = np.deg2rad(dice.uniform(-1, 1) * (6 if level == 1 else 14))
    across, down = (1.0, 1.0) if level == 1 else dice.uniform(0.85, 1.15, 2)
    askew = np.zeros(2) if level == 1 else dice.normal(size=2) * 0.0008
    middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = middle, (-middle[0], -middle[1])
    change = np.array(
        [
            [np.cos(turn) * across, -np.sin(turn) * down, 0],
            [np.sin(turn) * across, np.cos(turn) * down, 0],
            [askew[0], askew[1], 1],
        ]
    )
    inverse = np.linalg.inv(there @ change @ back)
    numbers = (inverse / inverse[2, 2]).ravel()[:8].tolist()
    method, filtered = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
    return image.transform(image.size, method, numbers, filtered, fillcolor=ground)


def _colour(dice: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(one) for one in dice.integers(0, 256, 3))
    return red, green, blue


def _noisy(pixels: npt.NDArray[np.generic], dice: np.random.Generator, most: float) -> Image.Image:
    noise = dice.normal(size=(*pixels.shape[:2], 1)) * dice.uniform(0, most)
    return Image.fromarray(np.clip(pixels.astype(np.float64) + noise, 0, 255).astype(np.uint8))


def _compressed(image: Image.Image, dice: np.random.Generator, low: float, high: float) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(dice.uniform(low, high)))
    return Image.open(file).convert("RGB")


def _resized(image: Image.Image, factor: float) -> Image.Image:
    size = max(8, int(image.width * factor)), max(8, int(image.height * factor))
    return image.resize(size, Image.Resampling.BICUBIC)


def _moved(box: Box, across: float, down: float, factor: float) -> Box:
    """Moved, then made larger."""
    return Box(
        top=int((box.top + down) * factor),
        right=int((box.right + across) * factor),
        bottom=int((box.bottom + down) * factor),
        left=int((box.left + across) * factor),
    )


def _overlap(one: Box, other: Box) -> float:
    """The part that two boxes have in common, of what they cover together."""
    wide = min(one.right, other.right) - max(one.left, other.left)
    high = min(one.bottom, other.bottom) - max(one.top, other.top)
    if wide <= 0 or high <= 0:
        return 0.0
    return wide * high / (one.width * one.height + other.width * other.height - wide * high)
