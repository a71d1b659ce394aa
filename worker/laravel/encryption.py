"""Laravel's encryption of jobs that are `ShouldBeEncrypted`: AES in CBC mode, with a MAC that is checked first."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from faces.errors import SettingsError, UnreadableMessage

#: Bytes of an AES-256 key, Laravel's default; and of an AES-128 key, which old apps have.
_KEY_SIZES = (32, 16)

#: Bytes of an initialisation vector of AES-CBC.
_IV_SIZE = 16


def keys_of(app_key: str, previous: str) -> tuple[bytes, ...]:
    """The keys of an app, the present one first; `previous` has former ones, separated by commas.

    Raises:
        SettingsError: a key is none, or there are only former ones.
    """
    former = [key.strip() for key in previous.split(",") if key.strip()]
    if not app_key:
        if former:
            raise SettingsError("APP_PREVIOUS_KEYS is set and APP_KEY is not: set the present key too")
        return ()
    return (_key("APP_KEY", app_key.strip()), *(_key("APP_PREVIOUS_KEYS", key) for key in former))


def _key(variable: str, text: str) -> bytes:
    try:
        encoded = text.startswith("base64:")
        key = base64.b64decode(text[len("base64:") :], validate=True) if encoded else text.encode()
    except ValueError as error:
        raise SettingsError(f"{variable}: what follows base64: is not base64") from error
    if len(key) not in _KEY_SIZES:
        raise SettingsError(f"{variable}: found a key of {len(key)} bytes, needed are 32 (or 16 for AES-128)")
    return key


def decrypt(text: str, keys: Sequence[bytes]) -> bytes:
    """What the app encrypted, under the first key whose MAC fits.

    Raises:
        UnreadableMessage: not encrypted as Laravel does it, or under none of these keys.
    """
    iv, value, mac, tag = _parts(text)
    if not keys:
        raise UnreadableMessage("the job is encrypted: set APP_KEY as the app has it")
    if tag:
        raise UnreadableMessage("the job is encrypted with AES-GCM, read is AES-CBC, Laravel's default")
    for key in keys:
        if hmac.compare_digest(_mac(key, iv, value), mac.encode("utf-8", "surrogatepass")):
            return _open(key, iv, value)
    raise UnreadableMessage(
        f"the job is encrypted under none of the {len(keys)} known keys: see APP_KEY and APP_PREVIOUS_KEYS"
    )


def encrypt(content: bytes, key: bytes) -> str:
    """Encrypt as the app would."""
    iv = os.urandom(_IV_SIZE)
    padder, cipher = PKCS7(AES.block_size).padder(), Cipher(AES(key), CBC(iv)).encryptor()
    padded = padder.update(content) + padder.finalize()
    parts = {"iv": _text(iv), "value": _text(cipher.update(padded) + cipher.finalize())}
    parts |= {"mac": _mac(key, parts["iv"], parts["value"]).decode(), "tag": ""}
    return _text(json.dumps(parts, separators=(",", ":")).encode())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _parts(text: str) -> tuple[str, str, str, str]:
    """The texts iv, value, mac and tag; the tag is empty in CBC mode."""
    try:
        parts = json.loads(base64.b64decode(text, validate=True))
        found = (parts["iv"], parts["value"], parts["mac"], parts.get("tag") or "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableMessage("the command is neither a serialized job nor encrypted as Laravel does it") from error
    if not all(isinstance(part, str) for part in found):
        raise UnreadableMessage("the encrypted command has an iv, value, mac or tag that is no text")
    return found


def _mac(key: bytes, iv: str, value: str) -> bytes:
    return hmac.new(key, (iv + value).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest().encode()


def _open(key: bytes, iv: str, value: str) -> bytes:
    try:
        cipher = Cipher(AES(key), CBC(base64.b64decode(iv, validate=True))).decryptor()
        padded = cipher.update(base64.b64decode(value, validate=True)) + cipher.finalize()
        unpadder = PKCS7(AES.block_size).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise UnreadableMessage("the MAC of the encrypted command fits, but its content cannot be decrypted") from error
