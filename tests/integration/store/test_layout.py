"""Our tables beside an app's on a real server: made, upgraded and dropped, however often that is stopped."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from faces.errors import RequestError, SchemaError
from faces.store.database import Store
from faces.store.sidecar import layout
from faces.store.sidecar.layout import UPDATED_AT_INDEX, Layout
from faces.store.sidecar.tables import sidecar_tables
from faces.store.sidecar.upgrades import NEWEST
from faces.store.statement_trial import Needed, try_statements
from tests.servers.app_schema import SQLITE_V2, V1, V2, V4, V5
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows

ROOT = Path(__file__).resolve().parents[3]

NOTHING_ELSE = Needed(None, None, None)

#: How many tables are ours.
TABLES = len(sidecar_tables().metadata.tables)

#: For each URL of the arguments, a process that changes its tables as the first one says, killed before the statement
#: whose number is the URL's place; prints how each of them ended.
KILLED = """
import os, signal, sys
from faces.store.database import Store
from faces.store.sidecar import layout

def work(url, left):
    def trace(frame, event, argument):
        nonlocal left
        if frame.f_code.co_filename == layout.__file__ and frame.f_code.co_name == "_run_one":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    store = Store.open(url, any_sidecar=True)
    found = layout.look(store, {99: ("ALTER TABLE {people} ADD COLUMN extra INT", "CREATE TABLE {people}_2 (id INT)")})
    sys.settrace(trace)
    layout.run(store, getattr(found, sys.argv[1]))

for place, url in enumerate(sys.argv[2:], 1):
    child = os.fork()
    if not child:
        work(url, place)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def killed_at_each(what: str, urls: Sequence[str]) -> list[int]:
    """Change each database's tables in a process that is killed before the first, second, … statement."""
    command = [sys.executable, "-c", KILLED, what, *urls]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return [int(line) for line in ended.stdout.split()]


