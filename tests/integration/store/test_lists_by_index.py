"""Pages of people, groups and faces are read by an index, and read little more than they show, wherever they begin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from faces.people.kept_face import FaceState
from faces.store.database import Store, Transaction
from faces.store.face_pages import Choice, FaceOrder, page_of_faces
from faces.store.sidecar.lists.face_places import FaceChoice, FacePlace, Month, faces_behind
from faces.store.sidecar.lists.group_pages import GroupChoice, faces_of_group, list_groups
from faces.store.sidecar.lists.ledger_pages import EntryChoice, list_entries
from faces.store.sidecar.lists.people_pages import PeopleChoice, faces_of_person, list_people
from tests.servers.library_rows import LibraryRows
from tests.servers.rows import Rows

COUNT = 2000
PAGE = 20

#: Rows that a page may read for each that it shows: those of the people and photos beside it, too.
FACTOR = 10

#: A day of the photos, and a time around it that has more than a page's.
DAY = datetime(2020, 1, 15)
MONTH = Month(datetime(2020, 1, 1), datetime(2020, 2, 1))

Read = Callable[[Transaction, int | None], Any]

#: For each list how a page of it is read behind a row, the row in its middle, and the index that it is read by.
LISTS: dict[str, tuple[Read, int, str]] = {
    "people": (lambda t, after: list_people(t, PeopleChoice(after=after, limit=PAGE)), COUNT // 2 + 1, "people_grid"),
    "groups": (
        lambda t, after: list_groups(t, GroupChoice(at_least=2, after=after, limit=PAGE)),
        COUNT // 2,
        "groups_largest",
    ),
    "groups --named": (
        lambda t, after: list_groups(t, GroupChoice(True, after=after, limit=PAGE)),
        COUNT + COUNT // 4,
        "groups_largest",
    ),
    "faces --group": (lambda t, after: faces_of_group(t, 1, after, PAGE), COUNT // 2 + 25, "face_index_group"),
    "faces --person, linked": (
        lambda t, after: faces_of_person(t, 1, after, PAGE),
        COUNT + COUNT // 2,
        "face_index_person_time",
    ),
    "faces --person, offered": (
        lambda t, after: faces_of_person(t, 1, after, PAGE),
        2 * COUNT + COUNT // 2 + 25,
        "face_index_person_probability",
    ),
    "faces": (
        lambda t, after: page_of_faces(t, Choice(limit=PAGE, after=after), FaceOrder.PLACES),
        COUNT + COUNT // 2,
        "images_place",
    ),
    "people behind a place": (
        lambda t, after: list_people(t, PeopleChoice(place=(9, after or 0), limit=PAGE)),
        COUNT // 2 + 1,
        "people_grid",
    ),
    "groups behind a place": (
        lambda t, after: list_groups(t, GroupChoice(at_least=2, place=(None, 5, after or 0), limit=PAGE)),
        COUNT // 2,
        "groups_largest",
    ),
    "faces of a person behind a place": (
        lambda t, after: faces_behind(t, FaceChoice(1), FacePlace(2, DAY, after or 0), PAGE),
        COUNT + COUNT // 2,
        "face_index_person_time",
    ),
    "faces of a person's month behind a place": (
        lambda t, after: faces_behind(t, FaceChoice(1, month=MONTH), FacePlace(1, DAY, after or 0), PAGE),
        COUNT + COUNT // 2,
        "face_index_person_time",
    ),
    "faces of a group behind a place": (
        lambda t, after: faces_behind(t, FaceChoice(group=1), FacePlace(0, 25.0, after or 0), PAGE),
        COUNT // 2 + 25,
        "face_index_group",
    ),
    "faces of a state behind a place": (
        lambda t, after: faces_behind(t, FaceChoice(states=[FaceState.SUGGESTED]), FacePlace(0, 0.5, after or 0), PAGE),
        2 * COUNT + COUNT // 2 + 25,
        "face_index_state",
    ),
    "ledger": (lambda t, after: list_entries(t, EntryChoice(after=after, limit=PAGE)), COUNT // 2, "ledger"),
    "ledger --person": (
        lambda t, after: list_entries(t, EntryChoice(person=1, after=after, limit=PAGE)),
        COUNT // 4,
        "ledger_refs_ref",
    ),
}

pytestmark = pytest.mark.parametrize("url", ["sqlite", "mariadb v1"], indirect=True)


@pytest.fixture
def filled(library_store: Store, library: LibraryRows, rows: Rows) -> Store:
    """Many people, groups and faces; one person's, and one group's, are a third of all faces each."""
    images, faces = (
        sa.table("images", *map(sa.column, ("id", "disk", "path", "filename"))),
        sa.table("faces", *map(sa.column, ("id", "image_id", "face_index"))),
    )
    ids = range(1, 3 * COUNT + 1)
    library.insert(
        images, [{"id": at, "disk": "photos", "path": str(at // 900), "filename": f"{at:05}.jpg"} for at in ids]
    )
    library.insert(faces, [{"id": at, "image_id": at, "face_index": 0} for at in ids])
    tables = library.tables
    library.insert(
        tables.people, [{"id": at, "hidden": int(at % 20 == 0), "confirmed": 9} for at in range(1, COUNT + 1)]
    )
    library.insert(tables.groups, [{"id": at, "size": 2 + at % 7} for at in range(1, COUNT + 1)])
    library.insert(
        tables.groups, [{"id": COUNT + at, "size": 3, "person_id": 1 + at % 90} for at in range(1, COUNT // 2 + 1)]
    )
    library.insert(tables.face_index, [indexed(at) for at in ids])
    ledger, times = range(1, COUNT + 1), datetime(2026, 1, 1)
    library.insert(
        tables.ledger,
        [{"id": at, "uuid": str(at), "actor": "me", "at": times, "kind": "named", "undoes": None} for at in ledger],
    )
    change = {"before": "{}", "after": "{}"}
    library.insert(tables.ledger_faces, [{"entry": at, "face_id": at, **change} for at in ledger])
    library.insert(tables.ledger_refs, [{"entry": at, "ref": f"p{1 + at // 900}", **change} for at in ledger])
    if not library_store.is_file:
        names = (tables.people.name, tables.groups.name, tables.face_index.name, "images", "faces")
        names += (tables.ledger.name, tables.ledger_faces.name, tables.ledger_refs.name)
        rows.read(f"ANALYZE TABLE {', '.join(names)}")
    return library_store


def indexed(face: int) -> dict[str, Any]:
    row: dict[str, Any] = {"face_id": face, "image_id": face, "person_id": None, "group_id": None, "quality": None}
    row |= {"taken_at": None, "probability": None, "state": FaceState.UNKNOWN}
    if face <= COUNT:
        return row | {"group_id": 1, "quality": face % 50}
    taken = datetime(2020, 1, 1) + timedelta(days=face % 50)
    row |= {"person_id": 1, "taken_at": taken, "state": FaceState.LINKED}
    return row if face <= 2 * COUNT else row | {"state": FaceState.SUGGESTED, "probability": face % 50 / 50}


class Statements:
    """What a page asks the database for, and what each statement is planned to read."""

    def __init__(self, transaction: Transaction, page: Callable[[], Any]) -> None:
        self._transaction = transaction
        asked: list[tuple[str, Any]] = []
        note = lambda _connection, _cursor, statement, parameters, *_: asked.append((statement, parameters))  # noqa: E731
        sa.event.listen(transaction.connection, "before_cursor_execute", note)
        self.shown = list(page())
        sa.event.remove(transaction.connection, "before_cursor_execute", note)
        self.asked = asked

    def plans(self) -> list[str]:
        """A line for each table that is read: how, by which index."""
        if self._transaction.connection.dialect.name == "sqlite":
            return [row[3] for statement in self.asked for row in self._explained("EXPLAIN QUERY PLAN", *statement)]
        return [
            " ".join(str(value) for value in (row.table, row.type, row.key, row.Extra))
            for statement in self.asked
            for row in self._explained("EXPLAIN", *statement)
        ]

    def _explained(self, word: str, statement: str, parameters: Any) -> Any:
        return self._transaction.connection.exec_driver_sql(f"{word} {statement}", parameters).all()


def rows_read(transaction: Transaction) -> int:
    """How many rows and index entries MariaDB has read for this connection."""
    counters = transaction.connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'").all()
    return sum(int(value) for _, value in counters)


@pytest.mark.parametrize("which", LISTS)
def test_a_page_in_the_middle_is_read_by_an_index_and_reads_little_more_than_it_shows(
    filled: Store, which: str
) -> None:
    read, middle, index = LISTS[which]
    with filled.reading() as transaction:
        before = 0 if filled.is_file else rows_read(transaction)
        statements = Statements(transaction, lambda: read(transaction, middle))
        read_rows = 0 if filled.is_file else rows_read(transaction) - before
        plans = statements.plans()
    assert len(statements.shown) == PAGE
    assert [plan for plan in plans if index in plan] != []
    assert [plan for plan in plans if reads_all(plan)] == []
    assert read_rows <= FACTOR * PAGE


def reads_all(plan: str) -> bool:
    """Whether all of a table is read; a page, made by a statement within, may be."""
    if plan.startswith(("<derived", "SCAN page", "None ")):
        return False
    return " ALL " in plan or (plan.startswith("SCAN ") and " USING " not in plan)
