"""Every message that five generations of Laravel published decodes to the job that was dispatched."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from faces.errors import UnreadableMessage
from tests.fixtures.laravel.captured import MESSAGES, message
from worker.laravel.limits import JobLimits
from worker.laravel.message import Command, Envelope, attempts_of

#: The class that a case dispatches, where it is not the app's own.
CLASSES = {
    "tuned": "TunedFaceJob",
    "unique": "UniqueFaceJob",
    "unique_until": "UniqueUntilFaceJob",
    "encrypted": "EncryptedFaceJob",
    "batch_2": "BatchableFaceJob",
    "priority_property": "PriorityFaceJob",
    "retry_until": "RetryUntilFaceJob",
}

LIMITS = {
    "tuned": JobLimits(max_tries=5, max_exceptions=2, fail_on_timeout=True, backoff=(10, 30, 60), timeout=120),
    "retry_until": JobLimits(retry_until=1893553445),
}

#: Cases whose class or dispatch names no queue.
NO_QUEUE = {"plain", "chain_bus", "batch_2"}

#: What stands behind the job in both cases of a chain.
CHAINED = tuple(
    b'O:%d:"App\\Jobs\\%s":1:{s:11:"\0*\0taskData";a:1:{s:8:"image_id";i:1;}}' % (len(name) + 9, name)
    for name in (b"ThumbnailProcessJob", b"ImageProcessJob")
)

PLAIN = [row for row in MESSAGES if row["case"] != "encrypted"]
ENCRYPTED = [row for row in MESSAGES if row["case"] == "encrypted"]


def name_of(row: dict[str, Any]) -> str:
    return f"{row['laravel']} {row['case']}"


def case_of(row: dict[str, Any]) -> str:
    return re.sub("^opt_.*", "on_queue_faces", str(row["case"]))


@pytest.mark.parametrize("row", MESSAGES, ids=name_of)
def test_an_envelope_has_the_jobs_class_ids_and_limits(row: dict[str, Any]) -> None:
    body = row["body"].encode()
    envelope = Envelope.decode(body)
    assert envelope.body is body
    assert envelope.class_name == "App\\Jobs\\" + CLASSES.get(case_of(row), "FaceProcessJob")
    assert envelope.limits == LIMITS.get(case_of(row), JobLimits())
    assert envelope.id == row["correlation_id"]
    assert re.fullmatch("[0-9a-f-]{36}", envelope.uuid or "")
    assert attempts_of(row["headers"]) == 0


@pytest.mark.parametrize("row", PLAIN, ids=name_of)
def test_a_command_has_the_jobs_image_queue_delay_and_chain(row: dict[str, Any]) -> None:
    case = case_of(row)
    command = Command.read(Envelope.decode(row["body"].encode()))
    assert command.class_name == "App\\Jobs\\" + CLASSES.get(case, "FaceProcessJob")
    assert command.image_id in ({1, 2} if case == "batch_2" else {1})
    assert command.queue == (None if case in NO_QUEUE else "faces")
    assert command.delay == (60 if case.endswith("delay_60") or row["case"].endswith("_delay") else None)
    assert command.chained == (CHAINED if case.startswith("chain_") else ())
    assert command.chain_queue == ("faces" if case == "chain_bus_on_queue" else None)
    assert command.chain_catch_callbacks == (b"a:0:{}" if case.startswith("chain_") else None)
    assert (command.batch_id is None) == (case != "batch_2")
    assert not command.encrypted


@pytest.mark.parametrize("row", PLAIN, ids=name_of)
def test_a_body_that_queue_retry_wrote_anew_is_the_same_job(row: dict[str, Any]) -> None:
    before = Envelope.decode(row["body"].encode())
    after = Envelope.decode(json.dumps(json.loads(row["body"]), indent=1).encode())
    assert after.uuid == before.uuid
    assert after.limits == before.limits
    assert after.command == before.command


@pytest.mark.parametrize("row", ENCRYPTED, ids=name_of)
def test_an_encrypted_command_opens_under_none_of_the_wrong_keys(row: dict[str, Any]) -> None:
    with pytest.raises(UnreadableMessage, match="encrypted under none of the 2 known keys"):
        Command.read(Envelope.decode(row["body"].encode()), (b"a" * 32, b"b" * 32))


@pytest.mark.parametrize("laravel", ["11.56.0", "12.19.3", "12.67.0", "13.6.0"])
def test_the_key_of_a_unique_jobs_lock_is_found_where_laravel_hides_it(laravel: str) -> None:
    envelope = Envelope.decode(message(laravel, "unique")["body"].encode())
    assert envelope.unique_key == "laravel_unique_job:App\\Jobs\\UniqueFaceJob:1"


def test_data_of_every_kind_is_read_as_it_was_sent() -> None:
    command = Command.read(Envelope.decode(message("12.19.3", "unicode")["body"].encode()))
    data = command.task_data
    assert list(data) == [
        *("image_id", "path", "emoji", "nested", "slash", "html", "float", "neg", "big", "nl", "nul", "u2028"),
        5,
    ]
    assert data["path"] == "images/été/日本.jpg"
    assert data["emoji"] == "😀"
    assert data["nul"] == "a\0b"
    assert data["float"] == 0.1
    assert str(data["neg"]) == "-0.0"
    assert data["big"] == 9007199254740993
    assert data["u2028"] == "\u2028"
