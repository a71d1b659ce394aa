"""Whatever bytes a message has, it is read or refused: nothing else, in little time and memory."""

from __future__ import annotations

import contextlib
import json
import random
import tracemalloc

import pytest

from faces.errors import UnreadableMessage
from tests.fixtures.laravel.captured import CHAINS, MESSAGES
from worker.laravel import chain, serialized
from worker.laravel.message import HANDLER, Command, Envelope

BODIES = [row["body"].encode() for row in MESSAGES] + [row["job"].encode() for row in CHAINS]
COMMANDS = [Envelope.decode(body).command for body in BODIES]

#: Bytes that mean something in one of both languages.
SIGNS = b'0123456789-:;{}[]"\\,abdEINORCrsu\0\xff\xc3\xa9'


def broken(dice: random.Random, text: bytes) -> bytes:
    """The text with one to three changes: a byte replaced, removed, or put in; a part cut, doubled or moved."""
    for _ in range(dice.randint(1, 3)):
        first, second = sorted(dice.randint(0, len(text)) for _ in range(2))
        sign = bytes([dice.choice(SIGNS)])
        text = dice.choice(
            [
                text[:first] + sign + text[first + 1 :],
                text[:first] + text[first + 1 :],
                text[:first] + sign + text[first:],
                text[:first],
                text[:first] + text[second:],
                text[:second] + text[first:],
                text[first:second] + text[:first] + text[second:],
            ]
        )
    return text


def test_a_damaged_serialization_is_read_or_refused() -> None:
    dice = random.Random(4)  # noqa: S311  the same damage every time
    for _ in range(20_000):
        with contextlib.suppress(UnreadableMessage):
            serialized.read(broken(dice, dice.choice(COMMANDS)))


def test_a_damaged_body_is_read_or_refused() -> None:
    dice = random.Random(5)  # noqa: S311
    for _ in range(10_000):
        use(broken(dice, dice.choice(BODIES)))


def test_a_body_around_a_damaged_command_is_read_or_refused() -> None:
    dice = random.Random(6)  # noqa: S311
    for _ in range(10_000):
        payload = json.loads(dice.choice(BODIES))
        command = broken(dice, payload["data"]["command"].encode())
        payload["data"]["command"] = command.decode("utf-8", "replace")
        use(json.dumps(payload).encode())


def use(body: bytes) -> None:
    """Everything that a worker does with a body."""
    with contextlib.suppress(UnreadableMessage):
        envelope = Envelope.decode(body)
        command = Command.read(envelope, (b"k" * 32,))
        for ask in (lambda: command.image_id, lambda: command.dedup_key, lambda: chain.next_job(command, 1, "default")):
            with contextlib.suppress(UnreadableMessage):
                ask()


@pytest.mark.parametrize(
    "data",
    [
        b"a:1:{i:0;" * 100_000,
        b'O:1:"J":1:{s:1:"a";' * 100_000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"a:900000000:{" * 5,
        b's:900000000:"a";',
        b"a:400000:{" + b"".join(b"i:%d;N;" % n for n in range(400_000)) + b"}",
        b"i:" + b"9" * 1_000_000 + b";",
        b"d:" + b"9" * 1_000_000 + b";",
        b"9" * 1_000_000,
        b"s:" + b"0" * 1_000_000,
        b"N;" * 5_000_000,
    ],
    ids=lambda data: repr(data[:16]),
)
def test_nesting_counts_and_lengths_without_end_are_refused_in_little_memory(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(UnreadableMessage):
        serialized.read(data)
    with pytest.raises(UnreadableMessage):
        Envelope.decode(data)
    body = json.dumps({"job": HANDLER, "data": {"commandName": "J", "command": data.decode()}}).encode()
    with pytest.raises(UnreadableMessage):
        Command.read(Envelope.decode(body))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100 * 1024 * 1024
