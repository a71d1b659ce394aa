"""A person may have more faces than one answer may name: what is said of the person as a whole is for any number."""

from __future__ import annotations

import json

import numpy as np
import sqlalchemy as sa

from faces.answers import joins, people_marks, who_it_is
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import MOST_FACES, Answers
from faces.answers.undo import undo
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.schema import faces
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

ANN, BOB = made_people(2, seed=5)

#: Faces of a person, so many on each photo: the number of photos is what making them costs.
LINKED, ON_PHOTO = MOST_FACES + 250, 250


def link_all(album: Album, master: int) -> None:
    """Photos come that are full of faces linked to one."""
    dice = np.random.default_rng(7)
    images = [album.rows.image() for _ in range(LINKED // ON_PHOTO)]

    def write(transaction: Transaction) -> None:
        for image in images:
            made = ANN + dice.normal(0, 0.02, (ON_PHOTO, len(ANN)))
            rows = [
                {"image_id": image, "face_index": place, "encoding": json.dumps(one.tolist())}
                | {"parent_id": master, "name": "Ann", "status": "process"}
                for place, one in enumerate(made)
            ]
            transaction.connection.execute(sa.insert(faces), rows)

    album.store.write(write)
    album.arrivals.update_images(images)


def counts(album: Album) -> list[tuple[str | None, int, int]]:
    rows = album.read("SELECT name, confirmed, linked FROM {people} ORDER BY id")
    return [(row["name"], row["confirmed"], row["linked"]) for row in rows]


def names(album: Album) -> dict[str | None, int]:
    rows = album.rows.read("SELECT name, COUNT(*) AS faces FROM faces GROUP BY name")
    return {row["name"]: row["faces"] for row in rows}


def test_all_of_a_person_is_renamed_joined_confirmed_and_forgotten_and_taken_back(
    album: Album, answers: Answers
) -> None:
    master = album.master(ANN, "Ann")
    album.master(BOB, "Bob")
    link_all(album, master)
    before = [("Ann", 1, LINKED), ("Bob", 1, 0)]
    assert counts(album) == before
    ann, bob = Ref("person", 1), Ref("person", 2)
    done: list[Answered] = []
    done.append(people_marks.rename(answers, GivenAnswer("me"), ann, "Eve"))
    assert names(album) == {"Eve": LINKED + 1, "Bob": 1}
    done.append(who_it_is.confirm(answers, GivenAnswer("me"), [ann]))
    assert counts(album) == [("Eve", LINKED + 1, 0), ("Bob", 1, 0)]
    done.append(joins.join(answers, GivenAnswer("me"), [bob, ann]))
    assert counts(album) == [(None, 0, 0), ("Bob", LINKED + 2, 0)]
    done.append(people_marks.forget(answers, GivenAnswer("me"), bob))
    assert names(album) == {None: LINKED + 2}
    for one in reversed(done):
        assert one.entry is not None
        assert undo(answers, GivenAnswer("me"), one.entry).left == ()
    assert counts(album) == before
    assert names(album) == {"Ann": LINKED + 1, "Bob": 1}
