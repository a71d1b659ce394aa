"""Keeps a request's body within its limits while it comes in: too many bytes get 413, a silent client gets 408."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faces.errors import FacesError
from faces.http.errors import ClientTooSlow, RequestTooLarge, reply_to
from faces.http.request_line import path_of

#: Seconds for which the rest of a refused body is read and thrown away. Closing while the client still sends would
#: reset the connection, and the reset may reach the client before the answer does.
LINGER_SECONDS = 30.0


class BodyLimit:
    """ASGI middleware around everything that reads a body."""

    def __init__(self, app: ASGIApp, *, limit_of: Callable[[str], int], idle_seconds: float) -> None:
        """`limit_of` gives the most bytes that a body at a path may have."""
        self._app, self._limit_of, self._idle_seconds = app, limit_of, idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        announced = int(headers.get(b"content-length", b"0"))
        has_body = announced > 0 or b"transfer-encoding" in headers
        body = _IncomingBody(receive, self._limit_of(path_of(scope)), self._idle_seconds, complete=not has_body)
        if announced > body.limit:
            body.refusal = _too_large(announced, body.limit)
        else:
            await self._app(scope, body.receive, body.sender(send))
        if body.refusal is not None:
            await _reply(scope, body.refusal, send)
        await body.throw_away()


async def _reply(scope: Scope, error: FacesError, send: Send) -> None:
    reply = reply_to(error)
    scope["state"]["notes"]["code"] = reply.code
    response = JSONResponse(reply.body, reply.status, {**reply.headers, "Connection": "close"})
    await response(scope, _receive_disconnect, send)


async def _receive_disconnect() -> Message:
    return {"type": "http.disconnect"}


class _IncomingBody:
    """One body while it comes in. Once refused, the application sees a disconnected client; its answer is dropped."""

    def __init__(self, receive: Receive, limit: int, idle_seconds: float, complete: bool) -> None:
        self._receive, self.limit, self._idle_seconds = receive, limit, idle_seconds
        self._bytes = 0
        self._complete = complete
        self._answered = False
        self.refusal: FacesError | None = None

    async def receive(self) -> Message:
        """The next piece, or a disconnected client."""
        if self.refusal is not None:
            return {"type": "http.disconnect"}
        if self._complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._idle_seconds)
        except asyncio.TimeoutError:
            return self._refuse(
                ClientTooSlow(f"nothing came for {self._idle_seconds:g} seconds, and the request is not complete")
            )
        if message["type"] == "http.request":
            self._complete = not message.get("more_body", False)
            self._bytes += len(message.get("body", b""))
            if self._bytes > self.limit:
                return self._refuse(_too_large(self._bytes, self.limit))
        return message

    def sender(self, send: Send) -> Send:
        """Passes answers on, unless the refusal takes their place."""

        async def send_or_drop(message: Message) -> None:
            if self.refusal is not None and not self._answered:
                return
            if message["type"] == "http.response.start" and not self._complete:
                MutableHeaders(scope=message)["Connection"] = "close"
            self._answered = True
            await send(message)

        return send_or_drop

    async def throw_away(self) -> None:
        """Read on without keeping anything, until the body is complete or the client disconnects or falls silent."""
        end = time.monotonic() + LINGER_SECONDS
        while (left := end - time.monotonic()) > 0 and not self._complete:
            try:
                message = await asyncio.wait_for(self._receive(), min(left, self._idle_seconds))
            except asyncio.TimeoutError:
                return
            self._complete = message["type"] != "http.request" or not message.get("more_body", False)

    def _refuse(self, error: FacesError) -> Message:
        if not self._answered:
            self.refusal = error
        return {"type": "http.disconnect"}


def _too_large(found: int, limit: int) -> RequestTooLarge:
    return RequestTooLarge(f"the request's body has {found:,} bytes or more, at most {limit:,} are accepted here")
