from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest

from faces.errors import SettingsError, UnreadableMessage
from tests.fixtures.laravel.captured import ENCRYPTED
from worker.laravel import serialized
from worker.laravel.encryption import decrypt, encrypt, keys_of
from worker.laravel.message import HANDLER, Command, Envelope

KEY = b"k" * 32
OTHER = b"o" * 32
BY_PHP = ENCRYPTED[0]


def envelope(command: str) -> Envelope:
    data = {"commandName": "App\\Jobs\\FaceProcessJob", "command": command}
    return Envelope.decode(json.dumps({"job": HANDLER, "data": data}).encode())


def changed(**parts: Any) -> str:
    """What PHP encrypted, with other parts; the MAC stays unless it is among them."""
    kept = json.loads(base64.b64decode(BY_PHP["command"]))
    return base64.b64encode(json.dumps({**kept, **parts}).encode()).decode()


@pytest.mark.parametrize("row", ENCRYPTED[:2], ids=lambda row: str(row["cipher"]))
def test_what_laravel_encrypted_is_read(row: dict[str, Any]) -> None:
    keys = keys_of(row["app_key"], "")
    assert decrypt(row["command"], keys) == serialized.write(row["job"])
    command = Command.read(envelope(row["command"]), keys)
    assert command.image_id == 7
    assert command.queue == "faces"
    assert command.encrypted is True


def test_former_keys_are_tried_after_the_present_one() -> None:
    command = Command.read(envelope(BY_PHP["command"]), (OTHER, KEY))
    assert command.image_id == 7
    assert command.key == OTHER


def test_what_we_encrypt_we_can_decrypt_and_never_looks_the_same_twice() -> None:
    texts = {encrypt(b"a job", KEY) for _ in range(3)}
    assert len(texts) == 3
    assert {decrypt(text, (KEY,)) for text in texts} == {b"a job"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "neither a serialized job nor encrypted"),
        ("%%%", "neither a serialized job nor encrypted"),
        (base64.b64encode(b"[]").decode(), "neither a serialized job nor encrypted"),
        (base64.b64encode(b"[" * 100_000).decode(), "neither a serialized job nor encrypted"),
        (changed(iv=5), "has an iv, value, mac or tag that is no text"),
        (changed(mac=None), "has an iv, value, mac or tag that is no text"),
        (changed(mac="0" * 64), "under none of the 1 known keys"),
        (changed(mac="é"), "under none of the 1 known keys"),
        (changed(value="AAAA"), "under none of the 1 known keys"),
        (changed(iv="\ud800"), "under none of the 1 known keys"),
        (ENCRYPTED[2]["command"], "encrypted with AES-GCM"),
    ],
)
def test_what_is_not_encrypted_under_our_key_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        decrypt(text, (KEY,))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("iv", "value"), [("AAAA", "AAAA"), (None, "AAAA"), (None, "A" * 22 + "=="), (None, "!")])
def test_a_fitting_mac_around_damaged_content_is_refused(iv: str | None, value: str) -> None:
    iv = iv or base64.b64encode(b"i" * 16).decode()
    mac = hmac.new(KEY, (iv + value).encode(), "sha256").hexdigest()
    with pytest.raises(UnreadableMessage, match="its content cannot be decrypted"):
        decrypt(changed(iv=iv, value=value, mac=mac), (KEY,))


def test_encrypted_data_that_is_no_serialized_job_is_refused() -> None:
    with pytest.raises(UnreadableMessage, match="needed is a serialized job as a text"):
        Command.read(envelope(encrypt(b"i:5;", KEY)), (KEY,))
    with pytest.raises(UnreadableMessage, match="serialized data, byte 0"):
        Command.read(envelope(ENCRYPTED[3]["command"]), (KEY,))


def test_an_encrypted_job_without_a_key_asks_for_it() -> None:
    with pytest.raises(UnreadableMessage, match="set APP_KEY as the app has it"):
        Command.read(envelope(BY_PHP["command"]), ())


def test_keys_are_read_as_laravel_reads_them() -> None:
    key = "base64:" + base64.b64encode(KEY).decode()
    assert keys_of("", "") == ()
    assert keys_of(key, "") == (KEY,)
    assert keys_of("o" * 32, f" {key} ,, {'s' * 16}") == (OTHER, KEY, b"s" * 16)


@pytest.mark.parametrize(
    ("app_key", "previous", "sentence"),
    [
        ("", "o" * 32, "APP_PREVIOUS_KEYS is set and APP_KEY is not"),
        ("short", "", "APP_KEY: found a key of 5 bytes, needed are 32"),
        ("base64:a", "", "APP_KEY: what follows base64: is not base64"),
        ("base64:ключ", "", "APP_KEY: what follows base64: is not base64"),
        ("o" * 32, "base64:AAAA", "APP_PREVIOUS_KEYS: found a key of 3 bytes"),
    ],
)
def test_a_wrong_key_names_its_variable_and_not_the_key(app_key: str, previous: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        keys_of(app_key, previous)
    assert sentence in str(caught.value)
