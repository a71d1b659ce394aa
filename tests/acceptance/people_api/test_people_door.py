"""The door itself: keys while it runs, what /readyz says is missing, processes that end, starts that are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faces.store.database import Store
from faces.store.sidecar import layout
from tests.servers.app_schema import V2
from tests.servers.library_rows import LibraryRows
from tests.servers.mariadb import running_mariadb
from tests.servers.running_api import ROOT, free_port
from tests.servers.running_people import KEYS, RunningPeople
from tests.servers.waiting import wait_for

StartPeople = Callable[..., RunningPeople]
on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
on_mariadb = pytest.mark.parametrize("url", ["mariadb"], indirect=True)


def refused(**settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FACE_")}
    environment |= {"FACE_PEOPLE_ADDRESS": f"127.0.0.1:{free_port()}"} | settings
    command = [sys.executable, "-m", "people_api"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


@on_sqlite
def test_each_scope_and_no_key(people: RunningPeople) -> None:
    with people.asked_with(None) as nobody:
        for path in ("/v1/people", "/people", "/docs", "/openapi.json", "/v1/nothing"):
            reply = nobody.get(path)
            assert (reply.status_code, reply.json()["code"]) == (401, "key_needed")
            assert reply.headers["WWW-Authenticate"] == "Bearer"
        for path in ("/livez", "/readyz", "/metrics"):
            assert nobody.get(path).status_code == 200
            reply = nobody.get(path, headers={"Host": "attacker.example"})
            assert (reply.status_code, reply.json()["code"]) == (403, "foreign_host")
    for key in KEYS.values():
        with people.asked_with(key) as client:
            assert client.get("/v1/people").status_code == 200
            assert client.get("/openapi.json").json()["info"]["title"] == "People API"
            assert client.get("/docs").status_code == 200
    reply = people.client.post("/v1/people")
    assert (reply.status_code, reply.json()["code"]) == (403, "scope_needed")
    with people.asked_with(KEYS["answer"]) as client:
        reply = client.post("/v1/people")
        assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, HEAD")
    assert KEYS["read"] not in people.log()


@on_sqlite
def test_a_key_that_the_verb_adds_works_while_it_runs_and_ends_with_its_line(
    start_people: StartPeople, library: LibraryRows, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_text("read 0123456789abcdef\n", encoding="utf-8")
    people = start_people(FACE_PEOPLE_KEYS_FILE=str(file), FACE_PEOPLE_PROCESSES="2")
    added = subprocess.run(
        [sys.executable, "-m", "worker", "key", "--scope", "answer", "--add"],
        cwd=ROOT,
        env={**os.environ, "FACE_PEOPLE_KEYS_FILE": str(file)},
        capture_output=True,
        text=True,
        check=True,
    )
    with people.asked_with(added.stdout.strip()) as client:
        assert client.get("/v1/people").status_code == 200
        file.write_text("read 0123456789abcdef\n", encoding="utf-8")
        assert client.get("/v1/people").status_code == 401
    wait_for(lambda: "FACE_PEOPLE_KEYS_FILE was read again: 1 keys" in people.log())


@on_mariadb
def test_without_our_tables_it_is_not_ready_and_with_them_it_is_at_once(url: str, start_people: StartPeople) -> None:
    people = start_people()
    reply = people.client.get("/readyz")
    assert (reply.status_code, reply.json()["code"], reply.json()["retryable"]) == (503, "not_ready", True)
    (reason,) = reply.json()["reasons"]
    assert "has no tables of people and groups, needed are these: `worker tables --create` makes them" in reason
    refusal = people.client.get("/v1/people")
    assert (refusal.status_code, refusal.json()["code"]) == (500, "schema")
    store = Store.open(url)
    layout.run(store, layout.look(store).creating)
    store.close()
    wait_for(lambda: people.client.get("/readyz").status_code == 200, what="/readyz")
    assert people.get("/people") == {"items": [], "next": None}


@on_sqlite
def test_a_database_that_is_not_there_is_told_and_waited_for(start_people: StartPeople, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'later.db'}"
    people = start_people(url)
    (reason,) = people.client.get("/readyz").json()["reasons"]
    assert "later.db" in reason
    assert people.client.get("/livez").status_code == 200
    Store.open(url, create=True).close()
    wait_for(lambda: people.client.get("/readyz").status_code == 200, what="/readyz")


def test_a_server_that_ends_is_told_and_its_return_needs_no_new_start(tmp_path: Path) -> None:
    with running_mariadb() as server:
        url = server.new_database(*V2)
        LibraryRows(url).close()
        people = RunningPeople(tmp_path, url, {})
        try:
            people.wait_until_alive()
            assert people.get("/people")["items"] == []
            server.kill()
            reply = people.client.get("/v1/people")
            assert (reply.status_code, reply.json()["code"]) == (503, "store_unavailable")
            assert int(reply.headers["Retry-After"]) > 0
            assert people.client.get("/readyz").status_code == 503
            server.start()
            wait_for(lambda: people.client.get("/v1/people").status_code == 200, what="/v1/people")
        finally:
            people.stop()


@on_sqlite
def test_a_process_that_is_killed_is_replaced_and_figures_are_of_all(
    start_people: StartPeople, library: LibraryRows
) -> None:
    people = start_people(FACE_PEOPLE_PROCESSES="2")
    wait_for(lambda: len(people.processes()) == 2)
    before = {process.pid for process in people.processes()}
    assert people.get("/people")["items"] == []
    people.client.close()
    people.processes()[0].kill()
    wait_for(lambda: len({process.pid for process in people.processes()} - before) == 1)
    with people.asked_with(KEYS["read"]) as client:
        assert client.get("/v1/people").status_code == 200
        client.get("/v1/people/99")

        def figures() -> str:
            text: str = client.get("/metrics").text
            return text

        wait_for(lambda: 'people_api_errors_total{code="not_found"} 1.0' in figures())
        assert 'people_api_requests_total{path="/people",status="200"} 2.0' in figures()
        assert 'people_api_requests_total{path="/people/{person_id}",status="404"} 1.0' in figures()
        assert "people_api_process_ends_total 1.0" in figures()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "found no key"),
        ({"FACE_PEOPLE_KEYS": "0123456789abcdef"}, "FACE_PEOPLE_KEYS: found a key without its scope in front"),
        ({"FACE_PEOPLE_KEYS_FILE": "/nowhere/keys"}, "FACE_PEOPLE_KEYS_FILE: /nowhere/keys cannot be read"),
        ({"FACE_PEOPLE_JWT_SHARED_KEY": "short"}, "FACE_PEOPLE_JWT_SHARED_KEY is shorter than 32"),
        ({"FACE_PEOPLE_KEYS": "read:0123456789abcdef", "FACE_PEOPLE_ADDRESS": "5002"}, "FACE_PEOPLE_ADDRESS: found"),
    ],
)
def test_a_start_that_cannot_be_meant_is_refused_in_a_sentence(settings: dict[str, str], said: str) -> None:
    ended = refused(**settings)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@on_sqlite
def test_an_address_in_use_ends_the_start_with_1(people: Any) -> None:
    ended = refused(FACE_PEOPLE_KEYS="read:0123456789abcdef", FACE_PEOPLE_ADDRESS=f"127.0.0.1:{people.port}")
    assert ended.returncode == 1
    assert "cannot be listened on" in ended.stderr
