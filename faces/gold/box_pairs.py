"""Which of a photo's faces a mark is about: the one whose box overlaps the mark's most, if it overlaps enough."""

from __future__ import annotations

from collections.abc import Sequence

from faces.photo.face import RatioBox

#: Two boxes of one photo are about one face where they have so much of their union in common (IoU). See docs/people.md.
SAME_FACE = 0.3


def overlap(one: RatioBox, other: RatioBox) -> float:
    """The common part of two boxes' union, 0 to 1: the same in pixels as in parts of the photo."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (_area(one) + _area(other) - common)


def pairs(marks: Sequence[RatioBox], faces: Sequence[RatioBox]) -> dict[int, int]:
    """The face of each mark that has one, by place in the lists; each face has one mark at most, the nearest first."""
    found = [
        (overlap(mark, face), place, other) for place, mark in enumerate(marks) for other, face in enumerate(faces)
    ]
    near = sorted((one for one in found if one[0] >= SAME_FACE), key=lambda one: (-one[0], one[1], one[2]))
    paired: dict[int, int] = {}
    for _, mark, face in near:
        if mark not in paired and face not in paired.values():
            paired[mark] = face
    return paired


def _area(box: RatioBox) -> float:
    return (box.right - box.left) * (box.bottom - box.top)
