"""Two people answer about the same faces at once, one in the middle of the other: no answer is lost, none is half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from faces.answers import joins, who_it_is, who_it_is_not
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.errors import ChangedSince, RequestError
from faces.people.refs import Ref
from faces.store.database import Store
from tests.servers.arriving import COHORT, Arriving, Photos
from tests.servers.in_the_middle import Works, at_each_lock
from tests.servers.library_verdict import unlike_a_fresh_one, wrong
from tests.servers.rows import Rows
from tests.servers.sidecar import PREFIX

pytestmark = pytest.mark.parametrize("url", ["mariadb"], indirect=True)


#: The other comes in between before each so many locks; 1 is all of them.
_EVERY = 9


@dataclass
class TwoPeople:
    """Two processes, each with somebody who answers, and what became of their answers."""

    rows: Rows
    processes: tuple[Arriving, Arriving]
    done: dict[str, Answered] = field(default_factory=dict)
    refused: dict[str, Exception] = field(default_factory=dict)
    told: list[set[str]] = field(default_factory=list)

    def photo(self, encoding: np.ndarray, **values: object) -> int:
        """A photo of a person comes; the face's id."""
        image = self.rows.image()
        face = self.rows.face(image, encoding, **values)
        for process in self.processes[:1]:
            process.arrivals.update_images([image])
        return face

    def begin(self) -> None:
        """Another pair of answers."""
        self.done, self.refused = {}, {}

    def says(self, which: int, verb: Callable[[Answers, GivenAnswer], Answered], **seen: int) -> Callable[[], None]:
        """To say it by one of both; a conflict is noted."""
        process, name = self.processes[which], "one" if which == 0 else "other"
        answers = Answers(process.arrivals, process.settling)
        answer = GivenAnswer(name, seen={Ref.parse(ref): revision for ref, revision in seen.items()})

        def give() -> None:
            try:
                self.done[name] = verb(answers, answer)
            except (ChangedSince, RequestError) as error:
                self.refused[name] = error

        return give

    def row(self, face: int) -> dict[str, object]:
        """Of the app's table."""
        return self.rows.one("SELECT status, name, parent_id FROM faces WHERE id = :id", id=face)

    def said(self, face: int) -> int:
        """The entry that said something of a face last, 0 for none."""
        found = self.rows.read(f"SELECT entry FROM {PREFIX}answers WHERE face_id = :id", id=face)
        return found[0]["entry"] if found else 0

    def entries(self) -> int:
        """How many there are in the ledger."""
        return int(self.rows.one(f"SELECT COUNT(*) AS n FROM {PREFIX}ledger")["n"])


@pytest.fixture
def two(url: str, tmp_path: Path) -> Iterator[TwoPeople]:
    photos = Photos(url, tmp_path, {})
    two = TwoPeople(Rows(url), (Arriving(photos), Arriving(photos)))
    yield two
    for process in two.processes:
        process.close()
    two.rows.close()


def named(face: int, name: str) -> Callable[[Answers, GivenAnswer], Answered]:
    return lambda answers, said: who_it_is.move(answers, said, [Ref("face", face)], name)


def test_of_two_answers_to_a_face_that_was_seen_one_wins_and_the_other_is_told(two: TwoPeople, store: Store) -> None:
    made: list[int] = []

    def prepare(photos: np.ndarray) -> Works:
        see_that_one_won()
        made.append(two.photo(photos[0]))
        two.begin()
        seen = {f"f{made[-1]}": 0}
        return two.says(0, named(made[-1], "Ann"), **seen), two.says(1, named(made[-1], "Bob"), **seen)

    def see_that_one_won() -> None:
        if made:
            (winner,), (loser,) = two.done, two.refused
            assert {winner, loser} == {"one", "other"}
            assert isinstance(two.refused[loser], ChangedSince)
            assert two.row(made[-1])["name"] == ("Ann" if winner == "one" else "Bob")
            assert two.said(made[-1]) == two.done[winner].entry

    assert at_each_lock(prepare, every=_EVERY) > 5
    see_that_one_won()
    assert two.entries() == len(made)
    assert wrong(store, COHORT) == []


