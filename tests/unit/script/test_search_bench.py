from __future__ import annotations

from script.benches.searching import Searched


def test_what_costs_more_than_promised_is_told_with_its_size_or_database() -> None:
    result = Searched()
    result.index = {10_000: {"top 10 / one product": 2.5}, 100_000: {"top 10 / one product": 2.0}}
    result.database = {"SQLite": {"refresh / load out of rows": 0.01}, "MariaDB": {"refresh / load out of rows": 0.02}}
    assert result.missed == [
        "top 10 / one product of 10,000: 2.5",
        "refresh / load out of rows of MariaDB: 0.02",
    ]
