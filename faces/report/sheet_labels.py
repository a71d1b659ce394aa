"""Where the labels of a photo's boxes go: centred at their boxes, on the photo, no name over another label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Left, top, width and height in percent of a picture.
Place = tuple[float, float, float, float]

#: About how high the page shows a photo, pixels; its style sheet says it as --row.
ROW_PIXELS = 250

#: A label's size in pixels: its number with the margins, one letter of a name, and its height.
_NUMBER, _LETTER, _HEIGHT = 22, 7.5, 20

#: A box that ends below this, percent, has its label above it.
_LOW = 88


@dataclass(frozen=True, slots=True)
class Label:
    """What stands beside a face's number, and where the label begins, in percent of the box's width."""

    name: str
    shift: float
    above: bool


def labels(boxes: Sequence[tuple[Place, str]], ratio: float) -> list[Label]:
    """A label for each box with its name ("" for none), on a picture `ratio` times as wide as high.

    Large faces choose first. A name that would lie on another label is left out: the caption tells it by its number.
    """
    taken: list[Place] = []
    chosen: dict[int, Label] = {}
    for at in sorted(range(len(boxes)), key=lambda at: -boxes[at][0][2] * boxes[at][0][3]):
        box, name = boxes[at]
        place = _place(box, name, ratio)
        if name and any(_overlap(place, other) for other in taken):
            name, place = "", _place(box, "", ratio)
        taken.append(place)
        chosen[at] = Label(name, (place[0] - box[0]) / box[2] * 100 if box[2] else 0, _is_low(box))
    return [chosen[at] for at in range(len(boxes))]


def _is_low(box: Place) -> bool:
    return box[1] + box[3] > _LOW


def _place(box: Place, name: str, ratio: float) -> Place:
    left, top, width, height = box
    wide, high = (_NUMBER + _LETTER * len(name)) / (ROW_PIXELS * ratio) * 100, _HEIGHT / ROW_PIXELS * 100
    start = max(min(left + (width - wide) / 2, 100 - wide), 0)
    return start, (top - high if _is_low(box) else top + height), wide, high


def _overlap(one: Place, other: Place) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )
