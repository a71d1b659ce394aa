"""How low a score must be for a face to join a group, and for two groups to be one; it depends on how large they are.

One stray face spoils a large group, and one lost face does not: so a large group asks more of a face. Two large groups
of one person lie farther apart than their middles' spread would have it: so they ask less of each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: A face joins a group of one below the first; two groups of one are joined below the second.
JOIN, MERGE = -0.08, -0.10

#: What a large group asks more of a single face, and two large ones less of each other.
JOIN_LARGE, MERGE_LARGE = -0.02, 0.01

#: With the alarm full all limits are so much stricter.
STRICTER = 0.02

#: No two groups are joined above this.
MOST_MERGE = MERGE + MERGE_LARGE

Sizes = npt.NDArray[np.integer[Any]]
"""Shape (n,), 1 and more."""

Limits = npt.NDArray[np.float64]
"""Shape (n,), scores."""


def join_limits(sizes: Sizes, alarm: float) -> Limits:
    """The scores below which a face joins groups of these sizes."""
    return JOIN + JOIN_LARGE * (1 - 1 / sizes) - STRICTER * alarm


def merge_limits(one: Sizes, other: Sizes, alarm: float) -> Limits:
    """The scores below which groups of these sizes are joined, pair by pair."""
    small, large = np.minimum(one, other), np.maximum(one, other)
    return MERGE + MERGE_LARGE * (1 - 1 / small) + JOIN_LARGE * (1 - 1 / large) / small - STRICTER * alarm
