"""A person draws a box where no face was found: the face is there from then on, until that is taken back."""

from __future__ import annotations

import numpy as np
import pytest

from faces.answers.added import DrawnFace, add
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.errors import RequestError
from faces.people.kept_face import FaceState, Said
from faces.people.reconcile import reconcile
from faces.photo.face import Quality, RatioBox
from faces.store import faces
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM = made_people(3, seed=5)

ME = GivenAnswer("me")


def drawn(encoding: np.ndarray) -> DrawnFace:
    return DrawnFace(encoding, Quality(60.0, 10.0, 20.0, 20.0, 10.0), RatioBox(0.1, 0.4, 0.3, 0.2))


def image_of(album: Album, face: int) -> int:
    return int(album.rows.one("SELECT image_id FROM faces WHERE id = :id", id=face)["image_id"])


def test_it_has_the_next_number_and_a_group(album: Album, answers: Answers) -> None:
    image = image_of(album, album.photo(ANN)[0])
    done = add(answers, GivenAnswer("me"), image, drawn(BOB))
    (face,) = done.faces
    row = album.face_rows([face])[0]
    assert (row["image_id"], row["face_index"], row["status"]) == (image, 1, "process")
    assert album.read("SELECT says FROM {answers}") == [{"says": Said.ADDED}]
    assert (face,) in album.groups()
    assert album.wrong() == []


def test_with_a_name_it_is_that_person(album: Album, answers: Answers) -> None:
    image = image_of(album, album.photo(ANN)[0])
    (face,) = add(answers, GivenAnswer("me"), image, drawn(BOB), "Bob").faces
    row = album.face_rows([face])[0]
    assert (row["status"], row["name"], row["parent_id"]) == ("ok", "Bob", None)
    assert album.read("SELECT name, confirmed FROM {people}") == [{"name": "Bob", "confirmed": 1}]
    assert album.wrong() == []


def test_a_job_never_removes_it(album: Album, answers: Answers) -> None:
    image = image_of(album, album.photo(ANN)[0])
    (face,) = add(answers, GivenAnswer("me"), image, drawn(BOB)).faces
    with album.store.reading() as transaction:
        rows = faces.of_image(transaction, image)
    plan = reconcile(np.stack([ANN]), rows, redo=False)
    assert (plan.removed, plan.inserted, plan.indexes[face]) == ((), (), 1)


def test_a_face_that_is_there_is_not_added_again(album: Album, answers: Answers) -> None:
    (one,) = album.photo(ANN)
    with pytest.raises(RequestError, match=f"f{one} of this photo is that face"):
        add(answers, ME, image_of(album, one), drawn(ANN))
    with pytest.raises(RequestError, match="found no image 77"):
        add(answers, ME, 77, drawn(ANN))


@pytest.mark.parametrize("who", [None, "Bob"])
def test_taken_back_it_is_removed_and_brought_back_it_is_there(album: Album, answers: Answers, who: str | None) -> None:
    image = image_of(album, album.photo(ANN)[0])
    added = add(answers, GivenAnswer("me"), image, drawn(BOB), who)
    (face,) = added.faces
    assert added.entry is not None
    undone = undo(answers, GivenAnswer("me"), added.entry)
    assert album.face_rows([face])[0]["deleted_at"] is not None
    assert album.read("SELECT * FROM {face_index} WHERE face_id = :id", id=face) == []
    assert album.wrong() == []
    assert undone.entry is not None
    undo(answers, GivenAnswer("me"), undone.entry)
    assert album.face_rows([face])[0]["deleted_at"] is None
    state = FaceState.UNKNOWN if who is None else FaceState.CONFIRMED
    assert album.read("SELECT state FROM {face_index} WHERE face_id = :id", id=face) == [{"state": state}]
    assert album.wrong() == []
