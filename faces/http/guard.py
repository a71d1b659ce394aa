"""Answers a request before its body is read, where the door's rule refuses it; and says where a request came in."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from faces.errors import RequestError
from faces.http.errors import reply_to


class Guard:
    """ASGI middleware around the routes."""

    def __init__(self, app: ASGIApp, *, refusal: Callable[[Scope], RequestError | None]) -> None:
        """`refusal` says why a request is not answered; None where it is."""
        self._app, self._refusal = app, refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        reply = reply_to(refusal)
        scope["state"]["notes"]["code"] = reply.code
        await JSONResponse(reply.body, reply.status, reply.headers)(scope, receive, send)


def local_end(scope: Scope) -> tuple[str, int]:
    """Where the connection came in. A server that does not say gives an empty host, which is not loopback."""
    host, port = scope.get("server") or ("", 0)
    return str(host), int(port or 0)


def is_loopback(host: str) -> bool:
    """Whether an address, as `local_end` has it, is this machine's alone."""
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
