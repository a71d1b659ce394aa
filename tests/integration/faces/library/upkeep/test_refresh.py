"""What is derived can be lost or wrong, and is made anew of rows and facts; what was another is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faces.library.upkeep.refresh import Differences, Refresh
from tests.integration.faces.library.upkeep.changing_app import ChangingApp
from tests.integration.faces.library.upkeep.derived import Derived
from tests.integration.faces.library.upkeep.happenings import Step, opened, run, steps

#: How our tables are spoiled: statements with the tables' names in braces.
SPOILED = {
    "an index that is empty": "DELETE FROM {face_index}",
    "an index that lacks some": "DELETE FROM {face_index} WHERE face_id % 3 = 0",
    "states that are wrong": "UPDATE {face_index} SET state = 5 WHERE face_id % 4 = 1",
    "people that are wrong": "UPDATE {face_index} SET person_id = NULL WHERE face_id % 2 = 1",
    "groups that are wrong": "UPDATE {face_index} SET group_id = 77 WHERE face_id % 2 = 1",
    "dates that are wrong": "UPDATE {face_index} SET taken_at = NULL",
    "no encodings": "DELETE FROM {vectors}",
    "other encodings": "UPDATE {vectors} SET encoding = zeroblob(512) WHERE face_id % 3 = 1",
    "encodings of no face": "INSERT INTO {vectors} (face_id, encoding_crc, encoding) VALUES (7777, 1, zeroblob(512))",
    "no sums": "UPDATE {people} SET k = 0, sum = NULL",
    "counters that are wrong": "UPDATE {people} SET confirmed = 9, linked = 9, suggested = 9, last_taken = NULL",
    "no sizes": "UPDATE {groups} SET size = 0, sum = NULL",
    "sizes without a sum": "UPDATE {groups} SET sum = NULL",
    "an alarm that is wrong": "UPDATE {library} SET alarm_steps = 1, alarm_faces = 1",
    "members that are no more": "INSERT INTO {group_members} (face_id, group_id, image_id) VALUES (7777, 1, 7777)",
}


def spoil(app: ChangingApp, statement: str) -> None:
    """As a fault does."""
    tables = app.store.schema.sidecar
    assert tables is not None
    names = ("face_index", "vectors", "people", "groups", "group_members", "library")
    app.rows.run(statement.format(**{name: getattr(tables, name).name for name in names}))
    app.rows.run(f"UPDATE {tables.library.name} SET change = change + 1")
    for table in (tables.people.name, tables.groups.name):
        app.rows.run(f"UPDATE {table} SET change = (SELECT change FROM {tables.library.name})")


@pytest.mark.parametrize("version", ["our own", "v2", "v4", "v5"])
@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sequence=steps, faults=st.lists(st.sampled_from([*SPOILED.values()]), min_size=1, max_size=3, unique=True))
def test_whatever_is_lost_or_wrong_is_made_anew_and_then_nothing_differs(
    templates: dict[str, Path], version: str, sequence: list[Step], faults: list[str]
) -> None:
    with opened(templates[version]) as (app, store):
        process = run(app, store, sequence)
        for fault in faults:
            spoil(app, fault)
        Refresh(process.arrivals).run()
        Derived(app).check()
        assert Refresh(process.arrivals, keep=False).run() == Differences()


FEW: list[Step] = []


@pytest.mark.parametrize("fault", SPOILED)
def test_a_dry_run_tells_what_is_wrong_and_leaves_it(templates: dict[str, Path], fault: str) -> None:
    with opened(templates["our own"]) as (app, store):
        process = run(app, store, FEW)
        spoil(app, SPOILED[fault])
        before = everything(app)
        told = Refresh(process.arrivals, keep=False).run()
        assert not told.is_nothing
        assert everything(app) == before


TOLD: dict[str, Callable[[Differences], object]] = {
    "an index that lacks some": lambda told: told.faces,
    "other encodings": lambda told: told.encodings,
    "encodings of no face": lambda told: told.encodings,
    "no sums": lambda told: told.people,
    "no sizes": lambda told: told.groups,
    "an alarm that is wrong": lambda told: told.alarm,
    "members that are no more": lambda told: told.memberships,
}


@pytest.mark.parametrize("fault", TOLD)
def test_what_was_wrong_is_told_by_its_kind(templates: dict[str, Path], fault: str) -> None:
    with opened(templates["our own"]) as (app, store):
        process = run(app, store, FEW)
        spoil(app, SPOILED[fault])
        assert TOLD[fault](Refresh(process.arrivals).run())


def everything(app: ChangingApp) -> list[list[dict[str, object]]]:
    """All rows of all tables."""
    tables = app.store.schema.sidecar
    assert tables is not None
    return [app.rows.read(f"SELECT * FROM {name}") for name in ("images", "faces", *sorted(tables.metadata.tables))]


def test_only_what_is_wrong_is_told(templates: dict[str, Path]) -> None:
    with opened(templates["our own"]) as (app, store):
        process = run(app, store, FEW)
        spoil(app, SPOILED["an index that lacks some"])
        told = Refresh(process.arrivals).run()
        assert told.faces
        assert told == Differences(faces=told.faces)


@pytest.mark.parametrize("version", ["our own", "v4", "v5"])
def test_another_probability_than_the_ledger_has_is_told(templates: dict[str, Path], version: str) -> None:
    with opened(templates[version]) as (app, store):
        process = run(app, store, FEW)
        link = "status = 'suggested'" if app.has_persons else "parent_id IS NOT NULL"
        face = app.rows.read(f"SELECT id FROM faces WHERE {link} ORDER BY id")[0]["id"]
        spoil(app, f"UPDATE {{face_index}} SET probability = 0.5 WHERE face_id = {face}")
        assert face in Refresh(process.arrivals, keep=False).run().faces
        Refresh(process.arrivals).run()
        assert Refresh(process.arrivals, keep=False).run() == Differences()
