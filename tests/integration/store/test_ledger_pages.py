"""The list of the ledger's entries: which there are, and that a page begins where the one before ended."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from faces.errors import RequestError
from faces.people.refs import Ref
from faces.store.database import Store
from faces.store.sidecar.lists.ledger_pages import (
    EXAMPLES,
    EntryChoice,
    ListedEntry,
    entries_about,
    entry_that_refused,
    list_entries,
    read_entries,
)
from tests.servers.library_rows import LibraryRows

pytestmark = pytest.mark.parametrize("url", ["sqlite", "mariadb v1"], indirect=True)


class Ledger:
    """Entries with what they change, as our store writes them."""

    def __init__(self, library: LibraryRows) -> None:
        self._library, self._last = library, 0

    def entry(self, *faces: int, refs: dict[str, Any] | None = None, said: bool = True, **values: Any) -> int:
        self._last += 1
        row = {"actor": "me", "at": datetime(2026, 1, 1), "kind": "named", "undoes": None, **values}
        tables, entry = self._library.tables, self._last
        self._library.insert(tables.ledger, [{"id": entry, "uuid": str(entry), **row}])
        after = json.dumps({"said_in": entry if said else None, "said_person": 1, "who": 1})
        changes = [{"entry": entry, "face_id": face, "before": "{}", "after": after} for face in faces]
        if changes:
            self._library.insert(tables.ledger_faces, changes)
        of_refs = [
            {"entry": entry, "ref": ref, "before": "{}", "after": json.dumps(value)}
            for ref, value in (refs or {}).items()
        ]
        if of_refs:
            self._library.insert(tables.ledger_refs, of_refs)
        return entry


@pytest.fixture
def ledger(library: LibraryRows) -> Ledger:
    return Ledger(library)


def listed(store: Store, **choice: Any) -> list[ListedEntry]:
    with store.reading() as transaction:
        return list(list_entries(transaction, EntryChoice(**choice)))


def ids(store: Store, **choice: Any) -> list[int]:
    return [one.entry.id for one in listed(store, **choice)]


def test_the_newest_are_first_and_conditions_hold_together(library_store: Store, ledger: Ledger) -> None:
    first = ledger.entry(7, 8, refs={"p1": {}})
    second = ledger.entry(7, actor="you", kind="moved", refs={"p1": {}, "p2": {}})
    third = ledger.entry(9, kind="linked", actor="machine", refs={"p2": {}})
    assert ids(library_store) == [third, second, first]
    assert ids(library_store, actor="machine") == [third]
    assert ids(library_store, kind="moved") == [second]
    assert ids(library_store, face=7) == [second, first]
    assert ids(library_store, person=1) == [second, first]
    assert ids(library_store, person=2) == [third, second]
    assert ids(library_store, person=1, face=8) == [first]
    assert ids(library_store, person=2, actor="you", kind="moved", face=7) == [second]
    assert (
        ids(library_store, face=7, kind="linked") == ids(library_store, face=99) == ids(library_store, person=9) == []
    )


@pytest.mark.parametrize("of", [{}, {"person": 1}, {"face": 7}, {"actor": "me"}])
@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_pages_together_are_the_whole(library_store: Store, ledger: Ledger, size: int, of: dict[str, Any]) -> None:
    for number in range(8):
        ledger.entry(7 + number % 2, refs={f"p{1 + number % 3}": {}}, actor="you" if number == 5 else "me")
    found: list[int] = []
    while page := ids(library_store, after=found[-1] if found else None, limit=size, **of):
        found += page
    assert found == ids(library_store, **of)
    assert found


def test_refusals_of_a_face_are_its_entries(library_store: Store, ledger: Ledger) -> None:
    refused = ledger.entry(refs={"f7 p1": {"never": True}, "p1": {}})
    ledger.entry(refs={"f71 p1": {"never": True}, "p1": {}})
    allowed = ledger.entry(refs={"f7 p1": {"never": False}, "p1": {}})
    named = ledger.entry(refs={"p1": {"name": "Ann"}})
    assert ids(library_store, face=7) == [allowed, refused]
    with library_store.reading() as transaction:
        assert entry_that_refused(transaction, Ref("person", 1), Ref("face", 7)) == refused
        assert entry_that_refused(transaction, Ref("person", 2), Ref("face", 7)) is None
        assert entries_about(transaction, [Ref("person", 1)], 5) == {named}
        assert [one.entry.id for one in read_entries(transaction, [refused, named, 99])] == [named, refused]


def test_of_many_changes_some_are_read_and_all_are_counted(library_store: Store, ledger: Ledger) -> None:
    refs = {f"f{face} p1": {"never": True} for face in range(100, 130)}
    ledger.entry(*range(1, 41), refs={**refs, "p1": {}})
    ledger.entry(*range(1, 41), said=False)
    machine, answer = listed(library_store)
    assert (answer.faces, answer.said, answer.refusals) == (40, 40, 30)
    assert list(answer.examples) == list(range(1, EXAMPLES + 1))
    assert len(answer.refs) == EXAMPLES + 1
    assert "p1" in answer.refs
    assert (machine.faces, machine.said, len(machine.examples)) == (40, 0, EXAMPLES)


def test_an_entry_is_undone_by_the_newest_undo_that_stands(library_store: Store, ledger: Ledger) -> None:
    one = ledger.entry(7)
    undo = ledger.entry(7, kind="undone", undoes=one)
    assert [entry.undone_by for entry in listed(library_store)] == [None, undo]
    redo = ledger.entry(7, kind="undone", undoes=undo)
    assert [entry.undone_by for entry in listed(library_store)] == [None, redo, None]
    again = ledger.entry(7, kind="undone", undoes=redo)
    assert [entry.undone_by for entry in listed(library_store)] == [None, again, None, undo]


def test_behind_an_entry_that_is_not_there_is_no_page(library_store: Store, ledger: Ledger) -> None:
    ledger.entry(7)
    with pytest.raises(RequestError, match="found no entry 99, needed the last one of a page"):
        ids(library_store, after=99)


@pytest.mark.parametrize("of", [{"kind": "é"}, {"actor": "\udcff"}, {"actor": "é"}, {"kind": ""}])
def test_what_no_entry_can_be_called_is_no_error(library_store: Store, ledger: Ledger, of: dict[str, Any]) -> None:
    ledger.entry(7)
    assert ids(library_store, **of) == []
