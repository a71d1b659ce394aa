import json
from uuid import NAMESPACE_OID, uuid5

import pytest

from faces.store.failed_jobs import FailedJob, uuid_of


def test_a_message_without_a_name_is_named_by_its_bytes() -> None:
    assert uuid_of(b"{}") == uuid5(NAMESPACE_OID, "{}")
    assert len({uuid_of(body) for body in (b"", b"{}", b"{} ", b"\xff")}) == 4


def test_a_name_that_does_not_fit_its_column_is_not_used() -> None:
    for uuid in (None, "", "u" * 256, "\ud83d"):
        assert FailedJob.of(uuid, "rabbitmq", "faces", b"{}", "why").uuid == str(uuid_of(b"{}"))
    assert FailedJob.of("u" * 255, "rabbitmq", "faces", b"{}", "why").uuid == "u" * 255


def test_a_body_that_is_no_text_is_never_whole_in_a_row() -> None:
    job = FailedJob.of(None, "rabbitmq", "faces", b"\xff\xfe", "why")
    assert job.whole is False
    assert job.in_ascii() is None
    short = job.short("faces.unrecorded")
    assert json.loads(short.payload) == {"uuid": job.uuid, "unrecorded": "faces.unrecorded", "bytes": 2}
    assert short.exception == "why\nThe message has 2 bytes and is whole in RabbitMQ's queue faces.unrecorded."
    assert not short.whole


def test_in_ascii_the_same_job_is_said() -> None:
    body = '{"b":"é\u2028😀\\u00e9 \\"", "a": 1.0, "a": 1e400, "n": 12345678901234567890}'
    job = FailedJob.of("uuid", "rabbitmq", "faces", body.encode(), "why: 😀")
    plain = job.in_ascii()
    assert plain
    assert plain.payload == body.replace("é", "\\u00e9").replace("\u2028", "\\u2028").replace("😀", "\\ud83d\\ude00")
    assert json.loads(plain.payload) == json.loads(body)
    assert plain.exception == "why: \\U0001f600"
    assert plain.whole is True


@pytest.mark.parametrize("body", ["{}", "not JSON 😀", "[" * 100_000])
def test_what_is_ascii_already_or_no_json_has_no_other_form(body: str) -> None:
    assert FailedJob.of("uuid", "rabbitmq", "faces", body.encode(), "why").in_ascii() is None


def test_a_statement_is_measured_as_the_driver_writes_it() -> None:
    sizes = [
        FailedJob.of("u", "r", "f", body, "why").size for body in (b"", b"x" * 100, b"'" * 100, "é".encode() * 100)
    ]
    assert [size - sizes[0] for size in sizes] == [0, 100, 200, 200]


def test_half_a_character_in_a_text_is_stored_as_a_question_mark() -> None:
    assert FailedJob.of("uuid", "rabbitmq", "faces", b"{}", "a\ud83db").exception == "a?b"
