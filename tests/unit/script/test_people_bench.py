from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from script.benches.people import Result, of_others, of_rows
from script.benches.people_bars import OTHERS, ROWS

ROOT = Path(__file__).resolve().parents[3]

COLUMNS = ("strangers linked", "linked, right", "offered, right", "strangers offered")


def measured(linked_strangers: float) -> Result:
    """All figures at their promise but one column."""
    result = Result()
    for row in ROWS:
        result.rows[row.name]["enrolled"].append(row.people)
        for name, value in zip(
            COLUMNS, (linked_strangers, row.linked, row.offered, row.strangers_offered), strict=True
        ):
            result.rows[row.name][name].append(value)
    for name, (_, promise, _) in OTHERS.items():
        result.others[name].append(promise)
    return result


def test_what_keeps_its_promise_is_reached() -> None:
    result = measured(0.0)
    assert all(verdict.reached for verdicts in of_rows(result).values() for verdict in verdicts)
    assert all(verdict.reached for verdict in of_others(result).values())


def test_a_stranger_too_many_is_missed_and_the_other_columns_are_not() -> None:
    for verdicts in of_rows(measured(2.11)).values():
        assert [verdict.reached for verdict in verdicts] == [False, True, True, True]


def test_means_are_judged_and_the_worst_is_told() -> None:
    result = measured(0.0)
    result.rows["200 people, 1 photo"]["strangers linked"] = [0.2, 1.1]
    result.rows["200 people, 1 photo"]["linked, right"] = [70, 80]
    linked, right = of_rows(result)["200 people, 1 photo (200)"][:2]
    assert (linked.reached, linked.worst) == (True, 1.1)
    assert (right.reached, right.worst) == (False, 70)
    assert str(right) == "75.00 (70.0) ≥ 78"


def test_the_page_about_people_promises_what_the_bench_asks_for() -> None:
    page = (ROOT / "docs/people.md").read_text(encoding="utf-8")
    table = page[page.index("| people enrolled") : page.index("The first column is the promise")]
    rows = [re.split(r" \| ", line.strip("| ")) for line in table.strip().splitlines()[2:]]
    told = [[float(re.sub(r"none of 4,700", "0", cell).strip("*atmos% ")) for cell in row[1:]] for row in rows]
    asked = [[row.strangers_linked, row.linked, row.offered, row.strangers_offered] for row in ROWS]
    assert np.array_equal(told, asked)
