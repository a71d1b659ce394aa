"""One log line a request, with its id and the seconds by stage; counts it, too. The id is the client's or made here."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faces.http.errors import CLIENT_CLOSED_REQUEST, UploadNotKept, reply_to
from faces.http.figures import Figures
from faces.http.request_line import path_of

#: Anything else in the client's X-Request-ID could forge log lines.
_SANE_ID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")

#: Requested every few seconds by machines; logged only at DEBUG.
_QUIET_PATHS = frozenset({"/livez", "/readyz", "/health", "/metrics"})

#: Lines each minute for requests that never became complete; the others are counted in a later line.
_INCOMPLETE_LINES = 20


class RequestLog:
    """The outermost ASGI middleware. Handlers put what the line shall say into `scope["state"]["notes"]`."""

    def __init__(self, app: ASGIApp, *, door: str, figures: Figures, paths: frozenset[str]) -> None:
        """Log and count what `app` serves; all other `paths` are counted as one.

        Args:
            app: what is inside.
            door: the process's name, as the log has it.
            figures: what /metrics tells.
            paths: of the routes.
        """
        self._app, self._figures, self._paths = app, figures, paths
        self._log = logging.getLogger(f"{door}.request")
        self._incomplete = _IncompleteRequests()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        notes: dict[str, Any] = {}
        scope.setdefault("state", {}).update(request_id=request_id, notes=notes)
        status = 0
        start = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:  # noqa: BLE001  around one request, with its traceback in the log
            self._log.exception("request %s: a fault of our own", request_id)
            reply = reply_to(error)
            notes["code"] = reply.code
            if status == 0:
                await JSONResponse(reply.body, reply.status)(scope, receive, send_with_id)
        finally:
            # Of `/people/12` the route's own: figures are of few names.
            path = getattr(scope.get("route"), "path", path_of(scope))
            self._figures.count_request(path if path in self._paths else "other", status, notes.get("code"))
            if status == CLIENT_CLOSED_REQUEST or notes.get("code") == UploadNotKept.code:
                notes |= self._incomplete.notes()
            _write(self._log, scope, request_id, status, time.perf_counter() - start, notes)


class _IncompleteRequests:
    """Requests whose client disconnected, or whose upload found no room: some have a line, the others are counted."""

    def __init__(self) -> None:
        self._minute, self._lines, self._untold = 0, 0, 0

    def notes(self) -> dict[str, Any]:
        """Notes for the line of one more: `untold` where it gets none, else how many had none since the last line."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines > _INCOMPLETE_LINES:
            self._untold += 1
            return {"untold": True}
        untold, self._untold = self._untold, 0
        return {"more_like_this": untold} if untold else {}


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex


def _write(
    log: logging.Logger, scope: Scope, request_id: str, status: int, seconds: float, notes: dict[str, Any]
) -> None:
    level = logging.DEBUG if path_of(scope) in _QUIET_PATHS or notes.pop("untold", False) else logging.INFO
    known = " ".join(f"{name}={value}" for name, value in notes.items())
    # ascii(): a path may hold anything, a line break included.
    path = ascii(scope["path"])[1:-1]
    outcome = status or "gone"
    log.log(level, "%s %s %s %.3f s id=%s %s", scope["method"], path, outcome, seconds, request_id, known)
