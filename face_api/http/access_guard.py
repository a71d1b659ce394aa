"""Turns a request away that shows no accepted key where one is wanted, before its body is read."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from face_api.http.access import Access
from face_api.http.errors import KeyNeeded, reply_to


class AccessGuard:
    """ASGI middleware around the routes."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        """Guard `app`."""
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or self._access.allows(scope["path"], _local_end(scope), _shown(scope)):
            await self._app(scope, receive, send)
            return
        reply = reply_to(
            KeyNeeded("this address wants a key: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'")
        )
        scope["state"]["notes"]["code"] = reply.code
        await JSONResponse(reply.body, reply.status, reply.headers)(scope, receive, send)


def _local_end(scope: Scope) -> tuple[str, int]:
    """Where the connection came in. A server that does not know says nothing, and nothing is not loopback."""
    host, port = scope.get("server") or ("", 0)
    return str(host), int(port or 0)


def _shown(scope: Scope) -> list[str]:
    headers = Headers(scope=scope)
    bearer = [
        value.partition(" ")[2].strip()
        for value in headers.getlist("authorization")
        if value.lower().startswith("bearer ")
    ]
    return bearer + [value.strip() for value in headers.getlist("x-api-key")]
