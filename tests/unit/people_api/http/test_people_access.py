"""Who may ask for what, by the address, the path, and the key."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from faces.errors import SettingsError
from faces.settings import load
from people_api.http.access import PeopleAccess

READ, ANSWER, ADMIN = (f"{scope}-key-of-a-test" for scope in ("reading", "answering", "administering"))
KEYS = f"read:{READ},answer:{ANSWER},admin:{ADMIN}"
SHARED = "a shared key of more than 32 characters"


def access(**settings: Any) -> PeopleAccess:
    return PeopleAccess.of(load(**{"people_keys": KEYS, **settings}))


def code(
    rule: PeopleAccess,
    path: str = "/people",
    *shown: str,
    method: str = "GET",
    server: tuple[str, int] = ("127.0.0.1", 5002),
    **headers: str,
) -> str | None:
    """The code of the refusal; None where the request is answered."""
    pairs = [(b"x-api-key", key.encode("latin-1")) for key in shown]
    pairs += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "server": server, "headers": pairs, "state": {}}
    refusal = rule.refusal(scope)
    return refusal and refusal.code


def test_only_the_state_is_told_without_a_key_and_only_on_the_loopback() -> None:
    rule = access()
    for path in ("/livez", "/readyz", "/metrics"):
        assert code(rule, path) is None
    for path in ("/people", "/openapi.json", "/docs", "/nothing", "/readyz/", "/"):
        assert code(rule, path) == "key_needed"
    outside = access(people_address="0.0.0.0:5002")
    assert code(outside, "/livez", server=("192.0.2.1", 5002)) is None
    for server in (("192.0.2.1", 5002), ("127.0.0.1", 5002)):
        assert code(outside, "/readyz", server=server) == "key_needed"
        assert code(outside, "/metrics", READ, server=server) is None
    assert code(rule, "/readyz", server=("", 0)) == "key_needed"


def test_another_sites_page_is_told_nothing_without_a_key() -> None:
    rule = access(people_hosts="people.example.org")
    assert code(rule, "/metrics", host="attacker.example") == "foreign_host"
    assert code(rule, "/readyz", host="localhost:5002") is None
    assert code(rule, "/readyz", host="people.example.org") is None
    assert code(rule, "/readyz", method="POST", host="localhost:5002", origin="http://a.example") == "foreign_origin"
    assert code(rule, "/people", READ, host="attacker.example") is None


def test_a_scope_allows_what_those_before_it_do() -> None:
    rule = access()
    for key, wanted in ((READ, "scope_needed"), (ANSWER, None), (ADMIN, None)):
        assert code(rule, "/people", key) is None
        assert code(rule, "/answers", key, method="POST") == wanted
        assert code(rule, "/people/1", key, method="PATCH") == wanted
    assert code(rule, "/people", READ, method="HEAD") is None
    assert code(rule, "/answers", READ, ANSWER, method="POST") is None, "the widest of several"


def test_a_wrong_key_is_as_none() -> None:
    rule = access()
    for key in (READ[:-1], f"read:{READ}", f"{READ} ".upper(), "", "ключ".encode().decode("latin-1")):
        assert code(rule, "/people", key) == "key_needed"
    assert code(rule, "/people", authorization=f"Bearer {READ}") is None
    assert code(rule, "/people", authorization=f"Basic {READ}") == "key_needed"


def test_a_token_is_told_from_a_key() -> None:
    rule = access(people_jwt_shared_key=SHARED)
    good = {"exp": time.time() + 60, "aud": "face-sidecar", "scope": "read"}
    token = jwt.encode(good, SHARED, "HS256")
    assert code(rule, "/people", authorization=f"Bearer {token}") is None
    assert code(rule, "/answers", method="POST", authorization=f"Bearer {token}") == "scope_needed"
    assert code(rule, "/people", authorization=f"Bearer {token[:-4]}AAAA") == "key_needed"
    assert code(access(), "/people", authorization=f"Bearer {token}") == "key_needed", "no token is accepted there"


def test_a_keys_file_is_read_again_with_the_scopes_in_it(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# who: the app\nread {READ}\n", encoding="utf-8")
    rule = access(people_keys="", people_keys_file=file)
    assert code(rule, "/answers", READ, method="POST") == "scope_needed"
    file.write_text(f"answer {READ}\nadmin {ADMIN}\n", encoding="utf-8")
    assert code(rule, "/answers", READ, method="POST") is None
    file.write_text(f"write {READ}\n", encoding="utf-8")
    assert code(rule, "/people", ADMIN) is None, "the last good keys stay"
    file.write_text(f"read {READ}\n", encoding="utf-8")
    assert code(rule, "/people", ADMIN) == "key_needed"


@pytest.mark.parametrize("keys", [READ, f"write:{READ}", "read:", "read:short", f":{READ}"])
def test_a_key_without_a_scope_or_too_short_stops_the_start_and_is_not_shown(keys: str) -> None:
    with pytest.raises(SettingsError, match=r"^FACE_PEOPLE_KEYS: ") as raised:
        access(people_keys=keys)
    assert READ not in str(raised.value)


def test_nobody_to_answer_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="found no key"):
        access(people_keys="")
    (tmp_path / "keys").write_text("# none yet\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="found no key"):
        access(people_keys="", people_keys_file=tmp_path / "keys")
    access(people_keys="", people_jwt_shared_key=SHARED)
