"""What entries of the ledger did, as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from faces.answers.history.entry_sentences import NameToday, people_in, person_words, sentence
from faces.store.sidecar.ledger import Entry, FaceChange
from faces.store.sidecar.lists.ledger_pages import ListedEntry

PEOPLE = {3: NameToday("Ann"), 4: NameToday("Bob"), 5: NameToday(None), 6: NameToday("Cem", joined_to=3)}

Fields = Mapping[str, Any]


def entry(
    kind: str,
    faces: Mapping[int, tuple[Fields, Fields]] | None = None,
    refs: Mapping[str, tuple[Fields, Fields]] | None = None,
    *,
    number: int | None = None,
    refusals: int = 0,
    **of_entry: Any,
) -> ListedEntry:
    values = {"undoes": None, "p": None, "t": None, "distance": None, "rule": None} | of_entry
    examples = {face: FaceChange(*sides) for face, sides in (faces or {}).items()}
    count = len(examples) if number is None else number
    return ListedEntry(
        Entry(17, "uuid", "me", datetime(2026, 1, 1), kind, **values),
        None,
        count,
        count,
        examples,
        {ref: FaceChange(*sides) for ref, sides in (refs or {}).items()},
        refusals,
    )


def becomes(before: int | None, after: int | None) -> tuple[Fields, Fields]:
    return {"who": before}, {"who": after}


NEVER: tuple[Fields, Fields] = ({"never": False}, {"never": True})
NOTHING: tuple[Fields, Fields] = ({}, {})


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (entry("named", {7: becomes(None, 3)}), "named f7 Ann (p3)"),
        (entry("named", {7: becomes(None, 3), 8: becomes(4, 3)}), "named f7 and f8 Ann (p3)"),
        (
            entry("named", {7: becomes(None, 5)}, {"p5": ({"new": True}, {"name": "Dan"})}),
            'named f7 "Dan" (p5)',
        ),
        (entry("named", {7: becomes(None, 3)}, number=12), "named 12 faces Ann (p3)"),
        (entry("imported", {7: becomes(None, 3)}), "took what a gold set says of f7: Ann (p3)"),
        (entry("imported", {7: becomes(3, None)}, number=12), "took what a gold set says of 12 faces"),
        (entry("named", {7: becomes(None, 5)}), "named f7 p5"),
        (entry("named", refs={"g2": ({"person_id": None}, {"person_id": 3}), "p3": NOTHING}), "named g2 Ann (p3)"),
        (entry("moved", {7: becomes(4, 3)}), "moved f7 from Bob (p4) to Ann (p3)"),
        (entry("confirmed", {7: becomes(3, 3), 8: becomes(4, 4)}), "confirmed f7 and f8 as Ann (p3) and Bob (p4)"),
        (
            entry("confirmed", {face: becomes(face, face) for face in range(1, 6)}, number=30),
            "confirmed 30 faces as 5 people",
        ),
        (
            entry("linked", {7: ({"parent_id": None}, {"parent_id": 2})}, {"p3": NOTHING}, p=0.9996, distance=0.4),
            "linked f7 to Ann (p3), p 0.99",
        ),
        (
            entry("linked", {7: ({"parent_id": None}, {"parent_id": 2})}, distance=0.5123, rule="nearest"),
            "linked f7 to f2, distance 0.512",
        ),
        (entry("unlinked", {7: NOTHING}, number=40), "took 40 faces back to unknown"),
        (entry("merged", {7: ({"group_id": 4}, {"group_id": 2})}), "joined g4 to g2"),
        (entry("joined", refs={"p4": ({"joined_to": None}, {"joined_to": 3})}), "joined Bob (p4) to Ann (p3)"),
        (entry("joined", refs={"g4": ({"joined_to": None}, {"joined_to": 2})}), "joined g4 to g2"),
        (entry("split", {7: becomes(3, None), 8: becomes(3, None)}), "split f7 and f8 off Ann (p3)"),
        (entry("split", {7: ({"group_id": 4}, {"group_id": 9})}), "split f7 off g4 into g9"),
        (entry("rejected", refs={"f7 p3": NEVER, "p3": NOTHING}, refusals=1), "said that f7 is not Ann (p3)"),
        (
            entry("rejected", refs={"f7 p3": NEVER, "g2 p3": NEVER}, refusals=2),
            "said that f7 and g2 are not Ann (p3)",
        ),
        (
            entry("rejected", refs={"f7 p3": NEVER}, refusals=30),
            "said that 30 faces or groups are not Ann (p3)",
        ),
        (entry("apart", refs={"p3 p4": NEVER}, refusals=1), "said that Ann (p3) and Bob (p4) are not one"),
        (entry("stranger", {7: becomes(None, None)}), "said that f7 is a stranger"),
        (entry("stranger", {7: becomes(None, None)}, number=9), "said that 9 faces are strangers"),
        (entry("not_face", {7: becomes(None, None)}), "said that f7 is no face"),
        (entry("not_face", {7: becomes(None, None)}, number=9), "said that 9 faces are no faces"),
        (entry("unknown", {7: becomes(3, None)}), "took f7 out of Ann (p3)"),
        (entry("unknown", {7: becomes(None, None)}), "said that f7 is unknown"),
        (entry("renamed", refs={"p3": ({"name": "Anne"}, {"name": "Ann"})}), 'renamed Ann (p3) from "Anne" to "Ann"'),
        (entry("hidden", refs={"p3": ({"hidden": 0}, {"hidden": 1})}), "hid Ann (p3)"),
        (entry("hidden", refs={"p3": ({"hidden": 1}, {"hidden": 0})}), "showed Ann (p3) again"),
        (entry("favourite", refs={"p3": ({"favourite": 0}, {"favourite": 1})}), "made Ann (p3) a favourite"),
        (entry("cover", refs={"p3": ({"cover": None}, {"cover": 7})}), "made f7 the cover of Ann (p3)"),
        (entry("added", {7: becomes(None, 3)}), "added f7 as Ann (p3)"),
        (entry("forgotten", {7: becomes(3, None)}, number=12), "forgot Ann (p3), 12 faces"),
        (
            entry("forgotten", {7: becomes(5, None)}, {"p5": ({"name": "Dan"}, {"name": None})}),
            'forgot "Dan" (p5), f7',
        ),
        (entry("undone", {7: becomes(3, None)}, undoes=12), "undid 12"),
        (entry("strange", {7: becomes(3, None)}, {"p3": NOTHING}), "strange: f7, Ann (p3)"),
        (entry("named"), "named: nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_entry_is_told_in_a_sentence(listed: ListedEntry, expected: str) -> None:
    assert sentence(listed, PEOPLE) == expected


def test_people_have_the_names_of_today() -> None:
    assert [person_words(person, PEOPLE) for person in (3, 5, 6, 9)] == ["Ann (p3)", "p5", "Cem (p6, now p3)", "p9"]


def test_it_is_known_whose_names_a_sentence_needs() -> None:
    listed = entry(
        "moved",
        {7: ({"who": 1}, {"who": 2, "said_person": 2})},
        {"f8 p3": NEVER, "g2": ({"person_id": None}, {"person_id": 4}), "p5": ({"joined_to": None}, {"joined_to": 6})},
    )
    assert people_in(listed) == {1, 2, 3, 4, 5, 6}
