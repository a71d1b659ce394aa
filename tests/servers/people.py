"""Encodings of people who never were."""

from __future__ import annotations

import numpy as np

#: Any two are about 1.9 apart.
PEOPLE = np.random.default_rng(5).normal(scale=0.12, size=(300, 128))


def near(encoding: np.ndarray, distance: float, seed: int = 0) -> np.ndarray:
    """Another encoding exactly that far away."""
    way = np.random.default_rng(seed).normal(size=128)
    return encoding + distance * way / np.linalg.norm(way)
