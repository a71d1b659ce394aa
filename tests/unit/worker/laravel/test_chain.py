from __future__ import annotations

import json
import re
from typing import Any

import pytest

from faces.errors import UnreadableMessage
from tests.fixtures.laravel.captured import CHAINS
from worker.laravel import serialized
from worker.laravel.chain import NewJob, new_job, next_job
from worker.laravel.encryption import decrypt
from worker.laravel.message import Command, Envelope

NEXT = b'O:1:"J":1:{s:11:"\0*\0taskData";a:1:{s:8:"image_id";i:1;}}'
LAST = b'O:1:"K":0:{}'


def command_of(job: NewJob) -> bytes:
    return Envelope.decode(job.body).command


def following(*chained: bytes, **fields: Any) -> NewJob:
    job = next_job(Command("App\\Jobs\\FaceProcessJob", {}, chained=chained, **fields), 1795220180, "default")
    assert job is not None
    return job


@pytest.mark.parametrize("row", CHAINS, ids=lambda row: str(row["next_queue"]))
def test_the_next_job_is_byte_for_byte_the_one_that_php_published(row: dict[str, Any]) -> None:
    job = next_job(Command.read(Envelope.decode(row["job"].encode())), 1795220180, "default")
    if row["next"] is None:
        assert job is None
        return
    assert job is not None
    ours, theirs = json.loads(job.body), json.loads(row["next"])
    assert ours["data"] == theirs["data"]
    assert job.queue == row["next_queue"]
    of_its_own = {"uuid", "id", "createdAt", "maxTries", "failOnTimeout", "timeout", "illuminate:log:context"}
    assert {k: v for k, v in ours.items() if k not in of_its_own} == {
        k: v for k, v in theirs.items() if k not in of_its_own
    }


def test_a_new_job_is_a_message_of_its_own() -> None:
    names = iter(["the-uuid", "the-id"])
    command = Command("J", {}, chained=(NEXT,))
    job = next_job(command, 1795220180, "default", lambda: next(names))
    assert job is not None
    payload = json.loads(job.body)
    assert payload["uuid"] == "the-uuid"
    assert payload["id"] == "the-id"
    assert job.id == "the-id"
    assert payload["createdAt"] == 1795220180
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", following(NEXT).id)


@pytest.mark.parametrize(
    ("own", "chain_queue", "queue"),
    [
        (b's:4:"mine";', "theirs", "mine"),
        (b"N;", "theirs", "theirs"),
        (b's:0:"";', "theirs", "theirs"),
        (b"N;", None, "default"),
    ],
)
def test_a_job_goes_to_its_own_queue_else_to_the_chains_else_to_default(
    own: bytes, chain_queue: str | None, queue: str
) -> None:
    job = following(b'O:1:"J":1:{s:5:"queue";' + own + b"}", chain_queue=chain_queue)
    assert job.queue == queue
    kept = serialized.read(command_of(job))
    assert isinstance(kept, serialized.PhpObject)
    assert kept.find("queue") == (None if queue == "default" else queue)


def test_the_rest_of_the_chain_and_its_catch_closures_are_carried_on_as_they_are() -> None:
    closures = b'a:1:{i:0;O:7:"Closure":1:{s:1:"c";s:3:"a;b";}}'
    job = following(
        *(NEXT, LAST, b"any bytes"), chain_queue="faces", chain_connection="rabbitmq", chain_catch_callbacks=closures
    )
    assert command_of(job) == (
        b'O:1:"J":7:{s:11:"\0*\0taskData";a:1:{s:8:"image_id";i:1;}s:10:"connection";s:8:"rabbitmq";s:5:"queue";s:5:"faces";'
        b's:7:"chained";a:2:{i:0;s:12:"O:1:"K":0:{}";i:1;s:9:"any bytes";}s:15:"chainConnection";s:8:"rabbitmq";'
        b's:10:"chainQueue";s:5:"faces";s:19:"chainCatchCallbacks";' + closures + b"}"
    )


def test_what_a_job_shows_of_an_earlier_chain_is_replaced_where_it_stands() -> None:
    shown = b's:7:"chained";a:1:{i:0;s:1:"x";}s:10:"chainQueue";N;s:1:"z";d:0.10;'
    job = following(b'O:1:"J":3:{' + shown + b"}", LAST, chain_queue="faces")
    assert command_of(job) == (
        b'O:1:"J":4:{s:7:"chained";a:1:{i:0;s:12:"O:1:"K":0:{}";}s:10:"chainQueue";s:5:"faces";s:1:"z";d:0.10;'
        b's:5:"queue";s:5:"faces";}'
    )


