"""Candidates are read whole once, later only what is new; and always as they are now."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from faces.people.matching import Candidates
from faces.store.database import Store
from faces.store.masters import Masters
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows


@pytest.fixture
def reader(store: Store) -> Masters:
    return Masters(store.schema)


def read(store: Store, reader: Masters) -> Candidates:
    with store.reading() as transaction:
        return reader.read(transaction)


def test_candidates_come_by_id_with_their_images(rows: Rows, store: Store, reader: Masters) -> None:
    ids = [rows.master(person) for person in PEOPLE[:3]]
    candidates = read(store, reader)
    assert candidates.ids.tolist() == ids
    assert candidates.encodings.tolist() == PEOPLE[:3].tolist()
    assert len(set(candidates.image_ids.tolist())) == 3


def test_more_than_one_piece_is_read(rows: Rows, store: Store, reader: Masters) -> None:
    image = rows.image(faces_checked=1)
    for number in range(3):
        rows.face(image, PEOPLE[number], status="ok")
    many = "INSERT INTO faces (image_id, face_index, status, encoding) SELECT image_id, 0, 'ok', encoding FROM faces"
    while rows.one("SELECT count(*) AS n FROM faces")["n"] < 2100:
        rows.run(many)
    count = rows.one("SELECT count(*) AS n FROM faces")["n"]
    assert len(read(store, reader).ids) == count


def test_nothing_new_is_the_same_matrix(rows: Rows, store: Store, reader: Masters) -> None:
    rows.master(PEOPLE[0])
    assert read(store, reader) is read(store, reader)


def test_what_came_went_and_changed_is_seen(rows: Rows, store: Store, reader: Masters) -> None:
    first, second = rows.master(PEOPLE[0]), rows.master(PEOPLE[1])
    read(store, reader)
    rows.run("UPDATE faces SET status = 'unknown', updated_at = '2021-01-01 00:00:00' WHERE id = :id", id=first)
    third = rows.master(PEOPLE[2])
    assert read(store, reader).ids.tolist() == [second, third]
    rows.run("UPDATE faces SET status = 'ok' WHERE id = :id", id=first)
    assert read(store, reader).ids.tolist() == [first, second, third]


def test_an_encoding_that_was_mended_is_read(rows: Rows, store: Store, reader: Masters) -> None:
    """Even where the time of change does not tell it: only readable encodings are kept."""
    face = rows.face(rows.image(), None, status="ok", encoding="[1]")
    assert read(store, reader).ids.tolist() == []
    rows.run("UPDATE faces SET encoding = :text WHERE id = :id", text=str(PEOPLE[0].tolist()), id=face)
    assert read(store, reader).encodings.tolist() == [PEOPLE[0].tolist()]


def test_faces_without_a_time_of_change_are_candidates_too(rows: Rows, store: Store, reader: Masters) -> None:
    face = rows.master(PEOPLE[0], updated_at=None)
    assert read(store, reader).ids.tolist() == [face]


@pytest.mark.parametrize("url", ["mariadb v1", "mariadb v2", "mariadb all"], indirect=True)
def test_a_row_that_changes_while_candidates_are_read_is_not_lost(rows: Rows, store: Store, reader: Masters) -> None:
    """Another worker fills its quality between the list and the encodings, each of which sees the newest rows."""
    face = rows.master(PEOPLE[0])

    def change(*statement: object) -> None:
        if "faces.encoding" in str(statement[2]).partition("WHERE")[0]:
            rows.run("UPDATE faces SET updated_at = '2022-01-01 00:00:00'")

    sa.event.listen(store._engine, "before_cursor_execute", change)
    assert read(store, reader).ids.tolist() == [face]
