"""What a request's first line asks for, in the form that others read: a path, its version beside it, GET for HEAD."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The API with a version is the same API: the same routes, limits, key and figures.
VERSION = "/v1"

#: RFC 9112, section 3.2.2; what follows the `?` is in the scope already.
_ABSOLUTE_FORM = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)


class RequestTarget:
    """The outermost ASGI middleware: reads the absolute form, and tells a path's version from the path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = _without_version(_in_origin_form(scope))
        await self._app(scope, receive, send)


class HeadRequests:
    """The innermost ASGI middleware: to the routes each HEAD is a GET, whose body is not sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        as_get = {**scope, "method": "GET"}
        try:
            await self._app(as_get, receive, send_without_body)
        finally:
            scope["route"] = as_get.get("route")


def path_of(scope: Scope) -> str:
    """The path without its version: what limits, keys and figures know it by."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _in_origin_form(scope: Scope) -> Scope:
    """`http://host/path` as clients send it that take us for a proxy; its host stands for the header's, by the RFC."""
    found = _ABSOLUTE_FORM.fullmatch(scope.get("raw_path") or b"")
    if found is None:
        return scope
    host, path = found[1], found[2] or b"/"
    headers = [(b"host", host), *((name, value) for name, value in scope["headers"] if name != b"host")]
    decoded = unquote_to_bytes(path).decode("utf-8", errors="replace")
    return {**scope, "path": decoded, "raw_path": path, "headers": headers}


def _without_version(scope: Scope) -> Scope:
    """The version becomes ASGI's `root_path`, which the routes do not look at and links of ours begin with."""
    return {**scope, "root_path": VERSION} if scope["path"].startswith(f"{VERSION}/") else scope
