"""Who faces are and are not, said on the command line, and taken back: as a person types it, on real photos."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from faces.people.kept_face import FaceState
from tests.servers.worker_process import Worker

PHOTOS = ("blue-room.jpg", "speech.jpg", "side-by-side.jpg", "astronaut.png")

ANSWER = {"entry", "kind", "faces", "followed", "people", "left", "again"}

FACES = """
SELECT images.filename, faces.face_index, faces.id, faces.status, i.group_id, i.state, people.name
FROM faces JOIN images ON images.id = faces.image_id LEFT JOIN face_index i ON i.face_id = faces.id
LEFT JOIN people ON people.id = i.person_id ORDER BY faces.id
"""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scanned folder: three faces of one man are a group; another man, an astronaut, a patch that is no face."""

    worker: Any
    photos: Path

    def ids(self, *photos: str, number: int = 0) -> list[str]:
        """The faces of this number in photos."""
        found = {row[0]: f"f{row[2]}" for row in self.worker.rows(FACES) if row[1] == number}
        return [found[photo] for photo in photos]

    @property
    def group(self) -> str:
        """The only group of several faces."""
        return f"g{next(row[4] for row in self.worker.rows(FACES) if row[0] == 'blue-room.jpg')}"

    def who(self, photo: str) -> tuple[str, str | None]:
        """State and name of a photo's first face."""
        (found,) = [row for row in self.worker.rows(FACES) if row[:2] == (photo, 0)]
        return FaceState(found[5]).word, found[6]

    def rows(self) -> list[tuple[Any, ...]]:
        """What the rows and our tables say of all faces."""
        rows: list[tuple[Any, ...]] = self.worker.rows(
            "SELECT id, status, name, parent_id, deleted_at, state FROM faces "
            "LEFT JOIN face_index ON face_index.face_id = faces.id ORDER BY id"
        )
        return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, api: Any, samples: Path) -> Path:
    """Photos, and beside them the database of their scan."""
    photos = tmp_path_factory.mktemp("answers") / "photos"
    photos.mkdir()
    for name in PHOTOS:
        shutil.copy(samples / "photos" / name, photos)
    worker = Worker(photos.parent / "home", {"FACE_API_URL": api.url})
    worker.run("scan", photos)
    worker.end()
    return photos


@pytest.fixture
def scanned(worker: Any, folder: Path) -> Scanned:
    """A database of its own."""
    shutil.copy(folder.parent / "home/faces.db", worker.database)
    return Scanned(worker, folder)


def entry_of(out: str) -> str:
    """The number with which a sentence says what `undo` takes back."""
    return out.split("`undo ")[1].split("`")[0]


def test_a_group_is_named_corrected_and_taken_back_after_others_followed(scanned: Scanned) -> None:
    worker, before = scanned.worker, scanned.rows()
    out, err = worker.run("name", scanned.group, "Joe Biden")
    named = entry_of(out)
    assert out == f"3 faces named Joe Biden. `undo {named}` takes it back\n"
    assert err == ""
    assert scanned.who("blue-room.jpg") == ("confirmed", "Joe Biden")
    (speech,) = scanned.ids("speech.jpg")
    out, _ = worker.run("name", speech, "Barack Obama", code=1)
    assert out == ""
    assert worker.rows("SELECT name FROM people") == [("Joe Biden",)], "nobody came of it"
    worker.run("move", speech, "Barack Obama")
    assert scanned.who("speech.jpg") == ("confirmed", "Barack Obama")
    out, err = worker.run("undo", named)
    assert out.startswith(f"entry {named}: 2 faces as before")
    assert err.startswith(
        f"{speech} stays as it is: it was answered again or changed in the app since, and is confirmed"
    )
    assert scanned.who("speech.jpg") == ("confirmed", "Barack Obama")
    worker.run("undo", "--back-to", "2020-01-01T00:00")
    assert scanned.who("speech.jpg")[1] is None
    assert scanned.rows() == before


def refused(worker: Any, *commands: tuple[str, ...]) -> list[str]:
    """Run commands side by side, each of which ends with 2 and prints nothing but a sentence; the sentences."""
    told = [worker.end_of(process, 2) for process in [worker.start(*words) for words in commands]]
    assert [out for out, _ in told] == [""] * len(commands)
    return [err for _, err in told]


