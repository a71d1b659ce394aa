from __future__ import annotations

import json
import resource
import stat
from pathlib import Path

import pytest

from faces.system import atomic_file
from installer import removal
from installer.changes.change import Change, Work
from installer.changes.files import MakeFolder, PutFile, PutLink
from installer.options import Choices
from installer.record import Footprint, Record
from installer.sentence import Language, Refusal
from tests.unit.installer.owners import mine


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(Record.read(tmp_path / "etc/installed.json"), lambda _sentence: None)


def told(change: Change) -> list[str]:
    return [Language().render(sentence) for sentence in change.describe()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_written_once_and_then_there(tmp_path: Path, work: Work) -> None:
    change = PutFile(tmp_path / "unit", b"text", 0o640, mine())
    assert told(change) == [f"write {tmp_path}/unit (0640 {mine().user}:{mine().group})"]
    change.do(work)
    assert (tmp_path / "unit").read_bytes() == b"text"
    assert mode(tmp_path / "unit") == 0o640
    assert told(change) == []


def test_another_text_is_replaced_and_settings_never(tmp_path: Path, work: Work) -> None:
    for name in ("unit", "face.env"):
        (tmp_path / name).write_text("of somebody")
        (tmp_path / name).chmod(0o644)
    PutFile(tmp_path / "unit", b"ours", 0o644, mine()).do(work)
    settings = PutFile(tmp_path / "face.env", b"ours", 0o600, mine(), once=True, data=True)
    assert told(settings) == [f"set {tmp_path}/face.env to 0600 {mine().user}:{mine().group}"]
    settings.do(work)
    assert (tmp_path / "unit").read_text() == "ours"
    assert (tmp_path / "face.env").read_text() == "of somebody"
    assert mode(tmp_path / "face.env") == 0o600


def test_a_link_in_a_files_place_is_replaced_and_not_followed(tmp_path: Path, work: Work) -> None:
    (tmp_path / "elsewhere").write_text("of somebody")
    (tmp_path / "unit").symlink_to(tmp_path / "elsewhere")
    PutFile(tmp_path / "unit", b"ours", 0o644, mine()).do(work)
    assert not (tmp_path / "unit").is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "of somebody"


def test_a_folder_gets_its_rights(tmp_path: Path, work: Work) -> None:
    change = MakeFolder(tmp_path / "state", 0o2775, mine())
    change.do(work)
    assert mode(tmp_path / "state") == 0o2775
    assert told(change) == []
    (tmp_path / "state").chmod(0o700)
    assert told(change) == [f"set {tmp_path}/state to 2775 {mine().user}:{mine().group}"]


def test_a_file_in_a_folders_place_is_refused(tmp_path: Path, work: Work) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(Refusal, match="is no folder, needed one"):
        MakeFolder(tmp_path / "state").do(work)


def test_a_link_is_made_with_the_folders_on_its_way_and_takes_nobodys_place(tmp_path: Path, work: Work) -> None:
    link = PutLink(tmp_path / "etc/face-api", Path("/opt/face-sidecar/current"))
    link.do(work)
    assert (tmp_path / "etc/face-api").readlink() == Path("/opt/face-sidecar/current")
    assert told(link) == []
    (tmp_path / "file").touch()
    with pytest.raises(Refusal, match="File exists"):
        PutLink(tmp_path / "file", Path("/opt")).do(work)


def test_what_is_removed_is_what_was_put_and_data_stays_until_purge(tmp_path: Path, work: Work) -> None:
    (tmp_path / "theirs").mkdir()
    changes: list[Change] = [
        MakeFolder(tmp_path / "etc", owner=mine()),
        MakeFolder(tmp_path / "theirs", owner=mine()),
        PutFile(tmp_path / "theirs/unit", b"", owner=mine()),
        PutFile(tmp_path / "etc/face.env", b"", owner=mine(), data=True),
        MakeFolder(tmp_path / "opt", owner=mine(), tree=True),
        PutFile(tmp_path / "opt/code", b"", owner=mine()),
    ]
    for change in changes:
        change.do(work)
    removal.remove(work, purge=False)
    assert (tmp_path / "theirs").is_dir()
    assert not (tmp_path / "theirs/unit").exists()
    assert not (tmp_path / "opt").exists()
    assert (tmp_path / "etc/face.env").exists()
    again = Work(Record.read(tmp_path / "etc/installed.json"), lambda _sentence: None)
    removal.remove(again, purge=True)
    assert not (tmp_path / "etc").exists()
    assert (tmp_path / "theirs").is_dir()


def test_a_folder_made_before_it_could_be_written_down_goes_too(tmp_path: Path, work: Work) -> None:
    """A run that is killed just there leaves an empty folder, or half a record in it."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/.installed.json.new").touch()
    MakeFolder(tmp_path / "etc", owner=mine()).do(work)
    PutFile(tmp_path / "file", b"", owner=mine()).do(work)
    removal.remove(work, purge=True)
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_room_the_file_is_named_and_the_old_one_stays(tmp_path: Path, work: Work) -> None:
    file = tmp_path / "unit"
    file.write_text("before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(OSError, match=str(file)):
            atomic_file.replace_as(file, b"after", 0o644)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_text() == "before"


def test_the_list_of_a_removal_is_what_it_does(tmp_path: Path, work: Work) -> None:
    PutFile(tmp_path / "unit", b"", owner=mine()).do(work)
    PutFile(tmp_path / "face.env", b"", owner=mine(), data=True).do(work)
    lines = [Language().render(line) for line in removal.describe(work.record, purge=False)]
    assert lines == [f"remove {tmp_path}/unit", f"keep {tmp_path}/face.env (--purge removes it)"]


def test_the_record_is_written_before_the_thing_and_read_back(tmp_path: Path) -> None:
    record = Record.read(tmp_path / "installed.json")
    record.choose(Choices(workers=2))
    assert not record.path.exists()
    record.add(Footprint("file", "/x", data=True))
    record.add(Footprint("file", "/x", data=True))
    back = Record.read(record.path)
    assert back.footprints == [Footprint("file", "/x", data=True)]
    assert back.choices == Choices(workers=2)
    assert json.loads(record.path.read_text())["put"] == [{"kind": "file", "name": "/x", "data": True}]


def test_a_record_that_cannot_be_read_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "installed.json").write_text("{")
    with pytest.raises(Refusal, match="needed the installer's record"):
        Record.read(tmp_path / "installed.json")
