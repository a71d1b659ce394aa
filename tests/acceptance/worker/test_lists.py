"""The lists of people and groups, and what the list of faces says of them: on a file of our own and beside an app."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from faces.people.kept_face import FaceState
from tests.servers.library_rows import LibraryRows
from tests.servers.people import PEOPLE
from tests.servers.rows import Rows
from tests.servers.worker_process import Worker

#: As `export --csv` had them before there were people and groups.
OLD_COLUMNS = [
    "photo",
    "id",
    "image_id",
    "face_index",
    "name",
    "status",
    "parent_id",
    "quality",
    "distance",
    "top",
    "right",
    "bottom",
    "left",
]


@pytest.fixture
def lister(tmp_path: Path, url: str) -> Iterator[Worker]:
    """A worker that needs no API."""
    worker = Worker(tmp_path / "home", {"FACE_DATABASE_URL": url})
    yield worker
    worker.end()


@dataclass
class Library:
    """Ada has a confirmed and a linked face and is offered for a group of two; one face is in no group."""

    ada: int
    group: int
    known: int
    linked: int
    unknown: list[int]
    alone: int


@pytest.fixture
def library(url: str) -> Iterator[Library]:
    rows, ours = Rows(url), LibraryRows(url)
    ada = ours.person("Ada", confirmed=1, linked=1, suggested=2, last_taken=datetime(2024, 5, 1, 12, 30))
    group = ours.group(2, offered_person_id=ada, probability=0.87)
    ours.group(1)
    images = [rows.image(filename=f"{name}.jpg") for name in "abcde"]
    known = rows.face(images[0], PEOPLE[0], name="Ada", status="ok")
    linked = rows.face(images[1], PEOPLE[0], parent_id=known)
    unknown = [rows.face(image, PEOPLE[1], face_index=3) for image in images[2:4]]
    alone = rows.face(images[4], PEOPLE[2])
    ours.indexed(known, images[0], FaceState.CONFIRMED, person_id=ada)
    ours.indexed(linked, images[1], FaceState.LINKED, person_id=ada)
    for face, image, quality in zip(unknown, images[2:4], (50, 60), strict=True):
        offered = {"person_id": ada, "probability": 0.87, "group_id": group}
        ours.indexed(face, image, FaceState.SUGGESTED, quality=quality, **offered)
    rows.close()
    ours.close()
    yield Library(ada, group, known, linked, unknown, alone)


def table(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_people_are_listed_for_a_person_and_for_machines(lister: Worker, library: Library) -> None:
    head, row = table(lister.run("people")[0])
    assert head == ["id", "name", "confirmed", "linked", "offered", "last taken"]
    assert row == [f"p{library.ada}", "Ada", "1", "1", "2", "2024-05-01 12:30:00"]
    ((record,),) = lister.records("people")
    assert record == {
        "ref": f"p{library.ada}",
        "id": library.ada,
        "name": "Ada",
        "confirmed": 1,
        "linked": 1,
        "suggested": 2,
        "last_taken": "2024-05-01T12:30:00",
        "hidden": False,
        "favourite": False,
    }
    assert lister.records("people", "--name", "ADA") == [[record]]
    assert lister.records("people", "--hidden") == [[]]
    out, err = lister.run("people", "--name", "Eve", "--json", code=1)
    assert out == "[]\n"
    assert err.endswith("people: found nobody named Eve; `people` without --name lists all\n")


def test_groups_are_listed_for_a_person_and_for_machines(lister: Worker, library: Library) -> None:
    head, row = table(lister.run("groups")[0])
    assert head == ["id", "faces", "who", "photo", "face"]
    assert row == [f"g{library.group}", "2", "Ada? 87 %", "photos:2020/d.jpg", "3"]
    ((record,),) = lister.records("groups")
    assert record == {
        "ref": f"g{library.group}",
        "id": library.group,
        "faces": 2,
        "person_id": None,
        "person": None,
        "offered_person_id": library.ada,
        "offered": "Ada",
        "probability": 0.87,
        "photo": "photos:2020/d.jpg",
        "face_id": library.unknown[1],
        "face_index": 3,
    }
    assert len(lister.records("groups", "--min", "1")[0]) == 2
    assert lister.records("groups", "--named") == [[]]


def test_a_page_says_how_the_next_one_is_asked_for(lister: Worker, library: Library) -> None:
    out, err = lister.run("groups", "--min", "1", "--limit", "1")
    assert err.endswith(f"groups: there are more: --after g{library.group} lists those behind it\n")
    assert len(table(out)) == 2
    out, err = lister.run("groups", "--min", "1", "--limit", "1", "--after", f"g{library.group}")
    assert "there are more" not in err
    assert len(table(out)) == 2


def test_faces_tell_who_is_offered_their_group_and_their_id_with_its_letter(lister: Worker, library: Library) -> None:
    head, *rows = table(lister.run("faces")[0])
    assert head == ["photo", "face", "who", "distance", "quality", "status", "group", "id"]
    group = f"g{library.group}"
    assert [(row[2], row[6], row[7]) for row in rows] == [
        ("Ada", "", f"f{library.known}"),
        ("Ada", "", f"f{library.linked}"),
        ("Ada? 87 %", group, f"f{library.unknown[0]}"),
        ("Ada? 87 %", group, f"f{library.unknown[1]}"),
        ("", "", f"f{library.alone}"),
    ]
    (records,) = lister.records("faces")
    assert [record["id"] for record in records] == [library.known, library.linked, *library.unknown, library.alone]
    assert [record["state"] for record in records] == ["confirmed", "linked", "suggested", "suggested", None]
    assert [record["name"] for record in records] == ["Ada", "Ada", None, None, None]
    assert [record["offered"] for record in records] == [None, None, "Ada", "Ada", None]


def test_the_faces_of_a_person_and_of_a_group_are_lists_of_their_own(lister: Worker, library: Library) -> None:
    def ids(*words: str) -> list[int]:
        return [face["id"] for face in lister.records("faces", *words)[0]]

    assert ids("--person", f"p{library.ada}") == [library.known, library.linked, *library.unknown[::-1]]
    assert ids("--group", f"g{library.group}") == library.unknown[::-1]
    assert ids("--group", f"g{library.group}", "--after", f"f{library.unknown[1]}") == library.unknown[:1]
    assert ids("--after", f"f{library.unknown[0]}", "--limit", "1") == library.unknown[1:]


def test_what_may_be_no_face_is_a_list_of_its_own(lister: Worker, url: str) -> None:
    rows, ours = Rows(url), LibraryRows(url)
    images = [rows.image(filename=f"{name}.jpg") for name in "abc"]
    none, like, other = (rows.face(image, PEOPLE[0]) for image in images)
    ours.indexed(none, images[0], FaceState.NOT_FACE)
    ours.indexed(like, images[1], like_not_face=none)
    ours.indexed(other, images[2])
    rows.close()
    ours.close()
    _, row = table(lister.run("faces", "--not-face")[0])
    assert (row[2], row[7]) == ("not a face?", f"f{like}")
    ((record,),) = lister.records("faces", "--not-face")
    assert (record["id"], record["state"], record["like_not_face"]) == (like, "unknown", none)
    assert [record["like_not_face"] for record in lister.records("faces")[0]] == [None, none, None]
    assert lister.records("faces", "--not-face", "--after", f"f{like}")[0] == []


@pytest.mark.parametrize(
    "words",
    [
        ("--group", "g1", "--person", "p1"),
        ("--group", "g1", "--not-face"),
        ("--not-face", "--after", "f1"),
        ("--group", "g1", "--name", "Ada"),
        ("--person", "p1", "--offset", "2"),
        ("--not-face", "--offset", "2"),
        ("--after", "f1", "--name", "Ada"),
        ("--after", "f1", "--offset", "2"),
        ("--group", "g99"),
        ("--person", "p99"),
        ("--group", "1"),
        ("--group", "p1"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_listed_is_refused(lister: Worker, library: Library, words: tuple[str, ...]) -> None:
    _, err = lister.run("faces", *words, code=2)
    assert "found " in err
    assert "needed " in err


def test_an_export_has_the_new_columns_behind_the_old_ones(lister: Worker, library: Library) -> None:
    head, *rows = csv.reader(io.StringIO(lister.run("export", "--csv")[0].removeprefix("\ufeff")))
    assert head == [*OLD_COLUMNS, "group_id", "person_id", "state", "probability", "offered", "like_not_face"]
    assert rows[2][-6:] == [str(library.group), str(library.ada), "suggested", "0.87", "Ada", ""]
    assert rows[4][-6:] == [""] * 6


def test_a_face_is_named_by_the_id_that_the_list_shows(lister: Worker, url: str) -> None:
    rows = Rows(url)
    face = rows.face(rows.image(filename="e.jpg"), PEOPLE[0])
    rows.close()
    out, _ = lister.run("enrol", "Eve", "--id", f"f{face}")
    assert out.startswith(f"face {face} in photos:2020/e.jpg is Eve")
    out, _ = lister.run("enrol", "Eve King", "--id", face, "--rename")
    assert "is Eve King" in out


@pytest.mark.parametrize("url", ["mariadb"], indirect=True)
def test_beside_an_app_without_our_tables_lists_are_as_before_and_new_ones_say_what_makes_them(
    lister: Worker, url: str
) -> None:
    rows = Rows(url)
    face = rows.face(rows.image(), PEOPLE[0])
    rows.close()
    assert table(lister.run("faces")[0]) == [
        ["photo", "face", "who", "distance", "quality", "status", "id"],
        ["photos:2020/a.jpg", "0", "", "", "", "process", f"f{face}"],
    ]
    ((record,),) = lister.records("faces")
    assert record["state"] is None
    for words in (
        ["people"],
        ["groups"],
        ["faces", "--group", "g1"],
        ["faces", "--person", "p1"],
        ["faces", "--not-face"],
    ):
        _, err = lister.run(*words, code=1)
        assert (
            "found no tables of people and groups in this database, needed those that `worker tables --create` makes"
            in err
        )