class App:
    """An app's database; each look and each change is that of a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.rows = Rows(url)

    def look(self) -> Layout:
        return self.of(layout.look)

    def create(self) -> None:
        self.of(lambda store: layout.run(store, layout.look(store).creating))

    def index(self) -> None:
        self.of(lambda store: layout.run(store, layout.look(store).indexing))

    def drop(self) -> None:
        self.of(lambda store: layout.run(store, layout.look(store).dropping))

    def of(self, ask: Callable[[Store], Any]) -> Any:
        store = Store.open(self.url, any_sidecar=True)
        try:
            return ask(store)
        finally:
            store.close()

    def sidecar(self) -> object:
        """What a worker finds at its start."""
        store = Store.open(self.url)
        store.close()
        return store.schema.sidecar

    def shape(self) -> list[dict[str, Any]]:
        """Columns and indexes of all tables."""
        return self.rows.read(
            "SELECT table_name, column_name, column_type, column_default, is_nullable, collation_name, extra "
            "FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, ordinal_position"
        ) + self.rows.read(
            "SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics "
            "WHERE table_schema = DATABASE() ORDER BY 1, 2, 3"
        )


MakeApp = Callable[..., App]


@pytest.fixture
def make_app(mariadb: MariaDB) -> Iterator[MakeApp]:
    made: list[App] = []

    def make(*statements: str) -> App:
        made.append(App(mariadb.new_database(*statements)))
        return made[-1]

    yield make
    for app in made:
        app.rows.close()


@pytest.fixture
def app(make_app: MakeApp) -> App:
    return make_app(*V2)


def names(rows: Rows) -> set[str]:
    return {next(iter(row.values())) for row in rows.read("SHOW TABLES")}


@pytest.mark.parametrize("statements", [V1, V2, V4, V5], ids=["v1", "v2", "v4", "v5"])
def test_they_are_made_beside_each_version_of_the_app_and_nothing_of_the_apps_changes(
    make_app: MakeApp, statements: tuple[str, ...]
) -> None:
    app = make_app(*statements)
    before, apps_tables = app.shape(), names(app.rows)
    app.create()
    store = Store.open(app.url)
    assert store.schema.sidecar
    assert store.schema.match_rule == "nearest"
    assert {table.name for table in store.schema.sidecar.metadata.tables.values()} == names(app.rows) - apps_tables
    assert [line for line in app.shape() if line["table_name"] in apps_tables] == before
    assert try_statements(store, NOTHING_ELSE) == []
    assert app.rows.one("SELECT id, version, match_rule FROM face_sidecar_library") == {
        "id": 1,
        "version": NEWEST,
        "match_rule": "nearest",
    }
    store.close()


def test_a_second_create_has_nothing_to_do(app: App) -> None:
    app.create()
    assert app.look().creating == ()
    assert app.look().upgrading == ()


def test_without_them_everything_is_as_before(app: App) -> None:
    store = Store.open(app.url)
    assert store.schema.sidecar is None
    assert store.schema.match_rule is None
    store.close()


def test_a_create_that_is_killed_at_any_statement_is_never_used_and_is_finished_by_the_next(make_app: MakeApp) -> None:
    whole = make_app(*V2)
    statements = len(whole.look().creating)
    whole.create()
    apps = [make_app(*V2) for _ in range(statements + 1)]
    assert killed_at_each("creating", [app.url for app in apps]) == [-9] * statements + [0]
    for place, app in enumerate(apps[:-1]):
        assert app.sidecar() is None
        assert len(app.look().creating) == statements - place
        app.create()
    for app in apps:
        assert app.sidecar()
        assert app.shape() == whole.shape()
        assert app.rows.one("SELECT count(*) AS n FROM face_sidecar_library") == {"n": 1}


def test_half_of_them_are_told_in_the_log(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.create()
    app.rows.run("DELETE FROM face_sidecar_library")
    with caplog.at_level(logging.INFO):
        assert app.sidecar() is None
    assert "complete set of our own tables (`worker tables --create` finishes it)" in caplog.text


def test_processes_that_make_them_at_the_same_time_make_one_set(make_app: MakeApp) -> None:
    whole, app = make_app(*V2), make_app(*V2)
    whole.create()

    def create(_number: int) -> None:
        app.create()
        app.index()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(create, range(6)))
    whole.index()
    assert app.shape() == whole.shape()
    assert app.rows.one("SELECT count(*) AS n FROM face_sidecar_library") == {"n": 1}


def test_a_table_that_is_gone_is_told_and_made_anew_with_the_others_left_as_they_are(app: App) -> None:
    app.create()
    app.rows.run("INSERT INTO face_sidecar_people (name) VALUES ('Ada')")
    app.rows.run("DROP TABLE face_sidecar_vectors")
    with pytest.raises(SchemaError, match="lacks face_sidecar_vectors: `worker tables --create` makes them anew"):
        app.sidecar()
    app.create()
    assert app.sidecar()
    assert app.rows.one("SELECT name FROM face_sidecar_people") == {"name": "Ada"}


def test_tables_of_a_newer_version_are_refused_by_all_verbs(app: App) -> None:
    app.create()
    app.rows.run("UPDATE face_sidecar_library SET version = 99")
    refusal = r"made by a newer version of this program \(version 99, known here is \d\): update the program"
    with pytest.raises(SchemaError, match=refusal):
        app.sidecar()
    with pytest.raises(SchemaError, match=refusal):
        app.look()


def test_tables_of_an_older_version_ask_for_the_upgrade(app: App) -> None:
    app.create()
    app.rows.run("UPDATE face_sidecar_library SET version = 0")
    with pytest.raises(SchemaError, match=r"are of version 0, needed \d: `worker tables --upgrade` makes it of them"):
        app.sidecar()


STEPS = {
    1: ("this step was long ago",),
    NEWEST + 1: ("ALTER TABLE {people} ADD COLUMN extra INT", "CREATE TABLE {people}_2 (id INT)"),
    NEWEST + 2: ("CREATE INDEX face_sidecar_people_extra ON {people} (extra)",),
}


def test_an_upgrade_runs_the_steps_that_lack_and_raises_the_version_with_each(app: App) -> None:
    app.create()
    app.rows.run("INSERT INTO face_sidecar_people (name) VALUES ('Ada')")
    app.of(lambda store: layout.run(store, layout.look(store, STEPS).upgrading))
    assert app.rows.one("SELECT version FROM face_sidecar_library") == {"version": NEWEST + 2}
    assert app.rows.one("SELECT name, extra FROM face_sidecar_people") == {"name": "Ada", "extra": None}
    app.rows.run("UPDATE face_sidecar_library SET version = 1")
    assert app.of(lambda store: layout.look(store, {1: STEPS[1]})).upgrading == ()


def test_an_upgrade_that_is_killed_at_any_statement_is_finished_by_the_next(make_app: MakeApp) -> None:
    whole, *apps = (make_app(*V2) for _ in range(5))
    for app in (whole, *apps):
        app.create()
    steps = {99: STEPS[NEWEST + 1]}
    whole.of(lambda store: layout.run(store, layout.look(store, steps).upgrading))
    assert killed_at_each("upgrading", [app.url for app in apps]) == [-9, -9, -9, 0]
    for app in apps[:-1]:
        assert app.rows.one("SELECT version FROM face_sidecar_library") == {"version": NEWEST}
        app.of(lambda store: layout.run(store, layout.look(store, steps).upgrading))
    for app in apps:
        assert app.shape() == whole.shape()
        assert app.rows.one("SELECT version FROM face_sidecar_library") == {"version": 99}


@pytest.fixture
def of_version_1(app: App) -> App:
    """Its tables are as version 1 made them."""
    app.create()
    app.rows.run("INSERT INTO face_sidecar_people (name) VALUES ('Ada')")
    app.rows.run("DROP TABLE face_sidecar_pending_images")
    app.rows.run("UPDATE face_sidecar_library SET version = 1")
    return app


def test_tables_of_version_1_become_what_new_ones_are(make_app: MakeApp, of_version_1: App) -> None:
    whole = make_app(*V2)
    whole.create()
    with pytest.raises(SchemaError, match="are of version 1, needed 3: `worker tables --upgrade` makes it of them"):
        of_version_1.sidecar()
    of_version_1.of(lambda store: layout.run(store, layout.look(store).upgrading))
    assert of_version_1.sidecar()
    assert of_version_1.shape() == whole.shape()
    assert of_version_1.rows.one("SELECT name FROM face_sidecar_people") == {"name": "Ada"}


def test_a_create_leaves_to_the_upgrade_what_older_tables_lack(of_version_1: App) -> None:
    assert of_version_1.look().creating == ()


def test_a_drop_leaves_the_apps_database_as_it_was(app: App) -> None:
    app.rows.face(app.rows.image(), PEOPLE[0])
    before, rows = app.shape(), app.rows.everything()
    app.create()
    app.index()
    app.drop()
    assert app.shape() == before
    assert app.rows.everything() == rows
    assert app.look().dropping == ()


def test_a_drop_tells_before_what_would_be_lost(app: App) -> None:
    app.create()
    app.rows.run("INSERT INTO face_sidecar_people (name) VALUES ('Ada'), ('Bob')")
    app.rows.run("INSERT INTO face_sidecar_groups (size) VALUES (3)")
    assert app.look().counts == {"people": 2, "groups": 1, "ledger": 0, "never": 0}


def test_a_drop_that_is_killed_at_any_statement_leaves_what_works_or_is_not_used(make_app: MakeApp) -> None:
    empty = make_app(*V2)
    # The index, and each table.
    statements = 1 + TABLES
    apps = [make_app(*V2) for _ in range(statements + 1)]
    for app in apps:
        app.create()
        app.index()
    assert killed_at_each("dropping", [app.url for app in apps]) == [-9] * statements + [0]
    assert [bool(app.sidecar()) for app in apps] == [True, True] + [False] * TABLES
    for app in apps:
        app.drop()
        assert app.shape() == empty.shape()


def test_what_a_stopped_drop_left_is_not_taken_for_new_tables(app: App) -> None:
    app.create()
    app.rows.run("INSERT INTO face_sidecar_people (name) VALUES ('Ada')")
    app.rows.run("DROP TABLE face_sidecar_library")
    assert app.look().rows_left == ("face_sidecar_people",)
    app.drop()
    app.create()
    assert app.look().rows_left == ()
    assert app.sidecar()


def test_an_index_over_the_time_of_change_is_known_and_only_ours_is_dropped(app: App) -> None:
    app.create()
    assert app.of(lambda store: store.schema.indexes_updated_at) is False
    app.index()
    assert app.of(lambda store: store.schema.indexes_updated_at) is True
    assert app.look().index == UPDATED_AT_INDEX
    app.drop()
    assert app.of(lambda store: store.schema.indexes_updated_at) is False
    app.rows.run("CREATE INDEX of_the_apps ON faces (updated_at, id)")
    assert app.look().index == "of_the_apps"
    assert app.look().indexing == ()
    app.create()
    app.drop()
    assert app.look().index == "of_the_apps"


def test_other_tables_of_the_prefix_are_not_ours(app: App) -> None:
    app.rows.run("CREATE TABLE face_sidecar_other (id INT)")
    assert app.sidecar() is None
    assert app.look().dropping == ()


def test_the_servers_own_defaults_change_nothing(app: App) -> None:
    app.create()
    app.index()
    collation = "--collation-server=latin1_german1_ci"
    with running_mariadb("--sql-mode=ANSI,NO_ZERO_DATE", "--character-set-server=latin1", collation) as server:
        other = App(server.new_database(*V2))
        server.run("SET GLOBAL innodb_default_row_format = 'compact'")
        other.create()
        other.index()
        assert other.sidecar()
        assert other.shape() == app.shape()
        other.rows.close()


def test_a_file_is_refused(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path}/own.db", create=True).close()
    rows = Rows(f"sqlite:///{tmp_path}/app.db")
    for statement in SQLITE_V2:
        rows.run(statement)
    rows.close()
    for name in ("own.db", "app.db"):
        store = Store.open(f"sqlite:///{tmp_path}/{name}")
        with pytest.raises(RequestError, match=rf"{name} is a file; tables beside an app's need its database on MySQL"):
            layout.look(store)
        store.close()


# --- rights ---


class Limited(App):
    """An app's database for a user who may do there what the app's job needs."""

    def __init__(self, mariadb: MariaDB, url: str) -> None:
        super().__init__(url)
        self.mariadb, self.database = mariadb, url.rpartition("/")[2]
        mariadb.run(f"CREATE USER `u_{self.database}`@`%`")
        for table, rights in {"images": "SELECT, UPDATE", "faces": "SELECT, INSERT, UPDATE"}.items():
            mariadb.run(f"GRANT {rights} ON {self.database}.{table} TO u_{self.database}")
        mariadb.run(f"GRANT SELECT, DELETE ON {self.database}.queues TO u_{self.database}")
        self.as_root = App(url)
        self.url = url.replace("root@", f"u_{self.database}@")

    def granted(self, error: BaseException) -> None:
        """Do what the sentence says."""
        for sentence in re.findall(r"GRANT .*? TO '[^']*'@'[^']*'", str(error)):
            self.mariadb.run(sentence)


@pytest.fixture
def limited(mariadb: MariaDB) -> Iterator[Limited]:
    app = Limited(mariadb, mariadb.new_database(*V2))
    yield app
    app.rows.close()
    app.as_root.rows.close()


def test_a_missing_right_to_make_them_is_told_with_the_grant_that_is_enough(limited: Limited) -> None:
    with pytest.raises(
        SchemaError, match=r"CREATE command denied .*: this user needs rights: GRANT CREATE, "
    ) as caught:
        limited.create()
    assert limited.look().beside.there == frozenset()
    limited.granted(caught.value)
    limited.create()
    limited.index()
    assert limited.sidecar()
    limited.drop()
    assert limited.look().dropping == ()


def test_tables_that_the_user_may_not_see_are_as_if_they_were_not_there(limited: Limited) -> None:
    limited.as_root.create()
    assert limited.sidecar() is None


def test_a_right_that_only_some_of_them_lack_ends_the_start_with_the_grant_that_is_enough(limited: Limited) -> None:
    limited.as_root.create()
    limited.mariadb.run(f"GRANT SELECT ON {limited.database}.face_sidecar_library TO u_{limited.database}")
    with pytest.raises(SchemaError, match=r"lacks face_sidecar_answers, .*; where they are there, this user") as caught:
        limited.sidecar()
    limited.granted(caught.value)
    assert limited.sidecar()


def test_a_librarys_row_that_may_not_be_read_ends_the_start_with_the_grant_that_is_enough(limited: Limited) -> None:
    limited.as_root.create()
    limited.mariadb.run(f"GRANT INSERT ON {limited.database}.face_sidecar_library TO u_{limited.database}")
    with pytest.raises(
        SchemaError, match=r"SELECT command denied .*: this user needs rights: GRANT SELECT, INS"
    ) as caught:
        limited.sidecar()
    limited.granted(caught.value)
    assert limited.sidecar()


def test_a_worker_tries_every_right_to_them_and_tells_all_that_are_missing_with_the_grants(limited: Limited) -> None:
    limited.as_root.create()
    assert limited.as_root.sidecar()
    tables = [name for name in names(limited.rows) if name.startswith("face_sidecar_")]
    for table in tables:
        rights = {"face_sidecar_people": "SELECT", "face_sidecar_never": "SELECT, INSERT, UPDATE"}.get(
            table, "SELECT, INSERT, UPDATE, DELETE"
        )
        limited.mariadb.run(f"GRANT {rights} ON {limited.database}.{table} TO u_{limited.database}")
    store = Store.open(limited.url)
    before = [limited.rows.read(f"SELECT * FROM {table}") for table in tables]
    with pytest.raises(SchemaError) as caught:
        try_statements(store, NOTHING_ELSE)
    for refused in ("INSERT", "UPDATE", "DELETE"):
        assert f"{refused} on face_sidecar_people refused" in str(caught.value)
    assert "DELETE on face_sidecar_never refused" in str(caught.value)
    assert str(caught.value).count("GRANT SELECT, INSERT, UPDATE, DELETE ON") == 2
    limited.granted(caught.value)
    assert try_statements(store, NOTHING_ELSE) == []
    assert [limited.rows.read(f"SELECT * FROM {table}") for table in tables] == before
    store.close()
