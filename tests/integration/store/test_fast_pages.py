"""Pages of faces found by an index, of a name or far down the list: the same as without it, whatever rows say."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from faces.store.database import Store, Transaction
from faces.store.face_names import may_be_named, spellings_of
from faces.store.face_pages import Choice, FaceOrder, page_of_faces, page_of_images
from faces.store.sidecar.lists.place_jump import Jump, jump
from tests.servers.library_rows import LibraryRows
from tests.servers.rows import Rows

#: Spellings of one name, of one that a collation takes for the same, and of another.
NAMES = (None, None, "", "Zo\u00eb", "Zoe\u0308", "ZO\u00cb", "Zo\u00eb  ", "Zoe", "Ann", "ann")

FACES = 900

#: Images of one place, with more faces than are read at once to find where a place ends.
SAME_PLACE = range(100, 180)

DELETED = "2020-01-01 00:00:00"

IMAGES = sa.table("images", *map(sa.column, ("id", "disk", "path", "filename")))

WITH_PARENTS = ["sqlite", "mariadb v1"]

Read = Callable[[Transaction, Choice], Sequence[int]]


def images(dice: random.Random) -> list[dict[str, Any]]:
    """Their ids are not in the order of places, some places are equal, and some but for their letters' case."""
    places = [(disk, path, name) for disk in (None, "b") for path in (None, "p") for name in range(90)]
    dice.shuffle(places)
    rows = [
        {"id": number, "disk": disk, "path": path, "filename": f"{'iI'[name % 2]}{name // 2}.jpg"}
        for number, (disk, path, name) in enumerate(places, 1)
    ]
    for number in SAME_PLACE:
        rows[number - 1] |= {"disk": "b", "path": "p", "filename": "same.jpg"}
    return rows


def faces(dice: random.Random, images: int, **columns: Any) -> list[dict[str, Any]]:
    """In any state that rows can be in, of which some contradict themselves; `columns` have values to choose from."""
    return [
        {
            "id": number,
            "image_id": dice.randint(1, images),
            "face_index": dice.randint(0, 3),
            "status": dice.choice(("process", "process", "ok", "unknown", "not_face")),
            "deleted_at": dice.choice((None, None, None, DELETED)),
            "updated_at": "2020-01-01 00:00:00",
            **{column: dice.choice(values) for column, values in columns.items()},
        }
        for number in range(1, FACES + 1)
    ]


def fill(library: LibraryRows, dice: random.Random, **columns: Any) -> None:
    rows = images(dice)
    library.insert(IMAGES, rows)
    some = faces(dice, len(rows), **columns)
    library.insert(sa.table("faces", *map(sa.column, some[0])), some)
    live = [row for row in some if row["deleted_at"] is None]
    index = [{"face_id": row["id"], "image_id": row["image_id"], "state": 0} for row in live]
    library.insert(library.tables.face_index, index)


def by_place(transaction: Transaction, choice: Choice) -> Sequence[int]:
    return page_of_faces(transaction, choice, FaceOrder.PLACES)


def by_id(transaction: Transaction, choice: Choice) -> Sequence[int]:
    return page_of_faces(transaction, choice, FaceOrder.IDS)


@pytest.fixture(params=range(3))
def dice(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)  # noqa: S311  the same rows each time


@pytest.fixture
def filled(url: str, library: LibraryRows, rows: Rows, dice: random.Random) -> Iterator[Store]:
    """Rows whose names, masters and masters' masters are any, all looked at, with all indexes that there may be."""
    fill(library, dice, name=NAMES, parent_id=(None, None, *range(1, 40)))
    with_indexes(rows, "name", "parent_id", "updated_at")
    looked_until(rows, library, "2020-01-01 00:00:05")
    store = Store.open(url)
    yield store
    store.close()


def with_indexes(rows: Rows, *columns: str) -> None:
    for column in columns:
        rows.run(f"CREATE INDEX faces_by_{column} ON faces ({column})")


def looked_until(rows: Rows, library: LibraryRows, time: str) -> None:
    rows.run(f"UPDATE {library.tables.library.name} SET looked_at = :time, looked_until = :time", time=time)


def both(store: Store, choice: Choice, read: Read = by_place) -> tuple[list[int], list[int]]:
    """The page as it is found, and as it is found without an index and without our tables."""
    with store.reading() as transaction:
        plain = replace(transaction.schema, indexed_face_columns=frozenset(), sidecar=None)
        return list(read(transaction, choice)), list(read(replace(transaction, schema=plain), choice))


def jumped(store: Store, offset: int) -> Jump:
    with store.reading() as transaction:
        return jump(transaction, offset)


def assert_names_are_found_as_without_an_index(store: Store) -> None:
    for name in ("zo\u00eb", "zoe", "ANN"):
        with store.reading() as transaction:
            spellings = spellings_of(transaction, name)
            assert may_be_named(transaction, spellings) is not None
        for read in (by_place, by_id, page_of_images):
            found, expected = both(store, Choice(spellings), read)
            assert found == expected
            assert found != []
            found, expected = both(store, Choice(spellings, 3, 2), read)
            assert found == expected