def test_a_bare_number_is_refused_wherever_an_id_or_a_name_stands(scanned: Scanned) -> None:
    before = scanned.rows()
    sentences = refused(
        scanned.worker,
        *(("name", "g1", "7"), ("name", "3", "Ann"), ("move", "f1", "7"), ("confirm", "1"), ("reject", "1")),
        *(("reject", "f1", "--person", "7"), ("unknown", "1"), ("stranger", "1"), ("not-face", "1")),
        *(("apart", "1", "2"), ("add", "a.jpg", "7", "--box", "1,2,3,4")),
    )
    assert [sentence for sentence in sentences if "found" not in sentence or "with its letter" not in sentence] == []
    assert scanned.rows() == before


def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(scanned: Scanned) -> None:
    before = scanned.rows()
    sentences = refused(
        scanned.worker,
        *(("name", "f999", "Ann"), ("name", "g999", "Ann"), ("name", "f1", "p999"), ("name", "f1", " ")),
        *(("confirm", "f1"), ("reject", "f1", "--person", "Nobody"), ("apart", "f1", "f1"), ("undo", "999")),
        *(("undo", "--back-to", "yesterday"), ("undo", "1", "--back-to", "2026-01-01"), ("reject", "f1")),
    )
    assert [sentence for sentence in sentences if "found" not in sentence or sentence.count("\n") != 1] == []
    assert all("required" in sentence for sentence in refused(scanned.worker, ("unknown",), ("name", "f1")))
    assert scanned.rows() == before


def test_one_link_is_confirmed_and_one_rejected_for_ever(scanned: Scanned) -> None:
    worker = scanned.worker
    blue, speech, side = scanned.ids("blue-room.jpg", "speech.jpg", "side-by-side.jpg")
    worker.run("name", blue, "Barack Obama")
    assert scanned.who("speech.jpg") == ("linked", "Barack Obama"), "it was looked at again"
    out, _ = worker.run("confirm", speech)
    assert out == f"1 face confirmed. `undo {entry_of(out)}` takes it back\n"
    assert scanned.who("speech.jpg") == ("confirmed", "Barack Obama")
    out, _ = worker.run("reject", side)
    assert out == f"{side}: 1 face taken away, never asked again. `undo {entry_of(out)}` takes it back\n"
    worker.run("link")
    worker.run("group")
    assert scanned.who("side-by-side.jpg")[1] is None
    _, err = worker.run("confirm", speech, code=1)
    assert err == "nothing was changed: all was as it was said already\n"


def test_strangers_what_is_no_face_and_unknown_are_said_and_taken_back_one_by_one(scanned: Scanned) -> None:
    worker, before = scanned.worker, scanned.rows()
    (patch,) = scanned.ids("astronaut.png", number=1)
    astronaut, blue = scanned.ids("astronaut.png", "blue-room.jpg")
    told = {
        ("not-face", patch): "1 face: no faces",
        ("stranger", astronaut): "1 face: strangers",
        ("name", blue, "Barack Obama"): "1 face named Barack Obama",
        ("unknown", blue): "1 face: unknown",
    }
    entries = []
    for words, sentence in told.items():
        out, _ = worker.run(*words)
        entries.append(entry_of(out))
        assert out.startswith(sentence)
    assert worker.rows(f"SELECT status FROM faces WHERE id = {patch[1:]}") == [("not_face",)]
    assert scanned.who("astronaut.png") == ("stranger", None)
    assert scanned.who("blue-room.jpg")[1] is None
    for entry in (entries[0], entries[3], entries[1], entries[2]):
        out, err = worker.run("undo", entry)
        assert out.startswith(f"entry {entry}: 1 face as before")
        assert err == ""
    assert scanned.rows() == before


def test_two_that_are_not_one_are_said_and_taken_back(scanned: Scanned) -> None:
    worker = scanned.worker
    blue, speech = scanned.ids("blue-room.jpg", "speech.jpg")
    out, _ = worker.run("apart", blue, speech)
    entry = entry_of(out)
    assert out == f"{blue} and {speech} are two. `undo {entry}` takes it back\n"
    assert worker.rows("SELECT count(*) FROM never") == [(1,)]
    out, _ = worker.run("undo")
    # They were in one group, which the second had left.
    assert out == f"entry {entry}: 1 face as before. `undo {entry_of(out)}` redoes it\n"
    assert worker.rows("SELECT count(*) FROM never") == [(0,)]


def test_an_undo_is_shown_first_done_and_redone(scanned: Scanned) -> None:
    worker, before = scanned.worker, scanned.rows()
    (named,) = worker.records("name", scanned.group, "Barack Obama")
    after = scanned.rows()
    (shown,) = worker.records("undo", "--dry-run")
    assert scanned.rows() == after
    (undone,) = worker.records("undo")
    assert [one["taken_back"] for one in (*shown, *undone)] == [named["entry"]] * 2
    assert shown[0]["faces"] == undone[0]["faces"] == named["faces"]
    assert scanned.rows() == before
    out, err = worker.run("undo", code=1)
    assert out == ""
    assert err == "undo: found nothing that a person has answered since, and that is in force\n"
    _, err = worker.run("undo", named["entry"], code=2)
    assert f"was taken back by {undone[0]['entry']}: `undo {undone[0]['entry']}` brings it back" in err
    worker.run("undo", undone[0]["entry"])
    assert scanned.rows() == after