def test_limits_and_a_delay_that_the_job_itself_shows_count() -> None:
    at = (
        b'O:8:"DateTime":3:{s:4:"date";s:26:"2026-11-21 00:00:00.000000";'
        b's:13:"timezone_type";i:3;s:8:"timezone";s:3:"UTC";}'
    )
    job = following(
        b'O:1:"J":8:{s:5:"tries";i:5;s:7:"timeout";N;s:7:"backoff";a:2:{i:0;i:1;i:1;i:5;}s:13:"failOnTimeout";b:1;'
        b's:5:"delay";i:30;s:7:"batchId";s:3:"b-1";s:10:"retryUntil";' + at + b's:13:"maxExceptions";i:2;}'
    )
    payload = json.loads(job.body)
    shown = {"maxTries": 5, "timeout": None, "backoff": "1,5", "failOnTimeout": True, "retryUntil": 1795219200}
    assert payload | shown == payload
    assert job.delay == 30
    assert payload["maxExceptions"] == 2
    assert payload["data"]["batchId"] == "b-1"


def test_the_context_goes_on_without_the_lock_of_the_job_before() -> None:
    hidden = {"laravel_unique_job_key": "x", "laravel_unique_job_cache_store": "y", "tenant": "i:5;"}
    job = following(NEXT, context={"data": {"trace": 's:1:"t";'}, "hidden": hidden})
    assert json.loads(job.body)["illuminate:log:context"] == {
        "data": {"trace": 's:1:"t";'},
        "hidden": {"tenant": "i:5;"},
    }
    assert "illuminate:log:context" not in json.loads(following(NEXT, context={"data": [], "hidden": []}).body)


def test_after_an_encrypted_job_the_next_one_is_encrypted() -> None:
    key = b"k" * 32
    text = command_of(following(NEXT, key=key)).decode()
    assert decrypt(text, (key,)) == serialized.write_bytes(NEXT)


def test_references_stay_right_where_nothing_moves() -> None:
    same = b'O:1:"J":3:{s:1:"a";O:1:"D":0:{}s:1:"b";r:2;s:5:"queue";N;}'
    assert command_of(following(same, LAST, chain_queue="faces")).startswith(
        b'O:1:"J":5:{s:1:"a";O:1:"D":0:{}s:1:"b";r:2;s:5:"queue";s:5:"faces";s:7:"chained"'
    )


@pytest.mark.parametrize(
    ("job", "closures", "sentence"),
    [
        (b'O:1:"J":2:{s:7:"chained";a:0:{}s:1:"b";r:1;}', None, "refers to places in its own bytes"),
        (NEXT, b"a:1:{i:0;r:1;}", "refers to places in its own bytes"),
        (b"i:5;", None, "is no serialized object"),
        (b'C:1:"J":1:{x}', None, "is no serialized object"),
        (b"nonsense", None, "serialized data, byte 0"),
        (b'O:1:"J":1:{i:0;i:1;}', None, "serializes itself in a way of its own"),
        (b'O:1:"J":1:{s:1:"a";s:1:"\xff";}', None, "is not UTF-8, so that JSON cannot hold it"),
        (b'O:1:"J":1:{s:5:"queue";E:7:"Queue:A";}', None, "the queue of the chain's next job is PhpEnum"),
        (b'O:1:"J":1:{s:5:"delay";s:1:"x";}', None, "needed is a moment or a number of seconds"),
    ],
)
def test_a_next_job_that_cannot_be_carried_on_is_refused(job: bytes, closures: bytes | None, sentence: str) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        following(job, LAST, chain_catch_callbacks=closures)
    assert sentence in str(caught.value)


def test_a_job_that_we_only_name_is_dispatched_as_php_would() -> None:
    job = new_job("App\\Jobs\\ImageProcessJob", {"image_id": 7}, "images", 1795220180)
    command = Command.read(Envelope.decode(job.body))
    assert job.queue == "images"
    assert command.queue == "images"
    assert command.image_id == 7
    assert command_of(job) == (
        b'O:24:"App\\Jobs\\ImageProcessJob":2:{s:11:"\0*\0taskData";a:1:{s:8:"image_id";i:7;}s:5:"queue";s:6:"images";}'
    )
    assert json.loads(job.body)["failOnTimeout"] is False
