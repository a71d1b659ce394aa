"""A process is killed at each statement and at the commit of an answer: all of it was said, or nothing."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.servers.all_facts import all_facts, differing
from tests.servers.answering import SAYING, saying
from tests.servers.arriving import Arriving, Photos, Work
from tests.servers.lives import end_of, live
from tests.servers.rows import Rows
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM, DAN, EVE = made_people(5, seed=5)

Saying = tuple[str, list[str], str]
Facts = dict[str, list[str]]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

#: What is said in one album, one after the other, by whom it is about; `{named}` is the newest entry of that kind.
SAID: dict[str, list[Saying]] = {
    "who it is": [
        ("name", ["g{cem}"], "Cem"),
        ("confirm", ["f{linked}"], ""),
        ("move", ["f{ann}"], "Bob"),
        ("undo", [], "{moved}"),
        ("undo", [], "{undone}"),
    ],
    "a face by itself": [
        ("enrol", ["f{eve}"], "Eve"),
        ("add", ["{image}"], "Fay"),
        ("undo", [], "{added}"),
        ("undo", [], "{enrolled}"),
    ],
    "who it is not": [
        ("reject", ["f{linked}"], "p1"),
        ("apart", ["g{cem}", "p1"], ""),
        ("stranger", ["g{dan}"], ""),
        ("not face", ["f{eve}"], ""),
        ("unknown", ["f{ann}"], ""),
        ("undo", [], "{rejected}"),
    ],
    "groups and people": [
        ("join", ["g{cem}", "g{dan}"], ""),
        ("split", ["g{cem}", "f{one_of_cem}"], ""),
        ("split", ["p1", "f{linked}"], ""),
        ("undo", [], "{split}"),
        ("join", ["p1", "p2"], ""),
        ("undo", [], "{joined}"),
    ],
    "people": [
        ("rename", ["p1"], "Anna"),
        ("hide", ["p2"], ""),
        ("favourite", ["p1"], ""),
        ("cover", ["p1", "f{ann}"], ""),
        ("forget", ["p1"], ""),
        ("undo", [], "{forgotten}"),
    ],
}


@pytest.mark.parametrize("what", SAID)
def test_at_whatever_statement_an_answer_is_killed_it_is_said_wholly_or_not_at_all(
    album: Album, url: str, tmp_path: Path, what: str
) -> None:
    photos = Photos(url, tmp_path)
    known = library_of_five(album)
    for number, (verb, ids, who) in enumerate(SAID[what]):
        known |= entries(album)
        say = saying(verb, str(uuid4()), [one.format(**known) for one in ids], who.format(**known))
        whole = said_in_a_copy(album, say, tmp_path / f"{number}.db") if album.store.is_file else None
        killed = say_and_kill(album, photos, say)
        assert whole is None or differing(timeless(whole), timeless(killed)) == ""
        assert album.wrong() == []


def test_every_answer_is_killed() -> None:
    assert {verb for said in SAID.values() for verb, _, _ in said} == SAYING.keys()


def library_of_five(album: Album) -> dict[str, int]:
    """Ann and Bob are known, with linked faces; three faces of Cem and two of Dan are groups; Eve is on one photo."""
    ann, bob = album.master(ANN, "Ann"), album.master(BOB, "Bob")
    (linked,) = album.photo(ANN, parent_id=ann, name="Ann")
    album.photo(BOB, parent_id=bob, name="Bob")
    cem = [album.photo(CEM)[0] for _ in range(3)]
    dan = [album.photo(DAN)[0] for _ in range(2)]
    (eve,) = album.photo(EVE)
    group_of = {faces[0]: group for group, faces in album.members().items()}
    return {
        "ann": ann,
        "linked": linked,
        "cem": group_of[cem[0]],
        "one_of_cem": cem[0],
        "dan": group_of[dan[0]],
        "eve": eve,
        "image": album.rows.one("SELECT image_id FROM faces WHERE id = :id", id=eve)["image_id"],
    }


def entries(album: Album) -> dict[str, int]:
    """The newest of each kind."""
    return {row["kind"]: row["id"] for row in album.read("SELECT id, kind FROM {ledger} ORDER BY id")}


def said(album: Album) -> list[int]:
    """The entries of people."""
    return [row["id"] for row in album.read("SELECT id FROM {ledger} WHERE actor != 'machine' ORDER BY id")]


def said_in_a_copy(album: Album, say: Work, file: Path) -> Facts:
    """What all is after an answer that nobody disturbs."""
    album.rows.run(f"VACUUM INTO '{file}'")
    rows = Rows(f"sqlite:///{file}")
    with closing(rows), closing(Arriving(Photos(f"sqlite:///{file}", file.parent))) as arriving:
        say(arriving)
        return all_facts(Album(arriving.store, rows).read)


def timeless(facts: Facts) -> Facts:
    """Without the moments at which rows were made or deleted."""
    return {table: sorted(_MOMENT.sub("", row) for row in rows) for table, rows in facts.items()}


def say_and_kill(album: Album, photos: Photos, say: Work) -> Facts:
    """Give an answer by processes each of which dies a statement later, until one dies behind the commit.

    Who then says it once more under the same uuid changes nothing. Returns what all is then.
    """
    before, entered, untouched = all_facts(album.read), said(album), committed(album)
    die_at = 0
    while committed(album) == untouched:
        die_at += 1
        assert not end_of(live(photos, say, die_at, rehearsed=True)), "it came to its end, and nothing was written"
    after = all_facts(album.read)
    assert differing(before, after) != ""
    assert len(said(album)) == len(entered) + 1, die_at
    assert end_of(live(photos, say))
    assert len(said(album)) == len(entered) + 1
    assert differing(after, all_facts(album.read)) == ""
    return after


def committed(album: Album) -> object:
    """Another value as soon as anybody else has written anything at all."""
    if album.store.is_file:
        return album.rows.one("PRAGMA data_version")
    tables = ", ".join(next(iter(row.values())) for row in album.rows.read("SHOW TABLES"))
    return album.rows.read(f"CHECKSUM TABLE {tables}")
