"""Ids as they are written: a letter says what they are of."""

from __future__ import annotations

import pytest

from faces.errors import RequestError
from faces.people.refs import Ref


@pytest.mark.parametrize("ref", [Ref("face", 1), Ref("group", 12), Ref("person", 2**63 - 1)], ids=str)
def test_what_is_written_is_read_again(ref: Ref) -> None:
    assert Ref.parse(str(ref)) == ref


def test_it_is_a_letter_and_a_number() -> None:
    assert [str(Ref("face", 12)), f"{Ref('group', 12)}", str(Ref("person", 12))] == ["f12", "g12", "p12"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("12", "found 12, needed an id with its letter: g12 for a group"),
        ("p12", "found p12, a person, needed an id of another kind: g12 for a group"),
        ("x12", "found 'x12', needed an id: g12 for a group"),
        ("G12", "found 'G12', needed an id: g12 for a group"),
        ("g", "found 'g', needed an id: g12 for a group"),
        ("g-1", "found 'g-1', needed an id: g12 for a group"),
        ("g012", "found 'g012', needed an id: g12 for a group"),
        ("g١٢", "found 'g١٢', needed an id: g12 for a group"),
        ("", "found '', needed an id: g12 for a group"),
        (f"g{2**63}", f"found 'g{2**63}', needed an id: g12 for a group"),
    ],
)
def test_anything_else_is_refused_with_what_is_needed(text: str, sentence: str) -> None:
    with pytest.raises(RequestError) as refused:
        Ref.parse(text, "group")
    assert str(refused.value) == sentence


def test_several_kinds_may_be_wanted() -> None:
    assert Ref.parse("g12", "group", "person") == Ref("group", 12)
    with pytest.raises(RequestError, match="needed an id of another kind: g12 for a group or p12 for a person"):
        Ref.parse("f12", "group", "person")
