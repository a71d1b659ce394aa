"""Real PHP and real Laravel beside our reading and writing of messages: both ways, to the byte where bytes count."""

from __future__ import annotations

import base64
import itertools
import json
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from faces.errors import UnreadableMessage
from tests.fixtures.laravel.captured import CHAINS, MESSAGES
from worker.laravel import encryption, moments, serialized
from worker.laravel.chain import NewJob, new_job, next_job
from worker.laravel.limits import JobLimits
from worker.laravel.message import Command, Envelope
from worker.laravel.serialized import PhpArray

SCRIPT = Path(__file__).with_name("messages.php")

#: The key of the app in the script.
KEYS = (b"k" * 32,)

NOW = 1795220180


def laravel(verb: str, ask: Any) -> Any:
    """What the script answers; what PHP complains about fails the test."""
    settings = ("include_path=/usr/share/php", "display_errors=stderr", "error_reporting=E_ALL & ~E_DEPRECATED")
    options = [word for setting in settings for word in ("-d", setting)]
    try:
        ended = subprocess.run(["php", *options, SCRIPT, verb], input=json.dumps(ask).encode(), capture_output=True)
    except FileNotFoundError:
        raise RuntimeError("found no PHP, needed Debian's php-cli and php-laravel-framework: script/test") from None
    assert ended.returncode == 0, ended.stderr.decode(errors="replace") + ended.stdout.decode()
    assert ended.stderr == b"", ended.stderr.decode(errors="replace") + ended.stdout.decode()
    return json.loads(ended.stdout)


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def published(*classes: str, data: Any = None, **options: Any) -> list[NewJob]:
    """A chain as Laravel publishes it from its first job to its last."""
    ask = {"classes": classes, "data": data or {"image_id": 7}, "options": options}
    return [NewJob(row["queue"], base64.b64decode(row["body"]), "", row["delay"]) for row in laravel("publish", ask)]


def test_what_laravel_publishes_is_the_job_that_it_dispatched() -> None:
    face, image, secret = published("FaceProcessJob", "ImageProcessJob", "SecretJob", chainQueue="faces")
    envelope = Envelope.decode(face.body)
    assert envelope.class_name == "App\\Jobs\\FaceProcessJob"
    assert envelope.limits == JobLimits()
    command = Command.read(envelope)
    assert command.image_id == 7
    assert command.queue == "faces"
    assert command.chain_queue == "faces"
    assert len(command.chained) == 2
    tuned = JobLimits(max_tries=7, backoff=(1, 5, 9), timeout=11, retry_until=1893553445)
    assert Envelope.decode(image.body).limits == tuned
    hidden = Envelope.decode(secret.body)
    assert hidden.limits == JobLimits(max_exceptions=2, fail_on_timeout=True)
    assert Command.read(hidden, KEYS).image_id == 7
    assert Command.read(hidden, KEYS).encrypted


@pytest.mark.parametrize("first", ["FaceProcessJob", "SecretJob", "PlainClassJob"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chainQueue": "faces"},
        {"chainQueue": "été", "catch": "caught 😀"},
        {"own": {"ImageProcessJob": {"queue": "images", "delay": 30, "tries": 2}, "PlainClassJob": {"queue": "p"}}},
    ],
    ids=["no queue", "a queue", "a catch closure", "queues of their own"],
)
def test_a_chain_that_we_carry_on_is_the_chain_that_laravel_carries_on(first: str, options: dict[str, Any]) -> None:
    theirs = published(first, "ImageProcessJob", "PlainClassJob", "FaceProcessJob", **options)
    job: NewJob | None = theirs[0]
    for expected in theirs[1:]:
        assert job is not None
        job = next_job(Command.read(Envelope.decode(job.body), KEYS), NOW, "default")
        assert job is not None
        assert job.queue == expected.queue
        assert job.delay == expected.delay
        ours, right = (laravel("read", {"body": text_of(body)}) for body in (job.body, expected.body))
        assert ours["job"] == right["job"]
        assert [row["queue"] for row in ours["next"]] == [row["queue"] for row in right["next"]]
    assert job is not None
    assert next_job(Command.read(Envelope.decode(job.body), KEYS), NOW, "default") is None


def test_the_bytes_that_we_splice_are_those_that_laravel_would_write() -> None:
    theirs = published("FaceProcessJob", "PlainClassJob", "FaceProcessJob", chainQueue="faces")
    for before, after in itertools.pairwise(theirs):
        job = next_job(Command.read(Envelope.decode(before.body)), NOW, "default")
        assert job is not None
        [again] = laravel("accepts", [text_of(Envelope.decode(job.body).command)])
        assert base64.b64decode(again) == Envelope.decode(job.body).command
        assert Envelope.decode(job.body).command == Envelope.decode(after.body).command


def test_an_encrypted_chain_stays_encrypted() -> None:
    theirs = published("SecretJob", "SecretJob")
    job = next_job(Command.read(Envelope.decode(theirs[0].body), KEYS), NOW, "default")
    assert job is not None
    assert b"taskData" not in job.body
    assert laravel("read", {"body": text_of(job.body)})["job"]["data"] == {"image_id": 7}


