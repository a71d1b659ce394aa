from __future__ import annotations

import pytest

from faces.people.names import canonical, key

COMPOSED, DECOMPOSED = "Zo\u00eb", "Zoe\u0308"


def test_a_decomposed_name_is_composed() -> None:
    assert canonical(DECOMPOSED) == COMPOSED


@pytest.mark.parametrize("blank", ["  ", "\t", "\n", "\u00a0", " \u3000 "], ids=ascii)
def test_blanks_of_any_kind_become_one(blank: str) -> None:
    assert canonical(f"{blank}Ada{blank}Lovelace{blank}") == "Ada Lovelace"


@pytest.mark.parametrize(
    ("one", "other"),
    [(COMPOSED, DECOMPOSED.upper()), ("ada  LOVELACE", "Ada Lovelace"), ("STRASSE", "Straße"), ("ПЁТР", "Пе\u0308тр")],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_an_accent_is_another_name() -> None:
    assert key("Zoe") != key(COMPOSED)
