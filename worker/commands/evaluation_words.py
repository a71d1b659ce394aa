"""Counts, shares and people as an evaluation says them."""

from __future__ import annotations

from collections.abc import Mapping

from faces.people.evaluation.figures import share
from faces.people.refs import Ref


def person_in_words(person: int, names: Mapping[int, str]) -> str:
    """A person's name and id."""
    ref = str(Ref("person", person))
    return f"{names[person]} ({ref})" if person in names else ref


def many(count: int, one: str, several: str | None = None) -> str:
    """A number of things."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def share_of(count: int, of: int) -> str:
    """A share and its counts; a dash of nothing."""
    return f"{percent(share(count, of), 1)} ({count:,} of {of:,})" if of else "-"


def of_hundred(count: int, of: int) -> str:
    """Of a hundred."""
    return f"{100 * share(count, of):.1f}"


def percent(value: float, places: int = 0) -> str:
    """A share, or a probability."""
    return f"{100 * value:.{places}f} %"
