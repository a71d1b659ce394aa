"""The API is as /openapi.json describes it: what that says of keys and files, and what schemathesis finds otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.openapi.run import API, findings
from tests.servers.running_api import RunningApi, free_port

KEY = "a-key-of-length-24------"

#: Of each operation. Schemathesis tries the edges of each field besides.
FEW, MANY = 25, 300


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str | None, str]]:
    """One API: the address that wants no key, and the one that wants one."""
    port = free_port()
    settings = {"FACE_API_OUTSIDE_ADDRESS": f"127.0.0.1:{port}", "FACE_API_KEYS": KEY}
    api = RunningApi(tmp_path_factory.mktemp("openapi"), API | settings)
    api.wait_until_ready()
    yield {None: api.url, KEY: f"http://127.0.0.1:{port}"}
    api.stop()


@pytest.mark.parametrize("cases", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
@pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
def test_the_api_answers_as_its_document_says(
    urls: dict[str | None, str], samples: Path, key: str | None, cases: int
) -> None:
    found = findings(urls[key], key, cases, seed=14)
    assert found is None, found


def test_what_differs_from_the_document_is_found(urls: dict[str | None, str]) -> None:
    assert "401" in str(findings(urls[KEY], "wrong", cases=1, seed=14))


def test_the_document_names_both_ways_to_show_a_key_and_that_an_address_may_want_none(api: Any) -> None:
    document = api.client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["components"]["securitySchemes"]["header"]["name"] == "X-API-Key"
    assert document["security"] == [{"bearer": []}, {"header": []}, {}]


def test_the_document_says_where_the_paths_are(api: Any) -> None:
    document = api.client.get("/openapi.json").json()
    assert [server["url"] for server in document["servers"]] == ["/v1", "/"]


@pytest.mark.parametrize(
    ("path", "files"), [("/encode", ["image"]), ("/hash", ["file"]), ("/compare-images", ["file1", "file2"])]
)
def test_the_files_without_which_a_request_is_refused_are_required(api: Any, path: str, files: list[str]) -> None:
    document = api.client.get("/openapi.json").json()
    body = document["paths"][path]["post"]["requestBody"]
    schema = body["content"]["multipart/form-data"]["schema"]
    assert body["required"] is True
    assert schema["required"] == files
    assert {"format": "binary", "minLength": 1}.items() <= schema["properties"][files[0]].items()


def test_a_candidate_may_be_anything_as_it_is(api: Any) -> None:
    document = api.client.get("/openapi.json").json()
    schema = document["paths"]["/compare"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["candidates"]["items"] == {}
    assert schema["properties"]["encoding"]["minItems"] == 128
