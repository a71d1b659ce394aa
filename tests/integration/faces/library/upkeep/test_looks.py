"""When a look is due, how long it takes at most, and what it must find whatever the clocks and ids are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from faces.library.opening import open_library
from faces.store.database import Store
from tests.integration.faces.library.upkeep.changing_app import COHORT, ENCODINGS, ChangingApp, Process
from tests.integration.faces.library.upkeep.derived import Derived
from tests.integration.faces.library.upkeep.happenings import opened
from tests.servers.app_schema import V1
from tests.servers.mariadb import MariaDB


@pytest.fixture
def app(templates: dict[str, Path]) -> Iterator[ChangingApp]:
    with opened(templates["v2"]) as (app, _):
        yield app


@pytest.fixture
def process(app: ChangingApp) -> Process:
    return Process.start(app.store)


def indexed(app: ChangingApp) -> list[int]:
    return [row["face_id"] for row in app.rows.read("SELECT face_id FROM face_sidecar_face_index ORDER BY face_id")]


def test_of_several_processes_one_looks(app: ChangingApp, process: Process) -> None:
    app.new_photo(1)
    other = Process.start(app.store)
    assert process.changes.look_if_due() is not None
    assert other.changes.look_if_due() is None
    app.half_a_minute_later()
    other.clock.now += 31
    assert other.changes.look_if_due() is not None


def test_within_half_a_minute_a_process_asks_nothing(app: ChangingApp, process: Process) -> None:
    process.changes.look_if_due()
    app.half_a_minute_later()
    process.clock.now += 29
    assert process.changes.look_if_due() is None
    process.clock.now += 2
    assert process.changes.look_if_due() is not None


def test_a_slow_look_is_followed_by_the_next_after_fifty_times_as_long(app: ChangingApp, process: Process) -> None:
    process.clock.step = 0.5
    looked = process.changes.look_if_due()
    process.clock.step = 0
    assert looked is not None
    assert looked.seconds >= 1
    app.half_a_minute_later()
    process.clock.now += 49 * looked.seconds
    assert process.changes.look_if_due() is None
    process.clock.now += 2 * looked.seconds
    assert process.changes.look_if_due() is not None


def test_a_backlog_is_worked_off_look_by_look(app: ChangingApp, process: Process) -> None:
    for number in range(20):
        app.new_photo(number, number + 20)
    process.clock.step = 0.05
    updated = []
    while not updated or not updated[-1].complete:
        looked = process.changes.look_if_due()
        assert looked is not None
        updated.append(looked)
        process.clock.now += 1000
        app.half_a_minute_later()
    assert len(updated) > 4
    assert sum(one.updated for one in updated) == 20
    assert all(one.updated <= 5 for one in updated)


def test_what_hangs_on_one_face_is_worked_off_look_by_look(app: ChangingApp, process: Process) -> None:
    app.new_photo(0)
    app.new_photo(1)
    app.name(0, 0)
    app.name(1, 2)
    for number in range(20):
        app.new_photo(number + 2, linked_to=0)
    process.changes.look()
    app.rows.run(
        "UPDATE faces SET name = 'Berta', updated_at = :later WHERE id = 1",
        later=(datetime.now(timezone.utc) + timedelta(seconds=5)).strftime("%Y-%m-%d %H:%M:%S"),
    )
    process.clock.step = 0.05
    updated = []
    while not updated or not updated[-1].complete:
        process.clock.now += 1000
        app.half_a_minute_later()
        looked = process.changes.look_if_due()
        assert looked is not None
        updated.append(looked)
    assert sum(one.updated for one in updated) == 21
    assert all(one.updated <= 5 for one in updated)
    process.clock.step = 0
    Derived(app).check()


def test_a_row_that_is_committed_after_a_later_one_is_seen(app: ChangingApp, process: Process) -> None:
    app.new_photo(1)
    process.changes.look()
    image = app.image()
    late = (datetime.now(timezone.utc) - timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S")
    face = app.rows.face(image, ENCODINGS[5], updated_at=late)
    process.changes.look()
    assert face in indexed(app)


def test_a_time_in_the_future_hides_nothing_that_comes_after_it(app: ChangingApp, process: Process) -> None:
    app.rows.face(app.image(), ENCODINGS[1], updated_at="2999-01-01 00:00:00")
    process.changes.look()
    app.new_photo(2)
    process.changes.look()
    Derived(app).check()
    assert len(indexed(app)) == 2


def test_a_face_that_is_removed_for_good_is_found_among_thousands_by_counting(
    app: ChangingApp, process: Process
) -> None:
    fill(app, 4000)
    process.changes.look()
    app.rows.run("DELETE FROM faces WHERE id = 1234")
    statements = list[str]()
    with noted(app.store, statements):
        process.changes.look()
    assert 1234 not in indexed(app)
    assert len(indexed(app)) == 3999
    assert sum("face_id BETWEEN" in one and "GROUP BY" not in one for one in statements) == 1


def test_where_nothing_was_removed_only_two_indexes_are_counted(app: ChangingApp, process: Process) -> None:
    fill(app, 100)
    process.changes.look()
    statements = list[str]()
    with noted(app.store, statements):
        process.changes.look()
    assert [one for one in statements if "GROUP BY" in one] == []
    assert sum("sum(" in one.lower() for one in statements) == 1


def test_a_database_without_our_tables_is_never_looked_at(mariadb: MariaDB) -> None:
    store = Store.open(mariadb.new_database(*V1))
    assert open_library(store, calibrated=False, cohort=lambda: COHORT).outside is None
    store.close()


def test_in_a_file_of_our_own_only_what_is_pending_is_looked_at(templates: dict[str, Path]) -> None:
    with opened(templates["our own"]) as (_, store):
        library = open_library(store, calibrated=False, cohort=lambda: COHORT)
        assert library.outside is None
        statements = list[str]()
        with noted(store, statements):
            assert library.upkeep
            library.upkeep.look_if_due()
        assert [one.partition("FROM ")[2].split()[0] for one in statements if "FROM" in one] == ["pending_images"]


def fill(app: ChangingApp, count: int) -> None:
    """Faces without an encoding, and our rows of them, as if they had come long ago."""
    image = app.image()
    faces = [{"id": number, "image": image, "index": number % 256} for number in range(1, count + 1)]
    with app.rows._engine.connect() as connection, connection.begin():
        connection.execute(
            sa.text(
                "INSERT INTO faces (id, image_id, face_index, updated_at) "
                "VALUES (:id, :image, :index, '2020-01-01 00:00:00')"
            ),
            faces,
        )
        connection.execute(
            sa.text("INSERT INTO face_sidecar_face_index (face_id, image_id, state) VALUES (:id, :image, 0)"), faces
        )


class noted:  # noqa: N801  reads as a sentence
    """The statements that a store executes meanwhile."""

    def __init__(self, store: Store, statements: list[str]) -> None:
        self._engine, self._statements = store._engine, statements

    def __enter__(self) -> None:
        sa.event.listen(self._engine, "before_cursor_execute", self._note)

    def __exit__(self, *_: object) -> None:
        sa.event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self._statements.append(statement)
