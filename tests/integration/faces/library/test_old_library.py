"""Links of the fixed threshold looked at again, and doubtful ones taken back, on each version that has parents."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faces.library.arrivals import Arrivals
from faces.library.library import Library
from faces.library.old_library import OldLibrary
from faces.people.kept_face import Said, SaidOfFace
from faces.people.refs import Ref
from faces.store.database import Store, Transaction
from faces.store.sidecar import answer_rows, ledger, never_rows
from tests.servers.arriving import Arriving, Photos
from tests.servers.library_verdict import wrong
from tests.servers.linked_before import COHORT, PEOPLE, Old, made_old, named
from tests.servers.lives import end_of, live
from tests.servers.rows import Rows

pytestmark = pytest.mark.parametrize("url", ["sqlite", "v1", "v2", "v3 made new"], indirect=True)


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def old(store: Store, rows: Rows) -> Old:
    old = made_old(store, rows)
    assert wrong(store, COHORT) == []
    return old


def test_a_link_is_doubtful_that_the_master_alone_does_not_bear_out(old: Old) -> None:
    assert old.doubted() == old.doubtful


def test_what_is_doubtful_is_told_with_person_distance_and_probability(old: Old) -> None:
    (batch,) = OldLibrary(old.arrivals).batches()
    one = batch.doubtful[2]
    assert one.link.parent_id == old.masters[2]
    assert one.link.name == ("Person 2" if "name" in old.store.schema.face_columns else None)
    assert one.old.probability < 0.9
    assert one.old.distance == pytest.approx(0.8 * np.linalg.norm(PEOPLE[2] - PEOPLE[22]), abs=1e-6)
    assert one.becomes == "unknown"


def test_looking_changes_nothing(old: Old) -> None:
    before = old.rows.everything(), old.rows.read(f"SELECT * FROM {old.table('face_index')} ORDER BY face_id")
    old.doubted()
    assert (old.rows.everything(), old.rows.read(f"SELECT * FROM {old.table('face_index')} ORDER BY face_id")) == before
    assert old.ledger("unlinked") == []


def test_taken_back_they_have_neither_parent_nor_name_and_all_tables_follow(old: Old) -> None:
    _, taken = old.take_back()
    assert taken == 6
    for face in old.doubtful:
        assert (old.row(face)["parent_id"], old.row(face).get("name"), old.row(face)["status"]) == (
            None,
            None,
            "process",
        )
    assert wrong(old.store, COHORT) == []


def test_right_links_and_confirmed_faces_stay(old: Old) -> None:
    kept = [old.row(face) for face in [*old.masters, *old.right, old.confirmed]]
    old.take_back()
    assert [old.row(face) for face in [*old.masters, *old.right, old.confirmed]] == kept


def test_all_is_one_entry_of_the_ledger_with_what_was_before(old: Old) -> None:
    library, _ = old.take_back()
    (entry,) = old.ledger("unlinked")
    assert entry["uuid"] == library.uuid
    assert entry["actor"] == "machine"
    changes = old.rows.read(
        f"SELECT * FROM {old.table('ledger_faces')} WHERE entry = :entry ORDER BY face_id", entry=entry["id"]
    )
    assert [change["face_id"] for change in changes] == old.doubtful
    for number, change in enumerate(changes):
        assert json.loads(change["before"]) == {
            "parent_id": old.masters[number],
            **named(old.store, f"Person {number}"),
        }
        assert set(json.loads(change["after"]).values()) == {None}


def test_a_second_time_there_is_nothing_to_take_back(old: Old) -> None:
    old.take_back()
    before = old.rows.everything()
    assert old.take_back()[1] == 0
    assert old.rows.everything() == before
    assert len(old.ledger("unlinked")) == 1


def test_what_a_person_has_answered_stays(old: Old) -> None:
    yes, no, undone = old.doubtful[:3]

    def answer(transaction: Transaction) -> None:
        entry = ledger.add(transaction, "confirmed", {}, actor="Eva")
        said = SaidOfFace(Said.YES, entry)
        answer_rows.write(transaction, {yes: said, undone: said})
        answer_rows.write(transaction, {undone: None})
        never_rows.add(transaction, Ref("face", no), Ref("person", 7))

    old.store.write(answer)
    assert old.take_back()[1] == 4
    assert [old.row(face)["parent_id"] for face in (yes, no)] == old.masters[:2]
    assert old.row(undone)["parent_id"] is None


def test_a_face_that_was_touched_since_it_was_judged_stays(old: Old) -> None:
    library = OldLibrary(old.arrivals)
    (batch,) = library.batches()
    old.rows.run("UPDATE faces SET status = 'ok' WHERE id = :id", id=old.doubtful[0])
    old.rows.run("UPDATE faces SET parent_id = :other WHERE id = :id", other=old.masters[9], id=old.doubtful[1])
    assert library.take_back(batch.doubtful) == 4
    assert [old.row(face)["parent_id"] for face in old.doubtful[:2]] == [old.masters[0], old.masters[9]]


def test_a_face_that_a_person_has_called_a_stranger_is_not_looked_at(old: Old) -> None:
    old.rows.run("UPDATE faces SET status = 'unknown' WHERE id = :id", id=old.doubtful[0])
    assert old.doubted() == old.doubtful[1:]


def _take_back(arriving: Arriving) -> None:
    old = OldLibrary(Arrivals(arriving.store, Library(COHORT)))
    for batch in list(old.batches()):
        old.take_back(batch.doubtful)


def test_at_whatever_statement_it_is_killed_the_next_run_takes_back_what_is_left(
    old: Old, url: str, tmp_path: Path
) -> None:
    # Each third: a life judges all links before it takes some back, and photo after photo is done alike.
    for die_at in itertools.count(1, 3):
        is_done = end_of(live(Photos(url, tmp_path), _take_back, die_at))
        assert wrong(old.store, COHORT) == []
        if is_done:
            break
    assert die_at > 50
    assert [old.row(face)["parent_id"] for face in old.doubtful] == [None] * 6
    entries = [int(str(entry["id"])) for entry in old.ledger("unlinked")]
    changed = old.rows.read(f"SELECT face_id FROM {old.table('ledger_faces')} ORDER BY face_id")
    assert len(entries) > 1
    assert [row["face_id"] for row in changed] == old.doubtful
