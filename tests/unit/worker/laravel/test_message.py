from __future__ import annotations

import json
from typing import Any

import pytest

from faces.errors import UnreadableMessage
from worker.laravel import serialized
from worker.laravel.message import HANDLER, Command, Envelope, attempts_of

CLASS = "App\\Jobs\\FaceProcessJob"


def body(**changes: Any) -> bytes:
    """A plain job's body; a change to ... leaves the key out."""
    data = {"commandName": CLASS, "command": job('s:11:"\0*\0taskData";a:1:{s:8:"image_id";i:1;}')}
    payload = {"uuid": "u-1", "job": HANDLER, "data": data, "id": "i-1", **changes}
    return json.dumps({key: value for key, value in payload.items() if value is not ...}).encode()


def job(properties: str, class_name: str = CLASS, count: int = 1) -> str:
    return f'O:{len(class_name)}:"{class_name}":{count}:{{{properties}}}'


def with_command(command: str) -> Envelope:
    return Envelope.decode(body(data={"commandName": CLASS, "command": command}))


UNUSABLE = [
    (b"", "the body is not JSON"),
    (b"hello", "the body is not JSON"),
    (b"\xff\xfe{\0}\0", "the body is not UTF-8 at byte 0"),
    (b'{"job": "\xc3"}', "the body is not UTF-8 at byte 9"),
    (b"\xef\xbb\xbf{}", "the body is not JSON"),
    (b"[]", "the body is [], needed is an object"),
    (b"null", "the body is missing, needed is an object"),
    (b"{}", "the payload's job is missing, needed is a text"),
    (body(job=...), "the payload's job is missing"),
    (body(job=7), "the payload's job is 7"),
    (body(data=...), "the payload's data is missing, needed is an object"),
    (body(data=[]), "the payload's data is [], needed is an object"),
    (body(data={"command": "O:"}), "the payload's commandName is missing"),
    (body(data={"commandName": CLASS}), "the payload's command is missing"),
    (body(data={"commandName": CLASS, "command": 5}), "the payload's command is 5"),
    (body(data={"commandName": CLASS, "command": "\ud800"}), "the body is not JSON: 'utf-8' codec can't encode"),
    (body(**{"illuminate:log:context": {"data": {"x": "\ud800"}}}), "surrogates not allowed"),
    (body(uuid=5), "the payload's uuid is 5, needed is a text"),
    (body(uuid=""), "the payload's uuid is '', needed is a text"),
    (body(id="é" * 128), "the payload's id is longer than 255 bytes"),
    (body(maxTries="many"), "the payload's maxTries is 'many', needed is a number or null"),
    (body(timeout=[1]), "the payload's timeout is [1]"),
    (body().replace(b'"u-1"', b"NaN"), "the body is not JSON: found NaN"),
    (body().replace(b'"u-1"', b"1" * 5000), "the body is not JSON"),
    (b'{"a": "' + b"x" * 5_000_000 + b'"}', "found a body of 5000009 bytes, read are at most 4194304"),
]