@pytest.mark.parametrize("url", WITH_PARENTS, indirect=True)
def test_a_names_faces_are_the_same_by_the_indexes_of_names_and_masters(filled: Store) -> None:
    assert_names_are_found_as_without_an_index(filled)


@pytest.mark.parametrize("url", WITH_PARENTS, indirect=True)
def test_of_a_name_with_many_faces_the_first_pages_are_the_same(filled: Store, library: LibraryRows) -> None:
    image = sa.table("faces", *map(sa.column, ("id", "image_id", "face_index", "name", "status")))
    more = range(FACES + 1, FACES + 2_200)
    library.insert(
        image, [{"id": at, "image_id": at % 300 + 1, "face_index": 4, "name": "Ann", "status": "ok"} for at in more]
    )
    for read in (by_place, by_id):
        for choice in (Choice(["Ann", "ann"], 40), Choice(["Ann"], 9, 450), Choice(["Ann"], 9, 800)):
            found, expected = both(filled, choice, read)
            assert found == expected
            assert len(found) == choice.limit


@pytest.mark.parametrize("url", ["mariadb v2", "mariadb v5"], indirect=True)
def test_a_names_faces_are_the_same_by_the_index_of_persons(
    url: str, library: LibraryRows, rows: Rows, dice: random.Random
) -> None:
    persons = [rows.run("INSERT INTO persons (name) VALUES (:name)", name=name or "Eve") for name in NAMES]
    is_v2 = rows.read("SHOW COLUMNS FROM faces LIKE 'parent_id'") != []
    own = {"name": NAMES, "parent_id": (None, *range(1, 40))} if is_v2 else {}
    fill(library, dice, person_id=(None, *persons), **own)
    with_indexes(rows, *own, "person_id")
    store = Store.open(url)
    assert_names_are_found_as_without_an_index(store)
    store.close()


@pytest.mark.parametrize("url", ["mariadb v1"], indirect=True)
def test_where_names_have_no_index_the_table_is_read(url: str, library: LibraryRows, rows: Rows) -> None:
    with_indexes(rows, "parent_id")
    store = Store.open(url)
    with store.reading() as transaction:
        assert may_be_named(transaction, ["Ann"]) is None
    store.close()


@pytest.mark.parametrize("url", WITH_PARENTS, indirect=True)
def test_a_page_far_down_the_list_is_the_same_by_our_index(filled: Store, dice: random.Random) -> None:
    whole = both(filled, Choice())[1]
    offsets = [500, len(whole) - 1, len(whole), len(whole) + 900, *(dice.randint(500, len(whole)) for _ in range(12))]
    for offset in offsets:
        with filled.reading() as transaction:
            page = list(by_place(transaction, Choice(None, 7, offset)))
        assert page == whole[offset : offset + 7]
    # The many of one place, too, are not read one by one.
    assert 0 < jumped(filled, len(whole) - 1).faces < len(whole)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_photos_that_are_gone_are_not_counted(filled: Store, rows: Rows) -> None:
    for image in (1, 2, 3, 150):
        rows.run("INSERT INTO scan_marks VALUES (:image, 1, 1, x'00', 0, :time)", image=image, time=DELETED)
    whole = both(filled, Choice())[1]
    assert both(filled, Choice(None, 7, len(whole) - 9)) == (whole[-9:-2], whole[-9:-2])
    assert jumped(filled, len(whole) - 9).faces > 0


@pytest.mark.parametrize("url", WITH_PARENTS, indirect=True)
def test_rows_that_our_index_has_not_got_yet_are_on_their_page(filled: Store, library: LibraryRows, rows: Rows) -> None:
    before = both(filled, Choice())[1]
    new = rows.face(rows.image(disk=None, path=None, filename="0.jpg"), updated_at="2020-01-01 00:00:09")
    found, expected = both(filled, Choice(None, 7, 500))
    assert found == expected == before[499:506]
    assert jumped(filled, 500) == Jump()
    image = rows.one("SELECT image_id FROM faces WHERE id = :id", id=new)["image_id"]
    library.indexed(new, image)
    assert jumped(filled, 500) != Jump()
    assert both(filled, Choice(None, 7, 500))[0] == before[499:506]


@pytest.mark.parametrize("url", ["mariadb v1"], indirect=True)
def test_a_face_that_the_app_removed_since_the_last_look_is_not_counted(filled: Store, rows: Rows) -> None:
    first, *others = both(filled, Choice())[1]
    rows.run(
        "UPDATE faces SET deleted_at = :now, updated_at = :now WHERE id = :id", id=first, now="2020-01-01 00:00:09"
    )
    found, expected = both(filled, Choice(None, 7, 500))
    assert found == expected == others[500:507]


@pytest.mark.parametrize("url", ["mariadb v1"], indirect=True)
def test_before_the_first_look_and_without_an_index_of_changes_rows_are_read(
    url: str, filled: Store, library: LibraryRows, rows: Rows
) -> None:
    assert jumped(filled, 500) != Jump()
    rows.run(f"UPDATE {library.tables.library.name} SET looked_until = NULL")
    assert jumped(filled, 500) == Jump()
    looked_until(rows, library, "2020-01-01 00:00:05")
    rows.run("DROP INDEX faces_by_updated_at ON faces")
    store = Store.open(url)
    assert jumped(store, 500) == Jump()
    store.close()
