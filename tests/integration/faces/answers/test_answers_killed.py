"""A process is killed at each statement and at the commit of an answer: all of it was said, or nothing."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from uuid import uuid4

from tests.servers.all_facts import all_facts, differing
from tests.servers.answering import saying
from tests.servers.arriving import Photos, end_of, live
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM = made_people(3, seed=5)

#: Every so many statements it dies; 1 is all of them.
_STEP = 23

#: What is said, one after the other; entries are found when it comes to that.
SAID: list[tuple[str, list[str], str]] = [
    ("name", ["g{group}"], "Cem"),
    ("move", ["f{master}"], "Bob"),
    ("join", ["p1", "p2"], ""),
    ("reject", ["f{linked}"], "p1"),
    ("undo", [], "{joined}"),
    ("undo", [], "{named}"),
]


def test_at_whatever_statement_an_answer_is_killed_it_is_said_wholly_or_not_at_all(
    album: Album, url: str, tmp_path: Path
) -> None:
    photos = Photos(url, tmp_path, {})
    known = library_of_three(album)
    kills = 0
    for what, ids, who in SAID:
        known |= entries(album)
        kills += say_and_kill(album, photos, what, [one.format(**known) for one in ids], who.format(**known))
        assert album.wrong() == []
    assert kills >= len(SAID)


def library_of_three(album: Album) -> dict[str, int]:
    """Ann and Bob are known, with linked faces; three faces of Cem are a group."""
    ann, bob = album.master(ANN, "Ann"), album.master(BOB, "Bob")
    album.photo(ANN, parent_id=ann, name="Ann")
    (linked,) = album.photo(BOB, parent_id=bob, name="Bob")
    cem = [album.photo(CEM)[0] for _ in range(3)]
    (group,) = [group for group, members in album.members().items() if members == cem]
    return {"master": ann, "linked": linked, "group": group}


def entries(album: Album) -> dict[str, int]:
    """The newest of each kind."""
    return {row["kind"]: row["id"] for row in album.read("SELECT id, kind FROM {ledger} ORDER BY id")}


def say_and_kill(album: Album, photos: Photos, what: str, ids: list[str], who: str) -> int:
    """Give an answer by processes that die at one statement after the other, until one lives; how many died."""
    before, uuid = all_facts(album.read), str(uuid4())
    for kills in count():
        if end_of(live(photos, saying(what, uuid, ids, who), 8 + kills * _STEP)):
            break
        assert differing(before, all_facts(album.read)) == ""
        assert album.read("SELECT id FROM {ledger} WHERE uuid = :uuid", uuid=uuid) == []
    assert differing(before, all_facts(album.read)) != ""
    assert len(album.read("SELECT id FROM {ledger} WHERE uuid = :uuid", uuid=uuid)) == 1
    return kills