def test_of_two_answers_to_a_face_the_second_sees_the_first(two: TwoPeople, store: Store) -> None:
    made: list[int] = []

    def prepare(photos: np.ndarray) -> Works:
        see_that_the_last_holds()
        made.append(two.photo(photos[0]))
        two.begin()
        return two.says(0, named(made[-1], "Ann")), two.says(1, named(made[-1], "Bob"))

    def see_that_the_last_holds() -> None:
        if made:
            assert two.refused == {}
            last = max(two.done, key=lambda name: two.done[name].entry or 0)
            assert two.row(made[-1])["name"] == ("Ann" if last == "one" else "Bob")
            assert two.said(made[-1]) == two.done[last].entry

    assert at_each_lock(prepare, every=_EVERY) > 5
    see_that_the_last_holds()
    assert two.entries() == 2 * len(made)
    assert wrong(store, COHORT) == []
    for process in two.processes:
        assert unlike_a_fresh_one(store, process.library) == []


#: What two people say at once of three faces, the first of whom is a master that the second hangs on.
AT_ONCE: dict[str, tuple[Callable[..., Answered], Callable[..., Answered]]] = {
    "a group is named by both": (
        lambda a, s, f: who_it_is.name(a, s, [f["group"]], f"Ann {f['group']}"),
        lambda a, s, f: who_it_is.name(a, s, [f["group"]], f"Bob {f['group']}"),
    ),
    "a new name is said twice": (
        lambda a, s, f: who_it_is.name(a, s, [f["group"]], f"New {f['group']}"),
        lambda a, s, f: who_it_is.move(a, s, [f["linked"]], f"New {f['group']}"),
    ),
    "what hangs on a face is confirmed while that is moved": (
        lambda a, s, f: who_it_is.move(a, s, [f["master"]], f"Bob {f['group']}"),
        lambda a, s, f: who_it_is.confirm(a, s, [f["linked"]]),
    ),
    "two people are joined both ways": (
        lambda a, s, f: joins.join(a, s, [f["person"], f["another"]]),
        lambda a, s, f: joins.join(a, s, [f["another"], f["person"]]),
    ),
    "a face is said to be none while its group is named": (
        lambda a, s, f: who_it_is.name(a, s, [f["group"]], f"Ann {f['group']}"),
        lambda a, s, f: who_it_is_not.not_face(a, s, [f["member"]]),
    ),
    "an entry is taken back by both": (
        lambda a, s, f: undo(a, s, f["entry"]),
        lambda a, s, f: undo(a, s, f["entry"]),
    ),
}


@pytest.mark.parametrize("what", AT_ONCE)
def test_whatever_two_people_say_at_once_all_is_as_it_must_be(two: TwoPeople, store: Store, what: str) -> None:
    first, second = AT_ONCE[what]

    def prepare(photos: np.ndarray) -> Works:
        found = known_faces(two, photos)
        two.begin()
        return (
            two.says(0, lambda answers, said: first(answers, said, found)),
            two.says(1, lambda answers, said: second(answers, said, found)),
        )

    assert at_each_lock(prepare, every=_EVERY) > 3
    assert wrong(store, COHORT) == []
    query = f"SELECT name FROM {PREFIX}people WHERE name IS NOT NULL GROUP BY name HAVING COUNT(*) > 1"
    assert two.rows.read(query) == []
    for process in two.processes:
        assert unlike_a_fresh_one(store, process.library) == []


def known_faces(two: TwoPeople, photos: np.ndarray) -> dict[str, object]:
    """A person of a master and a linked face, another person, and a group of two faces that was named by an answer."""
    master = two.photo(
        photos[0], status="ok", name=f"Master {two.entries()} {len(two.rows.read('SELECT id FROM images'))}"
    )
    linked = two.photo(photos[1], parent_id=master)
    member = two.photo(-photos[2])
    two.photo(-photos[2] + 0.001)
    another = two.photo(
        -photos[0], status="ok", name=f"Another {two.entries()} {len(two.rows.read('SELECT id FROM images'))}"
    )
    index = {row["face_id"]: row for row in two.rows.read(f"SELECT * FROM {PREFIX}face_index")}
    group = Ref("group", index[member]["group_id"])
    process = two.processes[0]
    done = who_it_is_not.stranger(
        Answers(process.arrivals, process.settling), GivenAnswer("before"), [Ref("face", linked)]
    )
    assert done.entry is not None
    undo(Answers(process.arrivals, process.settling), GivenAnswer("before"), done.entry)
    again = who_it_is.confirm(Answers(process.arrivals, process.settling), GivenAnswer("x"), [Ref("face", linked)])
    return {
        "master": Ref("face", master),
        "linked": Ref("face", linked),
        "member": Ref("face", member),
        "group": group,
        "person": Ref("person", index[master]["person_id"]),
        "another": Ref("person", index[another]["person_id"]),
        "entry": again.entry,
    }
