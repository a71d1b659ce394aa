"""A file that an older version made is brought forward at its first opening, whole or not at all, after a copy."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from faces.errors import StoreUnavailable
from faces.store import faces, images, migrations, scan_marks
from faces.store.database import Store
from faces.store.scan_marks import FileMark, MarkedImage
from tests.servers.people import PEOPLE
from tests.servers.small_disk import small_disk
from tests.servers.version_1 import VERSION_1, columns_of_version_1

ROOT = Path(__file__).resolve().parents[3]

ADA = json.dumps(PEOPLE[0].tolist())

#: Ada, enrolled; a photo with a face linked to her; and one that was refused. Ids with gaps, as after years of use.
ROWS = f"""
INSERT INTO images (id, path, filename, size, faces_checked) VALUES
    (3, '/photos', 'ada.jpg', 10, 1), (7, '/photos/2020', 'b.jpg', 20, 1), (9, '/photos', 'torn.jpg', 5, 0);
INSERT INTO faces (id, image_id, face_index, name, status, encoding) VALUES (4, 3, 0, 'Ada', 'ok', '{ADA}');
INSERT INTO faces (id, image_id, face_index, name, parent_id, encoding) VALUES (8, 7, 1, 'Ada', 4, '{ADA}');
INSERT INTO scan_marks VALUES
    (3, 10, 1700000000123456789, x'{"01" * 32}', 0), (7, 20, 17, x'{"02" * 32}', 0), (9, 5, 18, x'{"03" * 32}', 1);
"""

#: Brings the file of its argument forward.
OPENER = """
import sys
from pathlib import Path
from faces.store import migrations

migrations.bring_forward(Path(sys.argv[1]))
"""

#: The same with copies of the file, 1.db, 2.db and so on beside it, each in a process that is killed at the first,
#: second, … line of the steps, until one comes to its end.
KILLED = """
import os, shutil, signal, sys
from itertools import count
from pathlib import Path
from faces.store import migrations

def work(file, left):
    def trace(frame, event, argument):
        nonlocal left
        if frame.f_code.co_filename != migrations.__file__:
            return None
        left -= event == "line"
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    migrations.bring_forward(file)

for line in count(1):
    file = shutil.copy(sys.argv[1], Path(sys.argv[1]).with_name(f"{line}.db"))
    child = os.fork()
    if not child:
        try:
            work(file, line)
        finally:
            os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
        break
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return make_version_1(tmp_path / "faces.db")


