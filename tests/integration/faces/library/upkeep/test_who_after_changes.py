"""Who a face is after what the app did: one case each, and the same whenever we looked in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faces.library.upkeep.refresh import Differences, Refresh
from tests.integration.faces.library.upkeep.changing_app import ENCODINGS, ChangingApp, Process
from tests.integration.faces.library.upkeep.derived import Derived
from tests.integration.faces.library.upkeep.happenings import opened


@pytest.fixture(params=["looks in between", "one look"])
def often(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "looks in between")


class Told:
    """An app and a process of ours, which looks between the steps or not."""

    def __init__(self, app: ChangingApp, often: bool) -> None:
        self.app, self.process, self._often = app, Process.start(app.store), often

    def __call__(self, *steps: Callable[[], object]) -> dict[int, str | None]:
        """The names of the people of all faces that are somebody, after these steps."""
        for step in (lambda: None, *steps):
            step()
            if self._often:
                self.process.changes.look()
        self.process.changes.look()
        Derived(self.app).check()
        assert Refresh(self.process.arrivals, keep=False).run() == Differences()
        tables = self.app.store.schema.sidecar
        assert tables is not None
        joined = f"{tables.face_index.name} AS i JOIN {tables.people.name} AS p ON p.id = i.person_id"
        query = f"SELECT face_id, name FROM {joined}"
        return {row["face_id"]: row["name"] for row in self.app.rows.read(f"{query} WHERE i.state IN (2, 3)")}


@pytest.fixture
def told(templates: dict[str, Path], often: bool) -> Iterator[Told]:
    with opened(templates["v2"]) as (app, _):
        yield Told(app, often)


def face(app: ChangingApp, which: int, **values: object) -> int:
    """On a photo of its own."""
    return app.rows.face(app.image(which), ENCODINGS[which], updated_at=_now(app), **values)


def _now(app: ChangingApp) -> str:
    return str(app.rows.one("SELECT datetime('now') AS now")["now"])


def set_(app: ChangingApp, face_id: int, **values: object) -> Callable[[], None]:
    return lambda: app._update(face_id, **values)


def test_one_of_two_faces_that_is_renamed_leaves_and_the_other_keeps_the_name(told: Told) -> None:
    app = told.app
    one, other = face(app, 1, status="ok", name="Ann"), face(app, 2, status="ok", name="Ann")
    assert told(set_(app, one, name="Bob")) == {one: "Bob", other: "Ann"}


def test_a_person_of_one_face_keeps_the_id_when_it_is_renamed(told: Told) -> None:
    app = told.app
    one = face(app, 1, status="ok", name="Anne")
    told()
    before = app.rows.one("SELECT id FROM face_sidecar_people")["id"]
    assert told(set_(app, one, name="Ann")) == {one: "Ann"}
    assert app.rows.one("SELECT id FROM face_sidecar_people")["id"] == before


def test_a_linked_face_is_nobody_while_its_master_is_removed_and_follows_when_it_is_back(told: Told) -> None:
    app = told.app
    master = face(app, 1, status="ok", name="Ann")
    child = face(app, 2, parent_id=master)
    assert told(set_(app, master, deleted_at=_now(app))) == {}
    assert told(set_(app, master, deleted_at=None)) == {master: "Ann", child: "Ann"}


def test_a_linked_face_follows_a_master_that_was_open_for_a_while(told: Told) -> None:
    app = told.app
    master = face(app, 1, status="ok", name="Ann")
    child = face(app, 2, parent_id=master)
    assert told(set_(app, master, status="process", name=None)) == {}
    assert told(set_(app, master, status="ok", name="Bob")) == {master: "Bob", child: "Bob"}


def test_a_face_is_who_its_confirmed_parent_is_though_that_hangs_on_another(told: Told) -> None:
    app = told.app
    root, parent = face(app, 1, status="ok", name="Ann"), face(app, 2, status="ok", name="Bob")
    child = face(app, 3, parent_id=parent)
    assert told(set_(app, parent, parent_id=root)) == {root: "Ann", parent: "Bob", child: "Bob"}


def test_a_confirmed_face_without_a_name_is_whoever_it_hangs_on_now(told: Told) -> None:
    app = told.app
    one, other = face(app, 1, status="ok"), face(app, 2, status="ok")
    third = face(app, 3, status="ok", parent_id=one)
    told(set_(app, third, parent_id=other))
    people = {row["face_id"]: row["person_id"] for row in app.rows.read("SELECT * FROM face_sidecar_face_index")}
    assert people[third] == people[other] != people[one]


def test_a_person_is_spelled_as_its_best_face_is(told: Told) -> None:
    app = told.app
    best = face(app, 1, status="ok", name="ann", quality_score=90.0)
    other = face(app, 2, status="ok", name="ANN", quality_score=50.0)
    assert told(set_(app, best, deleted_at=_now(app))) == {other: "ANN"}


def test_a_face_that_is_named_as_another_leaves_a_named_group(told: Told) -> None:
    app = told.app
    one, other = face(app, 1), face(app, 2)
    told(set_(app, one, status="ok", name="Ann"))
    told(set_(app, one, status="ok", name="Ann"), set_(app, other, status="unknown"))
    groups = {row["face_id"]: row["group_id"] for row in app.rows.read("SELECT * FROM face_sidecar_group_members")}
    assert other not in groups


def test_a_face_with_another_encoding_is_added_to_its_person_as_it_is_now(told: Told) -> None:
    app = told.app
    one = face(app, 1, status="ok", name="Ann")
    before = told(lambda: app.new_encoding(0, 2))
    assert before == {one: "Ann"}


def test_the_apps_suggestion_keeps_its_person_and_counts(templates: dict[str, Path]) -> None:
    with opened(templates["v5"]) as (app, _):
        told = Told(app, often=True)
        app.new_person(0, 1)
        app.rows.face(app.image(1), ENCODINGS[1], status="suggested", person_id=1, updated_at=_now(app))
        told()
        person = app.rows.one("SELECT * FROM face_sidecar_people")
        assert (person["name"], person["suggested"], person["k"]) == ("Anna", 1, 1)


def test_an_apps_middle_stands_for_a_person_until_a_face_is_confirmed(templates: dict[str, Path]) -> None:
    with opened(templates["v5"]) as (app, _):
        told = Told(app, often=True)
        app.new_person(0, 3)
        told()
        assert app.rows.one("SELECT k FROM face_sidecar_people")["k"] == 3
        one = face(app, 5, status="ok", person_id=1)
        told.process.arrivals.update_images([app.rows.one("SELECT MAX(id) AS id FROM images")["id"]])
        assert app.rows.one("SELECT k FROM face_sidecar_people")["k"] == 1
        told(set_(app, one, status="unknown", person_id=None))
        assert app.rows.one("SELECT k FROM face_sidecar_people")["k"] == 3
