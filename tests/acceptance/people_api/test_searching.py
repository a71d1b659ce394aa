"""Where else a face is, over HTTP: by a face that is known, by an encoding, and by a photo with the real face API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from faces.store.database import Store
from tests.acceptance.people_api.conftest import StartPeople
from tests.servers.library_rows import LibraryRows
from tests.servers.rows import Rows
from tests.servers.running_api import RunningApi
from tests.servers.running_people import RunningPeople
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people, photos_of

ADA, BOB, EVE = made_people(3, seed=5)


@pytest.fixture
def album(url: str, library: LibraryRows, rows: Rows) -> Iterator[Album]:
    store = Store.open(url)
    yield Album(store, rows)
    store.close()


def searched(people: RunningPeople, /, **fields: Any) -> Any:
    reply = people.client.post("/v1/search", json=fields)
    assert reply.status_code == 200, reply.text
    (found,) = reply.json()["faces"]
    return found


def test_a_known_face_has_its_like_and_an_encoding_the_very_face(people: RunningPeople, album: Album) -> None:
    ada = album.master(ADA, "Ada")
    others = [album.photo(one)[0] for one in photos_of(ADA, 3, seed=2)]
    album.master(BOB, "Bob")
    found = searched(people, face=ada, k=3)
    assert {one["id"] for one in found["faces"]} == set(others)
    assert (found["box"], found["quality"]) == (None, None)
    distances = [one["distance"] for one in found["faces"]]
    assert distances == sorted(distances)
    by_encoding = searched(people, encoding=ADA.tolist(), k=1)
    assert by_encoding["faces"][0]["id"] == ada
    assert by_encoding["faces"][0]["distance"] < 0.001
    assert by_encoding["faces"][0]["name"] == "Ada"
    assert by_encoding["people"][0]["name"] == "Ada"
    assert [one["name"] for one in by_encoding["people"]] == ["Ada", "Bob"]


def test_what_is_wanted_is_told_alone_and_what_is_removed_is_not(people: RunningPeople, album: Album) -> None:
    ada, bob = album.master(ADA, "Ada"), album.master(BOB, "Bob")
    (stranger,) = album.photo(EVE)
    ids = {person["name"]: person["id"] for person in people.get("/people")["items"]}

    def told(**wanted: Any) -> list[int]:
        return [one["id"] for one in searched(people, encoding=ADA.tolist(), **wanted)["faces"]]

    assert sorted(told()) == sorted([ada, bob, stranger])
    assert told(person=ids["Bob"]) == [bob]
    assert told(state="unknown") == [stranger]
    assert told(max_distance=0.1) == [ada]
    assert told(min_quality=100) == []
    assert searched(people, encoding=ADA.tolist(), people=0)["people"] == []
    album.rows.run("UPDATE faces SET deleted_at = '2026-01-01 00:00:00' WHERE id = :id", id=bob)
    assert sorted(told()) == sorted([ada, stranger])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({}, 422, "found neither face nor encoding"),
        ({"face": 1, "encoding": [0.0] * 128}, 422, "found face beside encoding"),
        ({"face": 99}, 400, "found no face f99"),
        ({"encoding": [9.0] * 128}, 422, "encoding: found an encoding that is longer"),
        ({"encoding": [0.1]}, 422, "encoding: list should have at least 128 items"),
        ({"face": 1, "k": 0}, 422, "k: input should be greater than or equal to 1"),
        ({"face": 1, "what": 0}, 422, "what: extra inputs are not permitted"),
    ],
)
def test_a_search_for_nothing_is_refused(people: RunningPeople, fields: Any, status: int, said: str) -> None:
    reply = people.client.post("/v1/search", json=fields)
    assert (reply.status_code, reply.json()["error"][: len(said)]) == (status, said)


def form(people: RunningPeople, photo: bytes, /, **fields: str) -> httpx2.Response:
    return people.client.post("/v1/search", files={"file": ("a.jpg", photo)}, data=fields)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_photos_faces_are_searched_for_one_by_one(
    album: Album, start_people: StartPeople, api: RunningApi, samples: Path
) -> None:
    people = start_people(FACE_API_URL=api.url)
    photo = (samples / "photos/side-by-side.jpg").read_bytes()
    first = form(people, photo)
    assert first.status_code == 200, first.text
    assert [one["faces"] for one in first.json()["faces"]] == [[], []]
    seen = api.client.post("/encode", files={"file": ("a.jpg", photo)}).json()["encodings"]
    names = [album.master(np.asarray(one), name) for one, name in zip(seen, ("Ann", "Ben"), strict=True)]
    found = form(people, photo, k="1", people="1").json()["faces"]
    assert [[one["id"] for one in each["faces"]] for each in found] == [[one] for one in names]
    assert [each["people"][0]["name"] for each in found] == ["Ann", "Ben"]
    assert all(0 < each["box"]["left"] < each["box"]["right"] < 1 for each in found)
    assert all(0 < each["quality"] <= 100 for each in found)
    assert form(people, b"no photo").status_code == 415
    assert json.loads(form(people, photo, k="x").text)["code"] == "wrong_field"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_without_a_face_api_a_photo_waits_and_a_face_is_found(album: Album, start_people: StartPeople) -> None:
    people = start_people(FACE_API_URL="http://127.0.0.1:9")
    album.master(ADA, "Ada")
    refused = form(people, b"a photo")
    assert (refused.status_code, refused.json()["code"]) == (503, "face_api_unavailable")
    assert refused.headers["retry-after"]
    assert len(searched(people, encoding=ADA.tolist())["faces"]) == 1