@pytest.mark.parametrize(("content", "sentence"), UNUSABLE, ids=lambda value: repr(value[:40]))
def test_a_body_that_is_no_job_is_refused_in_a_sentence_that_says_why(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        Envelope.decode(content)
    assert sentence in str(caught.value)


def test_unknown_keys_and_missing_ids_are_no_fault() -> None:
    envelope = Envelope.decode(body(uuid=..., id=..., tomorrow={"x": [1.5, None]}))
    assert envelope.uuid is None
    assert envelope.id == ""
    assert envelope.class_name == CLASS
    assert Envelope.decode(body(id=...)).id == "u-1"


def test_a_job_that_is_a_text_has_its_class_and_no_command() -> None:
    envelope = Envelope.decode(body(job="App\\Old\\Resize@fire", data={"width": 5}))
    assert envelope.class_name == "App\\Old\\Resize"
    assert envelope.command == b""


def test_the_batch_is_named_by_the_payload_or_by_the_command() -> None:
    data = {"commandName": CLASS, "command": job("", count=0), "batchId": "b-1"}
    envelope = Envelope.decode(body(data=data))
    assert envelope.batch_id == "b-1"
    assert Command.read(envelope).batch_id == "b-1"
    assert Command.read(with_command(job('s:7:"batchId";s:3:"b-2";'))).batch_id == "b-2"


@pytest.mark.parametrize(
    ("key", "read"),
    [
        (serialized.write(f"laravel_unique_job:{CLASS}:1").decode(), True),
        (serialized.write(f"laravel_unique_job:{'0123456789abcdef' * 2}:1").decode(), True),
        (serialized.write("laravel_unique_job:App\\Jobs\\EarlierJob:1").decode(), False),
        ('s:99:"laravel"', False),
        ("i:5;", False),
        (5, False),
    ],
)
def test_a_unique_jobs_lock_is_only_named_by_a_key_of_its_class(key: object, read: bool) -> None:
    context = {"data": [], "hidden": {"laravel_unique_job_key": key}}
    found = Envelope.decode(body(**{"illuminate:log:context": context})).unique_key
    assert (found is not None) == read


@pytest.mark.parametrize("context", [None, [], {"hidden": []}, {"hidden": None}])
def test_a_context_of_another_form_is_no_fault(context: object) -> None:
    assert Envelope.decode(body(**{"illuminate:log:context": context})).unique_key is None


@pytest.mark.parametrize(
    ("headers", "attempts"),
    [
        (None, 0),
        ({}, 0),
        ({"laravel": None}, 0),
        ({"laravel": {"attempts": 2}}, 2),
        ({"laravel": {"attempts": 2**40}}, 2**40),
        ({"laravel": {"attempts": 2**63 - 1}}, 2**63 - 2),
        ({"laravel": {"attempts": -1}}, 0),
        ({"laravel": {"attempts": True}}, 0),
        ({"laravel": {"attempts": "2"}}, 0),
        ({"laravel": [2], "x-death": [{"count": 5}]}, 0),
    ],
)
def test_attempts_are_what_laravels_header_says_and_nothing_else(headers: Any, attempts: int) -> None:
    assert attempts_of(headers) == attempts


@pytest.mark.parametrize("value", ['s:1:"7";', "i:7;", 's:3:"007";'])
def test_an_image_id_is_a_number_or_a_text_of_digits(value: str) -> None:
    command = Command.read(with_command(job(f's:11:"\0*\0taskData";a:1:{{s:8:"image_id";{value}}}')))
    assert command.image_id == 7


@pytest.mark.parametrize(
    "value",
    ["i:0;", "i:-1;", "b:1;", "d:1;", "N;", 's:0:"";', 's:2:"7 ";', 's:3:"\u0667a";', 's:2:"-7";', "a:0:{}"]
    + [f's:{digits}:"{"9" * digits}";' for digits in (20, 5000)],
)
def test_what_is_no_image_id_is_refused(value: str) -> None:
    command = Command.read(with_command(job(f's:11:"\0*\0taskData";a:1:{{s:8:"image_id";{value}}}')))
    with pytest.raises(UnreadableMessage, match=r"the job's image_id is .*, needed is a number from 1"):
        _ = command.image_id


@pytest.mark.parametrize("data", ["i:5;", "a:0:{}", 'O:1:"D":1:{s:8:"image_id";i:1;}'])
def test_data_without_an_image_is_refused_when_the_image_is_asked_for(data: str) -> None:
    command = Command.read(with_command(job(f's:11:"\0*\0taskData";{data}')))
    with pytest.raises(UnreadableMessage, match="the job's image_id is missing"):
        _ = command.image_id


@pytest.mark.parametrize("name", ["\0*\0taskData", f"\0{CLASS}\0taskData", "taskData"])
def test_the_data_may_be_protected_private_or_public(name: str) -> None:
    command = Command.read(with_command(job(f's:{len(name)}:"{name}";a:1:{{s:8:"image_id";i:3;}}')))
    assert command.image_id == 3


def test_a_class_that_shows_all_its_properties_is_read_as_one_that_shows_what_it_set() -> None:
    nothing = "".join(f's:{len(name)}:"{name}";N;' for name in ("queue", "chainQueue", "chainCatchCallbacks", "delay"))
    command = Command.read(with_command(job(nothing + 's:7:"chained";a:0:{}', count=5)))
    assert command == Command(CLASS, {})


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ('O:1:"J":0:{}', f"the command is J, its envelope says {CLASS}"),
        ("O:", "needed a length"),
        ("b:1;", "neither a serialized job nor encrypted"),
        ('s:1:"a";', "neither a serialized job nor encrypted"),
        ("eyJpdiI6MX0=", "neither a serialized job nor encrypted"),
        (job('s:7:"chained";s:1:"a";'), "chained is no list of serialized jobs"),
        (job('s:7:"chained";a:1:{i:0;i:5;}'), "chained is no list of serialized jobs"),
    ],
)
def test_a_command_that_is_no_job_of_its_class_is_refused(command: str, sentence: str) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        Command.read(with_command(command))
    assert sentence in str(caught.value)


def test_values_are_printed_without_the_message_and_the_keys() -> None:
    envelope = with_command(job("", count=0))
    assert "taskData" not in repr(envelope)
    assert "context" not in repr(Command.read(envelope))
