"""Averages of 5 to 9 look-alikes each, every person in exactly one of them: people are cut in two, again and again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Fewest people of an average; twice as many are cut in two.
FEWEST = 5

#: Rounds of a 2-means; it settles long before.
_ROUNDS = 50

Floats = npt.NDArray[np.float64]


def averages_of(people: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Averages of look-alikes, shape (about n / 7, 128), rounded to float16 as they are kept.

    Args:
        people: one encoding of each person, shape (n, 128). One and not all: what is made of one photo holds less of
            the person, and measured as well.
    """
    points = np.asarray(people, np.float64)
    averages = np.stack([points[rows].mean(axis=0) for rows in look_alikes(points)])
    return averages.astype(np.float16).astype(np.float32)


def look_alikes(points: Floats) -> list[npt.NDArray[np.intp]]:
    """Each row in exactly one part of `FEWEST` to twice as many less one; of fewer people one part."""
    todo, done = [np.arange(len(points))], []
    while todo:
        rows = todo.pop()
        if len(rows) < 2 * FEWEST:
            done.append(rows)
            continue
        along, first = _two_means(points[rows])
        order = np.argsort(along, kind="stable")
        cut = int(np.clip(first, FEWEST, len(rows) - FEWEST))
        todo += [rows[order[:cut]], rows[order[cut:]]]
    return done


def _two_means(points: Floats) -> tuple[Floats, int]:
    """Where each point lies on the line between the two middles, and how many belong to the first one.

    It begins with the two halves of the direction in which the points are spread most.
    """
    centred = points - points.mean(axis=0)
    along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    side = along > np.median(along)
    for _ in range(_ROUNDS if side.any() else 0):
        first, second = points[~side].mean(axis=0), points[side].mean(axis=0)
        along = (points - (first + second) / 2) @ (second - first)
        if (side == (along > 0)).all() or (along > 0).all() or (along <= 0).all():
            break
        side = along > 0
    return along, int((~side).sum())