def make_version_1(file: Path, *more: str) -> Path:
    """The file as the first version left it: in SQLite's WAL mode."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").close()
        connection.executescript("\n".join((VERSION_1, ROWS, *more)))
    return file


def open_and_close(file: Path) -> None:
    Store.open(f"sqlite:///{file}").close()


def rows_of(file: Path) -> list[list[tuple[object, ...]]]:
    """What version 1 knew of: the columns that it had, of all rows."""
    names = columns_of_version_1()
    with closing(sqlite3.connect(file)) as connection:
        return [connection.execute(f"SELECT {names[table]} FROM {table} ORDER BY 1").fetchall() for table in names]


def version_of(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def shape_of(file: Path) -> dict[str, object]:
    """Tables with their columns, and indexes with theirs."""
    with closing(sqlite3.connect(file)) as connection:
        names = connection.execute("SELECT name, type, tbl_name FROM sqlite_master ORDER BY name").fetchall()
        return {
            name: (
                connection.execute(f"PRAGMA {'table' if kind == 'table' else 'index'}_info('{name}')").fetchall(),
                connection.execute(f"PRAGMA foreign_key_list('{name}')").fetchall(),
                [row[2:] for row in connection.execute(f"PRAGMA index_list('{table}')") if row[1] == name],
            )
            for name, kind, table in names
        }


def test_names_faces_rows_and_ids_stay(file: Path) -> None:
    before = rows_of(file)
    open_and_close(file)
    assert version_of(file) == migrations.NEWEST
    assert rows_of(file) == before


def test_the_brought_file_works_as_a_new_one(file: Path) -> None:
    with closing(Store.open(f"sqlite:///{file}")) as store:
        with store.reading() as transaction:
            seen = scan_marks.at(transaction, "/photos", "ada.jpg")
        assert store.write(lambda transaction: faces.of_image(transaction, 3)[0].name) == "Ada"
        assert store.write(lambda transaction: images.insert_file(transaction, "/photos", "new.jpg", 1)) == 10
    mark = FileMark(10, 1700000000123456789, b"\1" * 32)
    assert seen == MarkedImage(3, "/photos", "ada.jpg", mark, checked=True, gone=False)


def test_the_brought_file_has_what_a_new_one_has(file: Path, tmp_path: Path) -> None:
    open_and_close(file)
    Store.open(f"sqlite:///{tmp_path}/new.db", create=True).close()
    assert shape_of(file) == shape_of(tmp_path / "new.db")


def test_a_file_of_version_4_gets_what_a_new_one_has_and_keeps_its_people(file: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        for number in (2, 3, 4):
            for statement in migrations.STEPS[number]:
                connection.execute(statement)
        connection.execute("INSERT INTO people (id, name) VALUES (7, 'Ada')")
        connection.execute("PRAGMA user_version = 4")
        connection.commit()
    open_and_close(file)
    Store.open(f"sqlite:///{tmp_path}/new.db", create=True).close()
    assert shape_of(file) == shape_of(tmp_path / "new.db")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT id, name FROM people").fetchall() == [(7, "Ada")]


def test_a_copy_of_the_old_file_is_kept_beside_it(file: Path) -> None:
    file.chmod(0o640)
    before = rows_of(file)
    open_and_close(file)
    copy = migrations.copy_of(file, migrations.NEWEST)
    assert copy.name == f"faces.db.before-{migrations.NEWEST}"
    assert copy.stat().st_mode & 0o777 == 0o640
    assert version_of(copy) == 1
    assert rows_of(copy) == before


def test_what_another_connection_wrote_last_is_in_the_copy(file: Path) -> None:
    """It may stand in the file beside, the write-ahead log, only."""
    with closing(sqlite3.connect(file)) as other:
        other.execute("INSERT INTO images (id, path, filename) VALUES (11, '/photos', 'last.jpg')")
        other.commit()
        open_and_close(file)
    assert len(rows_of(migrations.copy_of(file, migrations.NEWEST))[0]) == 4


def test_a_second_opening_makes_no_second_copy(file: Path) -> None:
    open_and_close(file)
    copy = migrations.copy_of(file, migrations.NEWEST)
    copy.unlink()
    open_and_close(file)
    assert not copy.exists()


def test_a_new_file_needs_no_copy(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path}/new.db", create=True).close()
    assert [path.name for path in tmp_path.iterdir()] == ["new.db"]


def test_of_processes_that_open_it_at_the_same_time_one_brings_it_forward(file: Path) -> None:
    make = [sys.executable, "-c", OPENER, str(file)]
    before = rows_of(file)
    started = [subprocess.Popen(make, cwd=ROOT) for _ in range(6)]
    assert [process.wait() for process in started] == [0] * 6
    assert version_of(file) == migrations.NEWEST
    assert rows_of(file) == before
    assert rows_of(migrations.copy_of(file, migrations.NEWEST)) == before


def test_a_process_that_is_killed_at_any_line_leaves_it_as_it_was_or_brought(tmp_path: Path) -> None:
    before = rows_of(make_version_1(tmp_path / "before.db"))
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "before.db")], cwd=ROOT, check=True)
    versions = []
    for line in range(1, len(list(tmp_path.glob("[0-9]*.db"))) + 1):
        file = tmp_path / f"{line}.db"
        versions.append(version_of(file))
        assert rows_of(file) == before
        open_and_close(file)
        assert version_of(file) == migrations.NEWEST
        assert rows_of(migrations.copy_of(file, migrations.NEWEST)) == before
    assert versions == sorted(versions)
    assert set(versions) == {1, migrations.NEWEST}


def test_a_disk_without_room_for_the_copy_is_told_and_nothing_changes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        file = make_version_1(disk.path / "faces.db", f"UPDATE images SET metadata = '{'x' * 300_000}' WHERE id = 7;")
        before = rows_of(file)
        (disk.path / "other").write_bytes(bytes(500_000))
        with pytest.raises(StoreUnavailable, match=r"could not be copied to .*faces\.db\.before-\d.*left as it was"):
            open_and_close(file)
        assert version_of(file) == 1
        assert rows_of(file) == before
        assert [path.name for path in disk.path.iterdir() if "before" in path.name] == []
        (disk.path / "other").unlink()
        open_and_close(file)
        assert version_of(file) == migrations.NEWEST


def test_a_full_disk_is_told_and_nothing_changes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        file = make_version_1(disk.path / "faces.db")
        before = rows_of(file)
        disk.fill()
        with pytest.raises(StoreUnavailable, match=r"faces\.db"):
            open_and_close(file)
        disk.empty()
        assert version_of(file) == 1
        assert rows_of(file) == before


def test_a_disk_that_cannot_be_written_is_told_and_nothing_changes(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        file = make_version_1(disk.path / "faces.db")
        disk.allow(False)
        with pytest.raises(StoreUnavailable, match=r"faces\.db"):
            open_and_close(file)
        disk.allow(True)
        assert version_of(file) == 1
        assert [path.name for path in disk.path.iterdir()] == ["faces.db"]