def test_all_since_a_time_is_taken_back_the_newest_first(scanned: Scanned) -> None:
    worker, before = scanned.worker, scanned.rows()
    blue, speech, astronaut = scanned.ids("blue-room.jpg", "speech.jpg", "astronaut.png")
    given = [worker.records("name", blue, "Barack Obama")[0], worker.records("reject", speech)[0]]
    given += [worker.records("stranger", astronaut)[0], worker.records("enrol", "Eve", "--id", astronaut)[0]]
    later = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()
    assert worker.records("undo", "--back-to", later, code=1) == [[]]
    hour_ago = (datetime.now().astimezone() - timedelta(hours=1)).replace(tzinfo=None).isoformat(timespec="minutes")
    (undone,) = worker.records("undo", "--back-to", hour_ago)
    assert [one["taken_back"] for one in undone] == [one["entry"] for one in reversed(given)]
    assert scanned.rows() == before
    assert worker.records("undo", "--back-to", hour_ago, code=1) == [[]]


def test_each_answer_is_one_object_for_machines(scanned: Scanned) -> None:
    worker = scanned.worker
    blue, speech = scanned.ids("blue-room.jpg", "speech.jpg")
    kinds = {}
    for words in (
        *(("name", blue, "Barack Obama"), ("confirm", speech), ("move", speech, "Eve"), ("reject", speech)),
        *(("unknown", blue), ("stranger", blue), ("not-face", blue), ("apart", blue, speech)),
    ):
        (answered,) = worker.records(*words)
        assert answered.keys() == ANSWER
        assert isinstance(answered["entry"], int)
        assert answered["again"] is False
        kinds[words[0]] = answered["kind"]
    assert kinds == {
        **{"name": "named", "confirm": "confirmed", "move": "moved", "reject": "rejected", "unknown": "unknown"},
        **{"stranger": "stranger", "not-face": "not_face", "apart": "apart"},
    }
    (nothing,) = worker.records("not-face", blue, code=1)
    assert (nothing["entry"], nothing["faces"]) == (None, [])
    (undone,) = worker.records("undo")
    assert undone[0].keys() == ANSWER | {"taken_back"}


def test_a_face_that_was_not_found_is_added_by_its_box_and_taken_back(scanned: Scanned) -> None:
    worker = scanned.worker
    photo = scanned.photos / "astronaut.png"
    # A part of the suit.
    out, _ = worker.run("add", photo, "Eve", "--box", "300,300,400,200")
    assert out.endswith(f"added, named Eve. `undo {entry_of(out)}` takes it back\n")
    live = "SELECT name FROM faces WHERE deleted_at IS NULL AND face_index = 2"
    assert worker.rows(live) == [("Eve",)]
    worker.run("undo")
    assert worker.rows(live) == []
    refused(
        worker,
        *(("add", str(photo), "Eve", "Ann", "--box", "1,2,3,4"), ("add", "--box", "1,2,3,4")),
        *(("add", str(photo), "--box", "1,2,3"), ("add", str(photo))),
    )
    _, err = worker.run("add", scanned.photos / "gone.jpg", "--box", "1,2,3,4", FACE_API_URL="", code=1)
    assert "gone.jpg" in err
    assert "starting" not in err, "it is told before an API is started"


def test_a_slip_with_a_portraits_name_is_taken_back_with_all_photos(scanned: Scanned, samples: Path) -> None:
    worker = scanned.worker
    portrait = samples / "known/Barack Obama.jpg"
    (enrolled,) = worker.records("enrol", "Barack Obama", portrait)
    assert isinstance(enrolled["entry"], int)
    worker.run("link")
    before = scanned.rows()
    assert [row[6] for row in worker.rows(FACES)].count("Barack Obama") >= 3
    out, _ = worker.run("enrol", "Eve", portrait, "--rename")
    entry = entry_of(out)
    assert out.startswith(f"face {enrolled['face_id']} in {portrait} is Eve, and was Barack Obama. `undo {entry}` ")
    assert [row[6] for row in worker.rows(FACES)].count("Eve") >= 3
    worker.run("undo", entry)
    assert [row[6] for row in worker.rows(FACES)].count("Barack Obama") >= 3
    assert scanned.rows() == before
