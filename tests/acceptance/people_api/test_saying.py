"""Who faces are by their encodings, what people say over HTTP, and taking it back; over real libraries."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from faces.store.database import Store
from tests.servers.library_rows import LibraryRows
from tests.servers.rows import Rows
from tests.servers.running_people import KEYS, RunningPeople
from tests.servers.settled_album import Album
from tests.servers.waiting import wait_for
from tests.unit.faces.people.made_people import made_people, photos_of

ADA, BOB, EVE = made_people(3, seed=5)


@pytest.fixture
def album(url: str, library: LibraryRows, rows: Rows) -> Iterator[Album]:
    store = Store.open(url)
    yield Album(store, rows)
    store.close()


class Speaker:
    """Somebody with a key that may answer."""

    def __init__(self, people: RunningPeople) -> None:
        self.client = people.asked_with(KEYS["answer"])

    def say(self, verb: str, **fields: Any) -> Any:
        reply = self.post("answers", verb=verb, **fields)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def undo(self, entry: int, **fields: Any) -> Any:
        reply = self.post("undo", entry=entry, **fields)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def post(self, path: str, **fields: Any) -> Any:
        return self.client.post(f"/v1/{path}", json={"id": str(uuid4()), **fields})


@pytest.fixture
def speaker(people: RunningPeople) -> Iterator[Speaker]:
    speaker = Speaker(people)
    yield speaker
    speaker.client.close()


def identified(people: RunningPeople, encodings: Any) -> Any:
    reply = people.client.post("/v1/identify", json={"encodings": encodings})
    assert reply.status_code == 200, reply.text
    return reply.json()["faces"]


def test_each_encoding_gets_the_likeliest_person_and_the_next_two(people: RunningPeople, album: Album) -> None:
    assert identified(people, [ADA.tolist()]) == [None], "nobody is known yet"
    for person, name in ((ADA, "Ada"), (BOB, "Bob"), (EVE, "Eve")):
        album.master(person, name)
    ids = {person["name"]: person["id"] for person in people.get("/people")["items"]}
    rows = np.stack([BOB, ADA, BOB])
    found = identified(people, rows.tolist())
    assert [one["name"] for one in found] == ["Bob", "Ada", "Bob"]
    assert [one["person_id"] for one in found] == [ids["Bob"], ids["Ada"], ids["Bob"]]
    assert all(one["distance"] < 0.001 < one["next"][0]["distance"] < one["next"][1]["distance"] for one in found)
    assert all(0 < one["probability"] <= 1 for one in found)
    assert {one["name"] for one in found[1]["next"]} == {"Bob", "Eve"}
    short = identified(people, base64.b64encode(rows.astype("<f4").tobytes()).decode())
    assert [one["person_id"] for one in short] == [one["person_id"] for one in found]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "the body is no valid JSON"),
        (b"", 400, "the body is no valid JSON"),
        (b"[]", 422, "input should be an object"),
        (b"{}", 422, "encodings: field required"),
        (b'{"encodings": []}', 422, "encodings: list should have at least 1 item"),
        (b'{"encodings": [[1, 2]]}', 422, "encodings.0: list should have at least 128 items"),
        (b'{"encodings": [[' + b"1," * 127 + b"true]]}", 422, "encodings.0.127: input should be a valid number"),
        (b'{"encodings": "abc"}', 422, "encodings is no base64"),
        (b'{"encodings": "YWJj"}', 422, "encodings has 3 bytes, needed 512 for each"),
        (b'{"encodings": [[' + b"1e300," * 127 + b"1]]}", 422, "encodings: found an encoding that is longer"),
        (b'{"encodings": [[' + b"NaN," * 127 + b"1]]}", 422, "encodings.0.0: input should be a finite number"),
        (b'{"encodings": [[1]], "more": 1}', 422, "more: extra inputs are not permitted"),
        (b'{"encodings": [' + b"[1]," * 1000 + b"[1]]}", 422, "at most 1000 items"),
    ],
)
def test_what_cannot_be_identified_is_told(people: RunningPeople, body: bytes, status: int, said: str) -> None:
    reply = people.client.post("/v1/identify", content=body)
    assert reply.status_code == status
    assert said in reply.json()["error"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_more_than_four_megabytes_are_not_read(people: RunningPeople) -> None:
    reply = people.client.post("/v1/identify", content=b" " * 4_000_001)
    assert (reply.status_code, reply.json()["code"]) == (413, "request_too_large")


def test_a_group_is_named_and_the_same_id_twice_is_one_entry(
    people: RunningPeople, album: Album, speaker: Speaker
) -> None:
    for _ in range(3):
        album.photo(ADA)
    (group,) = people.get("/groups")["items"]
    answer = {"id": str(uuid4()), "group": group["id"], "revision": group["revision"], "name": "Ada", "by": "ann"}
    done = speaker.say("name", **answer)
    assert (len(done["faces"]), done["kind"], done["again"], done["left"]) == (3, "named", False, [])
    again = speaker.say("name", **answer)
    assert (again["entry"], again["again"], again["faces"]) == (done["entry"], True, done["faces"])
    (person,) = people.get("/people")["items"]
    assert (person["id"], person["name"], person["confirmed"]) == (done["people"][0], "Ada", 3)
    (entry,) = people.get("/ledger", by="ann")["items"]
    assert (entry["id"], entry["kind"], entry["faces"]) == (done["entry"], "named", 3)


def test_an_answer_about_a_group_that_has_changed_is_refused_and_writes_nothing(
    people: RunningPeople, album: Album, speaker: Speaker
) -> None:
    album.photo(ADA), album.photo(ADA)
    (group,) = people.get("/groups")["items"]
    album.photo(ADA)
    reply = speaker.post("answers", verb="name", group=group["id"], revision=group["revision"] - 1, name="Ada")
    assert (reply.status_code, reply.json()["code"]) == (409, "changed")
    assert people.get("/people")["items"] == []


def test_what_was_said_is_taken_back_and_brought_back(people: RunningPeople, album: Album, speaker: Speaker) -> None:
    (face,) = album.photo(ADA)
    named = speaker.say("name", faces=[face], name="Ada")
    tried = speaker.undo(named["entry"], dry_run=True)
    assert tried["faces"] == [face]
    assert people.get("/people")["items"][0]["confirmed"] == 1
    undone = speaker.undo(named["entry"])
    assert undone["faces"] == [face]
    assert people.get("/faces", state="confirmed")["items"] == []
    redone = speaker.undo(undone["entry"])
    assert redone["faces"] == [face]
    assert [one["name"] for one in people.get("/faces", state="confirmed")["items"]] == ["Ada"]
    entries = {one["id"]: one for one in people.all_pages("/ledger", limit=1)}
    assert entries[named["entry"]]["undone_by"] is None, "the undo was undone"
    assert entries[undone["entry"]]["undone_by"] == redone["entry"]
    gone = speaker.post("undo", entry=999)
    assert (gone.status_code, gone.json()["code"]) == (400, "bad_request")


def test_each_verb_does_what_it_says(people: RunningPeople, album: Album, speaker: Speaker) -> None:
    ada, other, third = (album.photo(person)[0] for person in (ADA, BOB, EVE))
    person = speaker.say("name", faces=[ada], name="Ada")["people"][0]

    def state(face: int) -> tuple[str, str | None]:
        (told,) = (one for one in people.all_pages("/faces") if one["id"] == face)
        return told["state"], told["name"]

    speaker.say("name", faces=[other], person=person)
    assert state(other) == ("confirmed", "Ada")
    speaker.say("reject", faces=[other], person=person)
    assert state(other)[0] == "unknown"
    speaker.say("stranger", faces=[other])
    assert state(other)[0] == "stranger"
    speaker.say("move", faces=[other], name="Bob")
    assert state(other) == ("confirmed", "Bob")
    speaker.say("unknown", faces=[other])
    assert state(other)[0] in {"unknown", "suggested"}
    speaker.say("not_face", faces=[third])
    assert state(third)[0] == "not_face"


def test_a_person_is_renamed_hidden_marked_and_forgotten(people: RunningPeople, album: Album, speaker: Speaker) -> None:
    (face,) = album.photo(ADA)
    ada = speaker.say("name", faces=[face], name="Adda")["people"][0]
    seen = people.get(f"/people/{ada}")["revision"]
    speaker.say("rename", person=ada, name="Ada", revision=seen)
    refused = speaker.post("answers", verb="forget", person=ada, revision=seen)
    assert (refused.status_code, refused.json()["code"]) == (409, "changed")
    speaker.say("favourite", person=ada)
    speaker.say("hide", person=ada)
    told = people.get(f"/people/{ada}")
    assert (told["name"], told["favourite"], told["hidden"], told["confirmed"]) == ("Ada", True, True, 1)
    speaker.say("hide", person=ada, off=True)
    assert [one["id"] for one in people.get("/people")["items"]] == [ada]
    forgotten = speaker.say("forget", person=ada, revision=people.get(f"/people/{ada}")["revision"])
    assert forgotten["faces"] == [face]
    assert people.get("/people")["items"] == []
    speaker.undo(forgotten["entry"])
    assert people.get("/people", name="ada")["items"][0]["id"] == ada


def test_people_are_joined_and_what_is_not_one_is_split_and_kept_apart(
    people: RunningPeople, album: Album, speaker: Speaker
) -> None:
    group = [album.photo(one)[0] for one in photos_of(ADA, 3, seed=2)]
    (other,) = album.photo(BOB)
    (named,) = people.get("/groups")["items"]
    ada = speaker.say("name", group=named["id"], name="Ada", revision=named["revision"])["people"][0]
    bob = speaker.say("name", faces=[other], name="Bob")["people"][0]
    speaker.say("cover", person=ada, faces=[group[1]])
    assert album.read("SELECT cover FROM {people} WHERE id = :id", id=ada) == [{"cover": group[1]}]
    joined = speaker.say("join", refs=[f"p{ada}", f"p{bob}"])
    assert joined["faces"] == [other]
    assert people.get(f"/people/{bob}")["id"] == ada, "the old id leads to the one who stayed"
    speaker.undo(joined["entry"])
    speaker.say("apart", refs=[f"p{ada}", f"p{bob}"])
    refused = speaker.post("answers", verb="join", refs=[f"p{ada}", f"p{bob}"])
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert speaker.say("split", person=ada, faces=[group[0]])["faces"] == [group[0]]
    assert people.get(f"/people/{ada}")["confirmed"] == 2
    assert album.wrong() == []


def test_linked_faces_of_a_person_are_confirmed_at_once(people: RunningPeople, album: Album, speaker: Speaker) -> None:
    album.master(ADA, "Ada")
    (linked,) = album.photo(ADA, follow=False)
    (person,) = people.get("/people")["items"]
    album.rows.run(
        "UPDATE faces SET parent_id = (SELECT id FROM (SELECT MIN(id) AS id FROM faces) AS first) WHERE id = :id",
        id=linked,
    )
    image = album.rows.one("SELECT image_id FROM faces WHERE id = :id", id=linked)["image_id"]
    album.arrivals.update_images([image])
    assert people.get("/faces", state="linked")["items"][0]["id"] == linked
    assert speaker.say("confirm", person=person["id"])["faces"] == [linked]
    assert people.get(f"/people/{person['id']}")["confirmed"] == 2


def test_a_named_person_is_offered_for_others_soon_after(people: RunningPeople, album: Album, speaker: Speaker) -> None:
    near = ADA + np.random.default_rng(1).normal(0, 0.02, 128).astype(np.float32)
    (face,), (alike,) = album.photo(ADA, follow=False), album.photo(near, follow=False)
    speaker.say("name", faces=[face], name="Ada")

    def is_asked() -> bool:
        # While it changes its place in the list between two reads it may be on neither.
        states = [one["state"] for one in people.all_pages("/faces") if one["id"] == alike]
        return states in (["suggested"], ["linked"])

    wait_for(is_asked, what="an offer or a link behind the answer")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"verb": "name", "faces": [1]}, "name without person and name"),
        ({"verb": "name", "name": "Ada"}, "found name of name, needed faces or group"),
        ({"verb": "name", "faces": [1], "group": 1, "name": "Ada"}, "found name of faces and group and name, needed"),
        ({"verb": "name", "faces": [1], "person": 1, "name": "Ada"}, "found person beside name"),
        ({"verb": "stranger", "faces": [1], "name": "Ada"}, "found stranger with name"),
        ({"verb": "confirm", "faces": [1], "person": 1}, "found confirm of faces and person, needed faces or group"),
        ({"verb": "rename", "person": 1}, "found rename without name"),
        ({"verb": "rename", "name": "Ada"}, "found rename of name, needed person"),
        ({"verb": "hide", "person": 1, "group": 1}, "found hide of group and person, needed person"),
        ({"verb": "join", "faces": [1, 2]}, "found join of faces, needed refs"),
        ({"verb": "join", "refs": ["p1"]}, "found join of 1, needed two or more"),
        ({"verb": "join", "refs": ["12", "p1"]}, "refs.0: string should match pattern"),
        ({"verb": "apart", "refs": ["p1", "p2", "p3"]}, "found apart of 3, needed two"),
        ({"verb": "apart", "refs": ["p1", "p2"], "revision": 1}, "found revision without a group or person"),
        ({"verb": "split", "faces": [1]}, "found split of faces, needed faces and group or faces and person"),
        ({"verb": "cover", "person": 1, "faces": [1, 2]}, "found cover of 2 faces, needed one"),
        ({"verb": "stranger", "faces": [1], "person": 1}, "found stranger of faces and person, needed faces or group"),
        ({"verb": "forget", "person": 1, "off": True}, "found off, which is for hide and favourite"),
        ({"verb": "reject", "faces": [1], "name": "Ada", "new": True}, "found new, which is for name"),
        ({"verb": "delete", "faces": [1]}, "verb: input should be 'name'"),
        ({"verb": "name", "faces": [1], "name": "Ada", "revision": 1}, "found revision without a group or person"),
        ({"verb": "name", "faces": ["1"], "name": "Ada"}, "faces.0: input should be a valid integer"),
        ({"verb": "name", "faces": list(range(1, 5002)), "name": "Ada"}, "at most 5000 items"),
        ({"verb": "name", "faces": [1], "name": "Ada", "by": "machine"}, "by: found 'machine'"),
        ({"verb": "name", "faces": [1], "name": "Ada", "by": "a\nb"}, "by: found 'a\\nb'"),
        ({"verb": "name", "faces": [1], "name": "Ada", "id": "x"}, "id: input should be a valid UUID"),
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused(speaker: Speaker, fields: dict[str, Any], said: str) -> None:
    reply = speaker.post("answers", **fields)
    assert (reply.status_code, reply.json()["code"]) == (422, "wrong_field")
    assert said in reply.json()["error"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_reading_key_identifies_and_answers_nothing(people: RunningPeople, speaker: Speaker) -> None:
    for path in ("answers", "undo"):
        reply = people.client.post(f"/v1/{path}", json={})
        assert (reply.status_code, reply.json()["code"]) == (403, "scope_needed")
    assert people.client.post("/v1/identify", json={}).status_code == 422
    absent = speaker.post("answers", verb="name", faces=[99], name="Ada")
    assert (absent.status_code, absent.json()["code"]) == (400, "bad_request")
    assert "found no face f99" in absent.json()["error"]
