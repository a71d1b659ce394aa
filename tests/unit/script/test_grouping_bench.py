from __future__ import annotations

import numpy as np

from script.benches import index_start
from script.benches.grouping import LIMITS, made_encodings, measure


def test_each_limit_is_measured_and_neither_a_group_nor_a_person_takes_more_than_it_may() -> None:
    dice = np.random.default_rng(7)
    encodings = made_encodings(2000, dice)
    starts = index_start.measure(encodings)
    assert {how: tuple(found) for how, found in starts.items()} == dict.fromkeys(("rows", "file"), index_start.FIGURES)
    figures = measure(encodings, dice, starts)
    assert figures.keys() == LIMITS.keys()
    assert figures["bytes a group"] <= LIMITS["bytes a group"]
    assert figures["bytes a person"] <= LIMITS["bytes a person"]
