from uuid import NAMESPACE_OID, uuid5

from faces.store.failed_jobs import FailedJob, uuid_of


def test_a_message_without_a_name_is_named_by_its_bytes() -> None:
    assert uuid_of(b"{}") == uuid5(NAMESPACE_OID, "{}")
    assert len({uuid_of(body) for body in (b"", b"{}", b"{} ", b"\xff")}) == 4


def test_a_name_that_does_not_fit_its_column_is_not_used() -> None:
    for uuid in (None, "", "u" * 256, "\ud83d"):
        assert FailedJob.of(uuid, "rabbitmq", "faces", b"{}", "why").uuid == str(uuid_of(b"{}"))
    assert FailedJob.of("u" * 255, "rabbitmq", "faces", b"{}", "why").uuid == "u" * 255


def test_a_body_that_is_no_text_is_kept_as_base64_and_that_is_said() -> None:
    job = FailedJob.of(None, "rabbitmq", "faces", b"\xff\xfe", "why")
    assert (job.payload, job.exception) == ("//4=", "why\nThe message is not UTF-8; payload is base64.")


def test_of_a_body_that_no_database_takes_the_beginning_is_kept() -> None:
    job = FailedJob.of("uuid", "rabbitmq", "faces", "é".encode() * 3_000_000, "why")
    assert job.payload == "é" * 2_000_000
    assert job.exception == "why\nThe message has 6000000 bytes; payload is its beginning."


def test_half_a_character_in_a_text_is_stored_as_a_question_mark() -> None:
    assert FailedJob.of("uuid", "rabbitmq", "faces", b"{}", "a\ud83db").exception == "a?b"
