"""Distances of many pairs at once: a float32 product chooses which may be small, and only those are measured exactly.

What comes out does not depend on the rows beside it in a batch, nor on the processor's way of adding up a product.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from faces.photo.face import ENCODING_LENGTH

#: An encoding is 1.1 to 1.6 long. What is longer than this is none, and would cost float32 its digits.
LONGEST_ENCODING = 10.0

#: Part of both lengths squared by which a product's squared distance may be wrong: 128 roundings of 2⁻²⁴, and more.
_ROUNDED = 1e-5

#: Pairs that are subtracted at a time: 8 MB of differences.
_PAIRS = 8192

#: Up to so many rows are multiplied one by one, with parts of the other side that stay in the cache: 1 MB.
_FEW, _PART = 8, 2048

#: Columns that are looked at together for the smallest few.
_STRIPES = 16

Matrix = npt.NDArray[np.float32]
"""Shape (n, 128), float32, finite, C-contiguous."""

Rough = npt.NDArray[np.float32]
"""Shape (rows, columns), float32: distances or scores out of a product."""


def as_matrix(encodings: npt.ArrayLike) -> Matrix:
    """Encodings as they are compared: shape (n, 128), float32.

    Raises:
        ValueError: they have another shape, or numbers that no encoding has.
    """
    rows = np.asarray(encodings, np.float64)
    if rows.ndim != 2 or rows.shape[1] != ENCODING_LENGTH:
        raise ValueError(f"found encodings of shape {rows.shape}, needed (n, {ENCODING_LENGTH})")
    with np.errstate(over="ignore", invalid="ignore"):
        if not (np.square(rows).sum(axis=1) <= LONGEST_ENCODING**2).all():
            raise ValueError(f"found an encoding that is longer than {LONGEST_ENCODING:g}, or not finite")
    return np.ascontiguousarray(rows, np.float32)


def squares_of(rows: Matrix) -> npt.NDArray[np.float32]:
    """Each row's squared length, shape (n,)."""
    squares: npt.NDArray[np.float32] = np.square(rows).sum(axis=1)
    return squares


def rough_distances(left: Matrix, right: Matrix, right_squares: npt.NDArray[np.float32]) -> Rough:
    """All pairs' Euclidean distances, |a - b|² = |a|² + |b|² - 2ab, shape (left, right).

    A distance of 0.4 is wrong by less than 4e-5, commonly by 4e-7; one near 0 by up to `error_of`. Good enough to
    choose what is measured exactly, not for a strict `<`.
    """
    found = shifted_squares(left, right, right_squares)
    found += squares_of(left)[:, None]
    np.maximum(found, 0, out=found)
    np.sqrt(found, out=found)
    return found


def shifted_squares(left: Matrix, right: Matrix, right_squares: npt.NDArray[np.float32]) -> Rough:
    """The same squared and less each left row's own squared length, which is one number a row: their order is the same.

    Each is wrong by less than `squared_error`.
    """
    found = _products(left, right)
    found *= -2
    found += right_squares
    return found


def _products(left: Matrix, right: Matrix) -> Rough:
    """`left` times `right` transposed. For a few rows each part of `right` comes from memory once, not once a row."""
    if len(left) > _FEW:
        return np.ascontiguousarray((right @ left.T).T)
    found = np.empty((len(left), len(right)), np.float32)
    if len(left) == 1:
        np.dot(right, left[0], out=found[0])
        return found
    for start in range(0, len(right), _PART):
        for row, into in zip(left, found, strict=True):
            np.dot(right[start : start + _PART], row, out=into[start : start + _PART])
    return found


def error_of(left: Matrix, right_squares: npt.NDArray[np.float32]) -> float:
    """By how much a distance from `rough_distances` may be wrong at most, which is near 0: about 5e-3."""
    return math.sqrt(squared_error(squares_of(left), float(right_squares.max(initial=0))))


def squared_error(left_squares: npt.NDArray[np.float32], longest: float) -> float:
    """By how much a squared distance out of a product may be wrong at most; of the right side the largest is given."""
    return _ROUNDED * (float(left_squares.max(initial=0)) + longest)


def exact_distances(
    left: Matrix, right: Matrix, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> npt.NDArray[np.float64]:
    """Euclidean distances of pairs, a row of `left` and one of `right`, shape (pairs,), subtracted in float64."""
    found = np.empty(len(rows))
    for start in range(0, len(rows), _PAIRS):
        part = slice(start, start + _PAIRS)
        apart = left[rows[part]].astype(np.float64)
        apart -= right[columns[part]]
        found[part] = np.sqrt(np.square(apart, out=apart).sum(axis=1))
    return found


def pairs_up_to(rough: Rough, limits: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of what is not above its row's limit, row by row, in a row from left to right."""
    flat = np.flatnonzero(rough <= limits[:, None])
    return flat // rough.shape[1], flat % rough.shape[1]


def limits_of_smallest(rough: Rough, count: int) -> npt.NDArray[np.float32]:
    """For each row a number that `count` of its columns or more are not above, and hardly more; shape (rows,).

    The smallest of each stripe of columns are looked at, which is ten times quicker than sorting all of them apart.
    """
    width = rough.shape[1] // _STRIPES
    if width >= count:
        stripes = rough[:, : _STRIPES * width].reshape(len(rough), _STRIPES, width).min(axis=1)
        rough = np.concatenate([stripes, rough[:, _STRIPES * width :]], axis=1)
    found: npt.NDArray[np.float32] = np.partition(rough, count - 1, axis=1)[:, count - 1]
    return found


def smallest_columns(rough: Rough, count: int) -> npt.NDArray[np.intp]:
    """The columns of each row's `count` smallest numbers, in no order, shape (rows, count)."""
    rows, columns = pairs_up_to(rough, limits_of_smallest(rough, count))
    ranks = np.arange(len(rows)) - np.searchsorted(rows, rows)
    width = int(ranks.max(initial=0)) + 1
    numbers = np.full((len(rough), width), np.inf, np.float32)
    numbers[rows, ranks] = rough[rows, columns]
    where = np.zeros((len(rough), width), np.intp)
    where[rows, ranks] = columns
    chosen = np.argpartition(numbers, count - 1, axis=1)[:, :count]
    return np.take_along_axis(where, chosen, axis=1)
