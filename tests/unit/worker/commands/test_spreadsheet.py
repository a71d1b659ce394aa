from __future__ import annotations

import csv
import io

import pytest

from worker.commands import spreadsheet


def cells(*rows: dict[str, object]) -> list[dict[str, str]]:
    """The rows as a spreadsheet reads them."""
    text = "".join(spreadsheet.lines(("name", "number"), rows))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1"], ids=ascii)
def test_a_text_that_would_be_computed_begins_with_an_apostrophe(name: str) -> None:
    assert cells({"name": name, "number": 1})[0]["name"] == f"'{name}"


@pytest.mark.parametrize("name", ["Ada", "a=b", "", "O'Neil", '"quoted"', "a,b", "two\nlines", "two\rlines"], ids=ascii)
def test_other_text_stays(name: str) -> None:
    assert cells({"name": name, "number": 1})[0]["name"] == name


def test_a_number_below_zero_stays_a_number() -> None:
    assert cells({"name": "Ada", "number": -0.5})[0]["number"] == "-0.5"


def test_without_rows_there_are_titles() -> None:
    assert "".join(spreadsheet.lines(("name", "number"), ())) == "\ufeffname,number\n"


def test_rows_are_written_one_by_one() -> None:
    pieces = spreadsheet.lines(("name",), ({"name": name} for name in ("Ada", "Bob")))
    assert list(pieces) == ["\ufeffname\n", "Ada\n", "Bob\n"]
