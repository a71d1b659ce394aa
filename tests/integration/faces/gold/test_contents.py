"""Which photos are seen, by what their files are, and which marks an export writes, keeps and removes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import pytest

from faces.answers import who_it_is, who_it_is_not
from faces.answers.answer import GivenAnswer
from faces.answers.undo import undo
from faces.gold import gold_file
from faces.gold.contents import Content
from faces.gold.gold_file import GoldSet
from tests.integration.faces.gold.conftest import NewAlbum
from tests.integration.faces.gold.marked_album import ME, MarkedAlbum, refs, together
from tests.unit.faces.gold.marked import gold as gold_of
from tests.unit.faces.gold.marked import person
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM = made_people(3, seed=5)

ON_FILE = pytest.mark.parametrize("new_album", ["sqlite"], indirect=True)
BESIDE_AN_APP = pytest.mark.parametrize("new_album", ["v1"], indirect=True)


def changes(library: MarkedAlbum, gold: GoldSet) -> list[tuple[str, str]]:
    return [(change.photo, change.kind) for change in library.export(gold).changes]


def contents_of(library: MarkedAlbum, gold: GoldSet) -> list[Content]:
    return list(library.contents().of_gold(gold))


def test_an_export_removes_what_was_taken_back_here_and_keeps_what_never_was_said(library: MarkedAlbum) -> None:
    library.know("Ann", "Bob")
    (ann, bob), (cem,) = library.add("a.jpg", ANN, BOB), library.add("b.jpg", CEM)
    library.name("Ann", ann)
    stranger = library.stranger(cem)
    before = library.export().gold
    assert stranger.entry is not None
    undo(library.answers, GivenAnswer(ME), stranger.entry)
    who_it_is.move(library.answers, GivenAnswer(ME), refs(ann), "Bob")
    library.name("Bob", bob)
    assert changes(library, before) == [("a.jpg", "changed"), ("a.jpg", "added"), ("b.jpg", "removed")]
    after = library.export(before).gold
    assert together(after) == {"a.jpg": ["Bob", "Bob"]}
    who_it_is_not.unknown(library.answers, GivenAnswer(ME), refs(bob))
    assert changes(library, after) == [("a.jpg", "removed")]


def test_marks_without_a_find_and_of_other_photos_stay(new_album: NewAlbum) -> None:
    first = new_album()
    first.know("Ann")
    first.name("Ann", *first.add("a.jpg", ANN), *first.add("b.jpg", ANN))
    gold = first.export().gold
    other = new_album(shift=0.6)
    other.add("a.jpg", ANN)
    done = other.export(gold)
    assert (done.gold, done.not_found, done.elsewhere, done.changes) == (gold, 1, 1, [])
    assert other.compare(gold).missed == 1
    marks = other.marks(gold)
    assert [(photo, mark.words) for photo, mark in marks.not_found] == [("a.jpg", "Ann")]
    assert (marks.faces, marks.elsewhere) == ({}, 1)


@ON_FILE
def test_copies_are_one_photo_and_what_was_said_of_one_holds(new_album: NewAlbum) -> None:
    library = new_album()
    (first,), (copy,) = library.add("z.jpg", ANN, content=b"one"), library.add("a.jpg", ANN, content=b"one")
    library.name("Ann", copy)
    gold = library.export().gold
    assert together(gold) == {"a.jpg": ["Ann"]}
    assert library.marks(gold).same == 1
    assert library.compare(gold).by_people == 1
    library.name("Ann", first)
    assert library.export(gold).changes == []


@ON_FILE
def test_a_photo_that_is_gone_is_not_here(new_album: NewAlbum) -> None:
    library = new_album()
    library.name("Ann", *library.add("a.jpg", ANN))
    gold = library.export().gold
    library.rows.run("UPDATE scan_marks SET gone_at = '2026-01-01 00:00:00'")
    assert contents_of(library, gold) == []
    assert library.export().gold == {}
    assert library.export(gold).elsewhere == 1
    assert library.files.names == []


@ON_FILE
def test_a_photo_that_was_not_looked_at_yet_is_told_apart(new_album: NewAlbum) -> None:
    library = new_album()
    library.name("Ann", *library.add("a.jpg", ANN))
    gold = library.export().gold
    library.rows.run("UPDATE images SET faces_checked = 0")
    assert [content.checked for content in contents_of(library, gold)] == [False]


@BESIDE_AN_APP
def test_beside_an_app_only_files_of_the_sizes_of_a_gold_set_are_read(new_album: NewAlbum) -> None:
    library = new_album()
    library.know("Ann")
    face, *_ = library.add("a.jpg", ANN), library.add("longer name.jpg", BOB), library.add("b.jpg", CEM)
    library.name("Ann", *face)
    gold = library.export().gold
    assert library.files.names == ["a.jpg"]
    library.files.names.clear()
    assert [content.hint for content in contents_of(library, gold)] == ["a.jpg"]
    assert library.files.names == ["a.jpg", "b.jpg"]
    assert library.said == [
        "reading photos: this database does not know what is in their files",
        "asking the face API: this database does not know where in a photo its faces are",
    ]


@BESIDE_AN_APP
def test_files_and_places_that_are_not_known_are_left_out_and_told(new_album: NewAlbum) -> None:
    library = new_album()
    (ann,), (bob,) = library.add("a.jpg", ANN), library.add("b.jpg", BOB)
    library.name("Ann", ann)
    library.name("Bob", bob)
    (library.folder / "a.jpg").unlink()
    library.found[b"<b.jpg>"].found = [CEM]
    contents = library.contents()
    assert [content.faces for content in contents.answered({})] == [()]
    assert contents.unusable.files == ["photos:a.jpg"]
    assert contents.unusable.faces == [bob]


# --- killed ---


class _Death:
    """Comes at an audit event of this number that is about the file's folder."""

    def __init__(self, folder: str, number: int) -> None:
        self._folder, self._left = folder, number

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in ("open", "os.rename", "os.chmod", "os.remove") and str(arguments[0]).startswith(self._folder):
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _write_and_die(file: Path, gold: GoldSet, number: int) -> None:
    sys.addaudithook(_Death(str(file.parent), number))
    gold_file.write(file, gold)


@pytest.mark.parametrize("is_there", [True, False])
def test_wherever_an_export_is_killed_the_file_is_the_old_or_the_new_one(tmp_path: Path, *, is_there: bool) -> None:
    old, new = gold_of(person(1, "Ann")), gold_of(person(1, "Bob"), person(3, "Cem"))
    file, kills = tmp_path / "gold.jsonl", 0
    if is_there:
        gold_file.write(file, old)
    before = file.read_bytes() if is_there else None
    while True:
        process = multiprocessing.get_context("forkserver").Process(target=_write_and_die, args=(file, new, kills + 1))
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        assert (file.read_bytes() if file.exists() else None) == before
        kills += 1
    assert kills >= 2
    assert gold_file.read(file) == new
