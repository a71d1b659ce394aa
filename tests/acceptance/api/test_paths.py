"""How paths are asked for: with a version, by HEAD and OPTIONS, and in the form that is meant for a proxy."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.servers.running_api import free_port

KEY = "a-key-of-length-24------"

GETS = ("/health", "/livez", "/readyz", "/docs", "/openapi.json", "/docs/files/swagger-ui.css")


def exchange(api: Any, request: str) -> tuple[int, dict[str, str], bytes]:
    """Send these bytes and read until the API closes the connection."""
    data = b""
    with api.connect() as connection:
        connection.sendall(request.encode())
        while piece := connection.recv(65536):
            data += piece
    top, _, body = data.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body


def requests_counted(api: Any, path: str) -> float:
    lines = api.client.get("/metrics").text.splitlines()
    start = f'face_api_requests_total{{path="{path}",status="200"}}'
    return sum(float(line.split()[-1]) for line in lines if line.startswith(start))


def test_every_path_is_there_with_a_version_and_says_the_same(api: Any, small_photo: bytes) -> None:
    for path in GETS:
        assert api.client.get(f"/v1{path}").status_code == 200
    for path in ("/encode", "/hash"):
        with_version, without = (
            api.client.post(f"{start}{path}", files={"file": ("a.jpg", small_photo)}).json() for start in ("/v1", "")
        )
        with_version.pop("seconds", None), without.pop("seconds", None)
        assert with_version == without
    body = {"encoding": [0.5] * 128, "candidates": [[0.25] * 128]}
    assert api.client.post("/v1/compare", json=body).json() == api.client.post("/compare", json=body).json()


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/v1/health", "/v2/health", "/v1health", "/v1/encodes"])
def test_what_is_no_path_with_a_version_is_not_found(api: Any, path: str) -> None:
    refused = api.client.get(path)
    assert refused.status_code == 404
    assert path in refused.json()["error"]


def test_a_request_with_a_version_has_the_same_limits(start_api: Any) -> None:
    api = start_api(FACE_MAX_MEGABYTES="1", FACE_API_COMPARE_MEGABYTES="3")
    for start in ("", "/v1"):
        assert api.client.post(f"{start}/encode", content=bytes(1_100_000)).status_code == 413
        assert api.client.post(f"{start}/compare-images", content=bytes(1_100_000)).json()["code"] == "wrong_field"
        assert api.client.post(f"{start}/compare", content=b" " * 2_900_000).json()["code"] == "wrong_field"
        assert api.client.post(f"{start}/compare", content=b" " * 3_100_000).status_code == 413


def test_a_request_with_a_version_wants_the_same_key_and_counts_as_the_same(start_api: Any, wait_for: Any) -> None:
    port = free_port()
    api = start_api(FACE_API_OUTSIDE_ADDRESS=f"127.0.0.1:{port}", FACE_API_KEYS=KEY)
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}/v1") as outside:
        assert outside.get("/livez").status_code == 200
        assert outside.get("/health").status_code == 401
        before = requests_counted(api, "/health")
        assert outside.get("/health", headers={"X-API-Key": KEY}).status_code == 200
        # It is counted behind its answer, by whichever process gave that.
        wait_for(lambda: requests_counted(api, "/health") == before + 1)
    assert requests_counted(api, "/v1/health") == 0


def test_the_log_says_which_path_was_asked_for(api: Any, small_photo: bytes, wait_for: Any) -> None:
    api.client.post("/v1/hash", files={"file": ("a.jpg", small_photo)}, headers={"X-Request-ID": "with-version"})
    wait_for(lambda: "id=with-version" in api.log())
    [line] = [line for line in api.log().splitlines() if "id=with-version" in line]
    assert "POST /v1/hash 200" in line


def test_the_documentation_page_of_a_version_shows_that_version(api: Any) -> None:
    assert "'/v1/openapi.json'" in api.client.get("/v1/docs").text
    assert "'/openapi.json'" in api.client.get("/docs").text
    assert api.client.get("/v1/openapi.json").json() == api.client.get("/openapi.json").json()


@pytest.mark.parametrize("path", GETS)
def test_head_gets_the_headers_of_get_and_no_body(api: Any, path: str) -> None:
    head, get = api.client.head(path), api.client.get(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name]


def test_head_of_the_figures_and_of_errors_has_no_body_either(api: Any) -> None:
    for path, status in (("/metrics", 200), ("/nothing", 404), ("/encode", 405)):
        head = api.client.head(path)
        assert head.status_code == status
        assert head.content == b""
        assert int(head.headers["Content-Length"]) > 0


def test_after_a_head_the_connection_serves_the_next_request(api: Any) -> None:
    asked = "HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /livez HTTP/1.0\r\n\r\n"
    status, headers, rest = exchange(api, asked)
    assert status == 200
    assert int(headers["content-length"]) > 0
    assert rest.endswith(b'{"status":"alive"}')
    assert rest.startswith(b"HTTP/1.")


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/encode", "POST"),
        ("/v1/compare", "POST"),
        ("/health", "GET, HEAD"),
        ("/docs/files/swagger-ui.css", "GET, HEAD"),
    ],
)
def test_options_say_what_a_path_takes_and_so_does_the_refusal_of_another_method(
    api: Any, path: str, allow: str
) -> None:
    options = api.client.options(path)
    assert options.status_code == 204
    assert options.headers["Allow"] == allow
    refused = api.client.delete(path)
    assert refused.status_code == 405
    assert refused.headers["Allow"] == allow
    assert refused.json()["error"] == f"{path} does not take DELETE, needed {allow}"


@pytest.mark.parametrize(
    "target", ["http://localhost/health", "HTTP://127.0.0.1:5000/v1/health?x=1", "https://[::1]/health"]
)
def test_a_target_with_scheme_and_host_is_answered(api: Any, target: str) -> None:
    status, _, body = exchange(api, f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status == 200
    assert json.loads(body)["status"] == "ok"


def test_the_host_of_such_a_target_stands_for_the_headers(api: Any) -> None:
    for target, host, status in (
        ("http://rebind.example/health", "localhost", 403),
        ("http://localhost/health", "rebind.example", 200),
        ("http://localhost", "localhost", 404),
        ("http://localhost/%2e%2e/health", "localhost", 404),
    ):
        asked = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert exchange(api, asked)[0] == status


def test_a_photo_is_posted_to_such_a_target_too(api: Any, small_photo: bytes) -> None:
    form = httpx2.Request("POST", api.url, files={"image": ("a.jpg", small_photo)})
    body = form.read()
    with api.connect() as connection:
        head = f"POST {api.url}/v1/encode HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        head += f"Content-Type: {form.headers['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        data = b""
        while piece := connection.recv(65536):
            data += piece
    assert data.startswith(b"HTTP/1.1 200")
