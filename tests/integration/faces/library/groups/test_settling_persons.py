"""Where the app has persons a group's likely person is suggested in its faces' rows, as the app's own job does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people, photos_of

pytestmark = pytest.mark.parametrize("url", ["mariadb v5"], indirect=True)

ANN = made_people(1, seed=4)[0]


def enrol(album: Album, person: np.ndarray) -> int:
    """A person of the app's, with a photo on which somebody has said so; its id."""
    insert = "INSERT INTO persons (name, centroid_embedding, embeddings_count) VALUES ('Ann', :centroid, 1)"
    app_person: int = album.rows.run(insert, centroid=json.dumps(person.tolist()))
    album.photo(person, status="ok", person_id=app_person)
    return app_person


def told(album: Album, faces: list[int]) -> set[tuple[str, Any]]:
    return {(row["status"], row["person_id"]) for row in album.face_rows(faces)}


def test_a_sure_group_is_suggested_whole_and_has_a_name(album: Album) -> None:
    faces = [face for photo in photos_of(ANN, 3) for face in album.photo(photo)]
    ann = enrol(album, ANN)
    assert album.settling.settle_all().asked.faces == 3
    assert told(album, faces) == {("suggested", ann)}
    assert album.read("SELECT person_id FROM {groups}") == [{"person_id": 1}]
    assert album.read("SELECT suggested, confirmed FROM {people}") == [{"suggested": 3, "confirmed": 1}]
    assert album.wrong() == []


def test_what_is_likely_is_suggested_and_the_group_has_no_name(album: Album) -> None:
    (face,) = album.photo(photos_of(ANN, 1)[0])
    ann = enrol(album, ANN)
    # One more who is as near: nobody is linked by itself, and the likelier one is suggested.
    enrol(album, photos_of(ANN, 1, seed=5)[0])
    album.settling.settle_all()
    (row,) = album.face_rows([face])
    assert row["status"] == "suggested"
    assert row["person_id"] in (ann, ann + 1)
    assert album.read("SELECT person_id FROM {groups} WHERE size > 0") == [{"person_id": None}]
    assert album.wrong() == []


def test_a_suggestion_of_the_app_is_left_as_it_is(album: Album) -> None:
    other = enrol(album, made_people(2, seed=9)[1])
    faces = album.photo(photos_of(ANN, 1)[0], status="suggested", person_id=other)
    enrol(album, ANN)
    album.settling.settle_all()
    assert told(album, faces) == {("suggested", other)}
    assert album.wrong() == []


def test_where_nearest_links_nothing_is_written_into_the_apps_rows(album: Album) -> None:
    album.links(calibrated=False)
    faces = [face for photo in photos_of(ANN, 2) for face in album.photo(photo)]
    enrol(album, ANN)
    album.settling.settle_all()
    assert told(album, faces) == {("process", None)}
    (group,) = album.read("SELECT offered_person_id FROM {groups}")
    assert group == {"offered_person_id": 1}
    assert album.wrong() == []


def test_what_is_nearer_to_what_is_no_face_is_not_suggested(album: Album) -> None:
    pattern = made_people(1, seed=31)[0]
    ann = enrol(album, ANN)
    (none,) = album.photo(ANN + (pattern - ANN) * 0.2)
    album.say(none, "not_face")
    (held,) = album.photo(ANN + (pattern - ANN) * 0.15)
    (near,) = album.photo(ANN + (pattern - ANN) * 0.02)
    album.settling.settle_all()
    assert told(album, [held]) == {("process", None)}
    assert told(album, [near]) == {("suggested", ann)}
    assert album.read("SELECT like_not_face FROM {face_index} WHERE face_id = :id", id=held) == [
        {"like_not_face": none}
    ]
    assert album.wrong() == []
