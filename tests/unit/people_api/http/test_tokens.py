"""Which tokens are accepted, and that a token's own header decides nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from faces.errors import SettingsError
from faces.http.errors import KeyNeeded
from faces.http.scopes import Allowed
from faces.settings import load
from people_api.http.tokens import Bearer, Tokens

SHARED = "a shared key of more than 32 characters"


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says; a value of None is left out."""
    usual = {"exp": int(time.time()) + 600, "aud": "face-sidecar", "scope": "read", "sub": "ann"}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


@pytest.fixture
def public_file(private_key: rsa.RSAPrivateKey, tmp_path: Path) -> Path:
    file = tmp_path / "public.pem"
    file.write_bytes(pem_of(private_key))
    return file


def by_shared_key() -> Tokens:
    tokens = Tokens.of(load(people_jwt_shared_key=SHARED))
    assert tokens is not None
    return tokens


def by_public_key(file: Path) -> Tokens:
    tokens = Tokens.of(load(people_jwt_public_key_file=file))
    assert tokens is not None
    return tokens


def made_by_hand(header: dict[str, str], key: bytes | None) -> str:
    """A token as no library would make it: this header, signed with HMAC and this key, or not at all."""
    parts = [json.dumps(part).encode() for part in (header, claims())]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = b"" if key is None else hmac.new(key, signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def refusal(tokens: Tokens, token: str) -> str:
    with pytest.raises(KeyNeeded) as raised:
        tokens.bearer(token)
    return str(raised.value)


def test_a_token_of_the_shared_key_is_accepted() -> None:
    assert by_shared_key().bearer(jwt.encode(claims(), SHARED, "HS256")) == Bearer(Allowed.READ, "ann")
    assert by_shared_key().bearer(made_by_hand({"alg": "HS256"}, SHARED.encode())) == Bearer(Allowed.READ, "ann")


def test_a_token_of_the_private_key_is_accepted(private_key: rsa.RSAPrivateKey, public_file: Path) -> None:
    assert by_public_key(public_file).bearer(jwt.encode(claims(), private_key, "RS256")).allowed is Allowed.READ


def test_the_widest_known_scope_holds_and_without_one_nothing_is_allowed() -> None:
    tokens = by_shared_key()

    def allowed(scope: Any) -> Allowed:
        return tokens.bearer(jwt.encode(claims(scope=scope), SHARED, "HS256")).allowed

    assert allowed("openid answer read") is Allowed.ANSWER
    assert allowed("admin") is Allowed.ADMIN
    for scope in ("", "readers", "READ", "read,answer", ["admin"], 3, None):
        assert "needs one of read, answer, admin" in refusal(
            tokens, jwt.encode(claims(scope=scope), SHARED, "HS256")
        ), scope


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": 1_700_000_000},
        {"exp": "tomorrow"},
        {"aud": None},
        {"aud": "another-service"},
        {"aud": ["another", "third"]},
        {"nbf": int(time.time()) + 86400},
    ],
)
def test_a_token_without_expiry_or_audience_or_of_another_time_or_service_is_refused(changes: dict[str, Any]) -> None:
    assert "the token is not accepted" in refusal(by_shared_key(), jwt.encode(claims(**changes), SHARED, "HS256"))


@pytest.mark.parametrize("subject", ["machine", "a\nb", "", "x" * 101, 3])
def test_a_token_of_somebody_that_the_ledger_cannot_tell_is_refused(subject: Any) -> None:
    refusal(by_shared_key(), made(subject))


def made(subject: Any) -> str:
    """A token with any subject, which the library would not make."""
    payload = json.dumps(claims(sub=subject)).encode()
    return jwt.api_jws.encode(payload, SHARED, "HS256")


def test_one_of_several_audiences_is_enough() -> None:
    by_shared_key().bearer(jwt.encode(claims(aud=["another", "face-sidecar"]), SHARED, "HS256"))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_a_token_without_a_signature_is_refused(algorithm: str, public_file: Path) -> None:
    for tokens in (by_shared_key(), by_public_key(public_file)):
        refusal(tokens, made_by_hand({"alg": algorithm, "typ": "JWT"}, None))
        refusal(tokens, made_by_hand({"alg": tokens.algorithm, "typ": "JWT"}, None))


def test_the_public_key_is_no_shared_key(private_key: rsa.RSAPrivateKey, public_file: Path) -> None:
    """The known confusion: a public key, which anybody may have, taken for the key of an HMAC."""
    tokens = by_public_key(public_file)
    for key in (pem_of(private_key), pem_of(private_key).strip()):
        for header in ({"alg": "HS256"}, {"alg": "RS256"}, {"alg": "HS512"}):
            refusal(tokens, made_by_hand(header, key))


def test_the_private_key_signs_nothing_for_a_shared_key(private_key: rsa.RSAPrivateKey) -> None:
    refusal(by_shared_key(), jwt.encode(claims(), private_key, "RS256"))


def test_another_algorithm_of_the_same_key_is_refused(private_key: rsa.RSAPrivateKey, public_file: Path) -> None:
    refusal(by_shared_key(), jwt.encode(claims(), SHARED * 2, "HS512"))
    refusal(by_public_key(public_file), jwt.encode(claims(), private_key, "RS512"))
    refusal(by_public_key(public_file), jwt.encode(claims(), private_key, "PS256"))


def test_a_key_that_a_token_brings_itself_is_not_used(private_key: rsa.RSAPrivateKey, public_file: Path) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(other.public_key()))
    refusal(by_public_key(public_file), jwt.encode(claims(), other, "RS256", headers={"jwk": jwk, "kid": "x"}))


@pytest.mark.parametrize("token", ["..", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.", "é.é.é"])
def test_what_is_no_token_is_refused_in_a_sentence(token: str) -> None:
    refusal(by_shared_key(), token)


def test_another_shared_key_is_refused_and_no_sentence_shows_the_token() -> None:
    token = jwt.encode(claims(), "another key of more than 32 characters", "HS256")
    assert token.split(".")[2] not in refusal(by_shared_key(), token)


def test_settings_that_could_be_confused_or_guessed_stop_the_start(public_file: Path, tmp_path: Path) -> None:
    assert Tokens.of(load()) is None
    with pytest.raises(SettingsError, match="needed one of the two"):
        Tokens.of(load(people_jwt_shared_key=SHARED, people_jwt_public_key_file=public_file))
    with pytest.raises(SettingsError, match="FACE_PEOPLE_JWT_SHARED_KEY is shorter than 32"):
        Tokens.of(load(people_jwt_shared_key="short"))
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  that is refused
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for content in (pem_of(small), pem_of(ec.generate_private_key(ec.SECP256R1())), private, SHARED.encode(), b""):
        (tmp_path / "wrong.pem").write_bytes(content)
        with pytest.raises(SettingsError, match=r"FACE_PEOPLE_JWT_PUBLIC_KEY_FILE: .*wrong\.pem"):
            Tokens.of(load(people_jwt_public_key_file=tmp_path / "wrong.pem"))
    with pytest.raises(SettingsError, match="cannot be read"):
        Tokens.of(load(people_jwt_public_key_file=tmp_path / "gone.pem"))
