from __future__ import annotations

from script.benches.grouping import LIMITS, measure


def test_each_limit_is_measured_and_a_group_takes_no_more_than_it_may() -> None:
    figures = measure(2000)
    assert figures.keys() == LIMITS.keys()
    assert figures["bytes a group"] <= LIMITS["bytes a group"]
