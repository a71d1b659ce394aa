"""`worker tables` as a person and as a script use it: on a terminal, without one, beside an app's database."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faces.store.sidecar.tables import sidecar_tables
from faces.store.sidecar.upgrades import NEWEST
from tests.servers.app_schema import SQLITE_V2, V2
from tests.servers.mariadb import MariaDB
from tests.servers.rows import Rows
from tests.servers.worker_process import ROOT, Worker

#: How many tables are ours.
TABLES = len(sidecar_tables().metadata.tables)

MAKE, INDEX = "Make these tables in the database", "Make this index, too? [yes/no]"


@pytest.fixture
def url(mariadb: MariaDB) -> str:
    return mariadb.new_database(*V2)


@pytest.fixture
def rows(url: str) -> Iterator[Rows]:
    rows = Rows(url)
    yield rows
    rows.close()


@pytest.fixture
def worker(tmp_path: Path, url: str) -> Iterator[Worker]:
    """On the app's database; it needs no API."""
    worker = Worker(tmp_path / "home", {"FACE_DATABASE_URL": url})
    yield worker
    worker.end()


def on_a_terminal(url: str, *arguments: str, answers: dict[str, str], **settings: str) -> tuple[int, str]:
    """Run the verb on a terminal and type an answer after each of these questions; the exit code and all shown."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FACE_")}
    environment |= {"PYTHONPATH": str(ROOT), "FACE_DATABASE_URL": url, "TERM": "dumb"} | settings
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "worker", "tables", *arguments]
    process = subprocess.Popen(command, env=environment, stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown, left = "", dict(answers)
    while chunk := _read(ours):
        shown += chunk
        for question in [question for question in left if question in shown]:
            os.write(ours, f"{left.pop(question)}\n".encode())
    os.close(ours)
    assert left == {}, shown
    return process.wait(), shown.replace("\r\n", "\n")


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 65536).decode()
    except OSError:
        # Linux says so where the last program has closed the other end.
        return ""


def made(rows: Rows) -> int:
    return len(rows.read("SHOW TABLES LIKE 'face_sidecar_%'"))


def test_a_person_reads_the_sql_and_says_yes_to_the_tables_and_no_to_the_index(url: str, rows: Rows) -> None:
    code, shown = on_a_terminal(url, "--create", answers={MAKE: "yes", INDEX: "no"})
    assert code == 0
    assert shown.index("CREATE TABLE IF NOT EXISTS face_sidecar_people (\n") < shown.index(MAKE)
    assert shown.index("find every 30 seconds what PHP changed") < shown.index(INDEX)
    assert "CREATE INDEX face_sidecar_faces_updated_at ON faces (updated_at);\n" in shown
    assert "no index on faces.updated_at: `tables --create --index-updated-at yes` makes it" in shown
    assert made(rows) == TABLES
    assert rows.read("SHOW INDEX FROM faces WHERE Key_name = 'face_sidecar_faces_updated_at'") == []


def test_only_a_whole_yes_is_one(url: str, rows: Rows) -> None:
    code, shown = on_a_terminal(url, "--create", answers={MAKE: "y"})
    assert code == 1
    assert shown.endswith("nothing was changed\n")
    assert made(rows) == 0


def test_a_drop_tells_what_is_lost_and_wants_its_word(url: str, rows: Rows, worker: Worker) -> None:
    worker.run("tables", "--create", "--yes")
    rows.run("INSERT INTO face_sidecar_people (name) VALUES ('Ada'), ('Bob')")
    rows.run("INSERT INTO face_sidecar_ledger (uuid, actor, at, kind) VALUES ('u', 'a', '2020-01-01', 'named')")
    question = "Type drop to go on:"
    code, shown = on_a_terminal(url, "--drop", answers={question: "yes"})
    assert code == 1
    assert "what would be lost: 2 people, 0 groups, 1 ledger entries, 0 refusals" in shown
    assert made(rows) == TABLES
    code, shown = on_a_terminal(url, "--drop", answers={question: "drop"})
    assert code == 0
    assert made(rows) == 0


def test_without_a_terminal_the_sql_is_printed_and_nothing_is_done(worker: Worker, rows: Rows) -> None:
    out, _ = worker.run("tables", "--drop")
    assert "there are no tables face_sidecar_…" in out
    out, err = worker.run("tables", "--create", code=2)
    assert "CREATE TABLE IF NOT EXISTS face_sidecar_people" in out
    assert err.endswith("tables: nothing was changed: no terminal is there to answer on, needed --yes\n")
    assert made(rows) == 0
    worker.run("tables", "--create", "--yes")
    out, err = worker.run("tables", "--drop", code=2)
    assert "DROP TABLE IF EXISTS face_sidecar_people" in out
    assert made(rows) == TABLES


def test_a_script_makes_looks_indexes_and_drops(worker: Worker, rows: Rows) -> None:
    (made_now,) = worker.records("tables", "--create", "--yes", "--index-updated-at", "yes")
    assert made_now["complete"] is True
    assert made_now["changed"] is True
    assert made_now["updated_at_index"] == "face_sidecar_faces_updated_at"
    assert len(made_now["done"]) == TABLES + 2
    (shown,) = worker.records("tables")
    assert shown["complete"] is True
    assert shown["changed"] is False
    assert shown["version"] == NEWEST
    assert shown["match_rule"] == "nearest"
    assert shown["rows"] == {"people": 0, "groups": 0, "ledger": 0, "never": 0}
    assert shown["left"]["create"] == []
    (again,) = worker.records("tables", "--create", "--yes")
    assert again["changed"] is False
    (dropped,) = worker.records("tables", "--drop", "--yes")
    assert made_now["missing"] == []
    assert len(dropped["missing"]) == TABLES
    assert dropped["updated_at_index"] is None
    assert made(rows) == 0


def test_yes_alone_makes_no_index_of_the_apps_table_and_the_index_can_be_made_later(worker: Worker, rows: Rows) -> None:
    out, _ = worker.run("tables", "--create", "--yes")
    assert "no index on faces.updated_at" in out
    out, _ = worker.run("tables", "--create", "--index-updated-at", "yes")
    assert out.endswith("the index face_sidecar_faces_updated_at is made\n")
    assert len(rows.read("SHOW INDEX FROM faces WHERE Column_name = 'updated_at'")) == 1
    out, _ = worker.run("tables", "--create")
    assert "faces.updated_at has an index already: face_sidecar_faces_updated_at" in out


def test_what_there_is_is_shown(worker: Worker, rows: Rows) -> None:
    out, _ = worker.run("tables")
    assert out.splitlines()[0].startswith(f"0 of {TABLES} tables face_sidecar_… in the database app")
    worker.run("tables", "--create", "--yes")
    out, _ = worker.run("tables")
    assert out.splitlines()[1:] == [
        f"version {NEWEST}, the newest; links by itself: nearest",
        "0 people, 0 groups, 0 ledger entries, 0 refusals",
        "index on faces.updated_at: none",
    ]
    rows.run("DELETE FROM face_sidecar_library")
    out, _ = worker.run("tables")
    assert "not complete, and not used like this: --create finishes them, --drop removes them" in out


def test_there_is_no_newer_version_yet(worker: Worker) -> None:
    _, err = worker.run("tables", "--upgrade", code=2)
    assert "found no complete tables face_sidecar_…" in err
    worker.run("tables", "--create", "--yes")
    out, _ = worker.run("tables", "--upgrade")
    assert f"are already the newest: version {NEWEST}" in out


def test_what_a_stopped_drop_left_is_not_made_whole(worker: Worker, rows: Rows) -> None:
    worker.run("tables", "--create", "--yes")
    rows.run("INSERT INTO face_sidecar_people (name) VALUES ('Ada')")
    rows.run("DROP TABLE face_sidecar_library")
    _, err = worker.run("tables", "--create", "--yes", code=2)
    assert "found rows in face_sidecar_people of the database app" in err
    worker.run("tables", "--drop", "--yes")
    worker.run("tables", "--create", "--yes")
    assert rows.read("SELECT * FROM face_sidecar_people") == []


def test_another_database_of_the_server_is_made_and_used(worker: Worker, rows: Rows, url: str) -> None:
    other = {"FACE_TABLES_DATABASE": f"{url.rpartition('/')[2]}_faces"}
    _, err = worker.run("faces", code=2, **other)
    assert "FACE_TABLES_DATABASE: found no tables face_sidecar_…" in err
    out, _ = worker.run("tables", "--create", "--yes", **other)
    assert out.startswith(f"CREATE DATABASE IF NOT EXISTS `{other['FACE_TABLES_DATABASE']}`")
    worker.run("faces", **other)
    assert made(rows) == 0


def test_a_file_of_our_own_has_them_already(worker: Worker, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/own.db"
    (tmp_path / "photos").mkdir()
    worker.run("scan", tmp_path / "photos", FACE_DATABASE_URL=url)
    for words in ((), ("--create",), ("--upgrade",)):
        out, _ = worker.run("tables", *words, FACE_DATABASE_URL=url)
        assert "own.db is a file of our own and has these tables already" in out
    _, err = worker.run("tables", "--drop", "--yes", FACE_DATABASE_URL=url, code=2)
    assert "own.db is a file of our own, which needs these tables" in err


def test_an_apps_file_cannot_have_them(worker: Worker, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/app.db"
    rows = Rows(url)
    for statement in SQLITE_V2:
        rows.run(statement)
    rows.close()
    _, err = worker.run("tables", "--create", "--yes", FACE_DATABASE_URL=url, code=2)
    assert "tables beside an app's need its database on MySQL or MariaDB" in err


@pytest.mark.parametrize("verb", [("link",), ("process", "1")], ids=["link", "process"])
def test_calibrated_without_our_tables_refuses_to_start(worker: Worker, verb: tuple[str, ...]) -> None:
    _, err = worker.run(*verb, FACE_MATCH="calibrated", code=2)
    assert "FACE_MATCH: found calibrated, which needs our own tables" in err
    assert "`worker tables --create` makes them" in err


def test_a_worker_of_the_queue_refuses_calibrated_without_our_tables(worker: Worker, url: str) -> None:
    app = settings_of(url)
    _, err = worker.run("run", FACE_MATCH="calibrated", code=2, **app)
    assert "FACE_MATCH: found calibrated, which needs our own tables" in err
    _, err = worker.run("run", FACE_TABLES_DATABASE="gone", code=2, **app)
    assert "FACE_TABLES_DATABASE: found no tables face_sidecar_… in the database gone" in err


def settings_of(url: str) -> dict[str, Any]:
    """The app's, for its database; RabbitMQ is not asked."""
    server, _, database = url.rpartition("/")
    return {
        "DB_CONNECTION": "mysql",
        "DB_HOST": "127.0.0.1",
        "DB_PORT": server.rpartition(":")[2],
        "DB_DATABASE": database,
        "DB_USERNAME": "root",
        "DB_PASSWORD": "",
        "APP_KEY": "base64:" + "A" * 43 + "=",
    }


def test_the_record_of_a_refusal_has_the_sql_that_is_left(worker: Worker) -> None:
    out, _ = worker.run("tables", "--create", "--json", code=2)
    record = json.loads(out)
    assert record["changed"] is False
    assert len(record["left"]["create"]) == TABLES + 1
    assert record["left"]["index"] == ["CREATE INDEX face_sidecar_faces_updated_at ON faces (updated_at)"]