def test_a_job_that_we_only_name_is_the_one_that_laravel_dispatches() -> None:
    job = new_job("App\\Jobs\\ImageProcessJob", {"image_id": 7}, "images", NOW)
    told = laravel("read", {"body": text_of(job.body)})["job"]
    assert told["class"] == "App\\Jobs\\ImageProcessJob"
    assert told["data"] == {"image_id": 7}
    assert told["queue"] == "images"


def php_value(dice: random.Random, depth: int = 3) -> str:
    """PHP's code of a random value."""
    texts = ["", "a", "été", "日本😀", "a/b\\\"'", "\x00\x1f\x7f\x80", "\u2028", "5", "-5", "05", "class"]
    kind = dice.randrange(9 if depth else 7)
    if kind < 4:
        integers = [0, -1, 2**63 - 1, -(2**63) + 1, dice.randrange(-(10**12), 10**12)]
        whole, part = dice.choice(integers), dice.uniform(-1, 1) * 10.0 ** dice.randrange(-30, 30)
        return [str(whole), repr(part), "-0.0", dice.choice(["null", "true", "false"])][kind]
    if kind == 4:
        broken = bytes(dice.choices(range(256), k=dice.randrange(6)))
        return f"base64_decode('{text_of(broken)}')"
    if kind < 7:
        return f"base64_decode('{text_of(dice.choice(texts).encode())}')"
    keys = [f"base64_decode('{text_of(dice.choice(texts).encode())}') => ", f"{dice.randrange(-3, 9)} => ", "", "", ""]
    return f"[{', '.join(dice.choice(keys) + php_value(dice, depth - 1) for _ in range(dice.randrange(4)))}]"


def test_every_value_of_php_is_read_and_every_key_is_the_same() -> None:
    dice = random.Random(7)  # noqa: S311  the same values every time
    values = [f"['x' => {php_value(dice)}, {php_value(dice)}]" for _ in range(3000)]
    for code, row in zip(values, laravel("values", values), strict=True):
        data = serialized.read(base64.b64decode(row["serialized"]))
        assert isinstance(data, PhpArray)
        assert Command("J", data.entries).dedup_key.hex() == row["md5"], code


def damaged(dice: random.Random, text: bytes) -> bytes:
    place, sign = dice.randrange(len(text)), bytes([dice.choice(b'0123456789-.:;{}"abdNOsiE')])
    return dice.choice(
        [text[:place] + sign + text[place + 1 :], text[:place] + text[place + 1 :], text[:place] + sign + text[place:]]
    )


def readable(texts: Sequence[bytes]) -> list[bytes]:
    found = []
    for text in texts:
        try:
            serialized.read(text)
        except UnreadableMessage:
            continue
        found.append(text)
    return found


def test_what_we_read_php_reads_too() -> None:
    dice = random.Random(8)  # noqa: S311  the same damage every time
    bodies = [
        Envelope.decode(row.encode()).command
        for row in [one["body"] for one in MESSAGES] + [one["job"] for one in CHAINS]
    ]
    commands = [text for text in bodies if text.startswith(b"O:")]
    texts = readable([damaged(dice, dice.choice(commands)) for _ in range(30_000)])
    assert len(texts) > 1000
    for text, again in zip(texts, laravel("accepts", [text_of(text) for text in texts]), strict=True):
        assert again is not None, text
        assert serialized.read(base64.b64decode(again)) == serialized.read(text)


def test_encrypted_texts_are_read_both_ways() -> None:
    texts = ["", "a", "été 😀", "x" * 15, "x" * 16, "x" * 5000]
    for text, command in zip(texts, laravel("encrypt", texts), strict=True):
        assert encryption.decrypt(command, KEYS) == serialized.write(text)
    ours = [encryption.encrypt(serialized.write(text), KEYS[0]) for text in texts]
    assert laravel("decrypt", ours) == texts


DELAYS = [
    *(
        "0",
        "45",
        "-3",
        "new DateTime('2026-11-21 01:00:00 UTC')",
        "new DateTimeImmutable('2026-12-24 18:30 Europe/Berlin')",
    ),
    *(
        "new DateTime('2026-11-21T05:00:00.5+05:30')",
        "new DateTime('@1795300000')",
    ),
    *("Illuminate\\Support\\Carbon::now()->addMinutes(5)", "Carbon\\CarbonImmutable::now('Asia/Tokyo')->addDays(3)"),
    *("new DateInterval('PT5M')", "new DateInterval('P1Y2M10DT2H30M5S')", "Carbon\\CarbonInterval::minutes(90)"),
    *("new DateInterval('P3M')", "(new DateTime('2026-01-01'))->diff(new DateTime('2026-01-03'))"),
]


@pytest.mark.parametrize("now", [1795220180, 1801396799, 1803816000], ids=["November", "31 January", "28 February"])
def test_a_delay_is_as_long_as_laravel_counts_it(now: int) -> None:
    for code, row in zip(DELAYS, laravel("delays", {"now": now, "delays": DELAYS}), strict=True):
        delay = serialized.read(base64.b64decode(row["serialized"]))
        assert moments.seconds_until(delay, now) == max(0, row["seconds"]), code
