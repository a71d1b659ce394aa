"""Every error's HTTP status, in one table: `STATUSES`. Also the errors that only a request can make, and the handlers.

413 for a photo or body that is too large, 503 where trying again may help: look here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from faces.errors import (
    ChangedSince,
    FacesError,
    NoDiskForPicture,
    PhotoError,
    PhotoTooLarge,
    RequestError,
    Unavailable,
    UnsupportedFormat,
)

#: Seconds after which a client may ask again; a photo takes an engine about so long.
RETRY_AFTER = 2

#: Nginx's status for a client that disconnected before it had its answer.
CLIENT_CLOSED_REQUEST = 499


class KeyNeeded(RequestError):
    """The address needs a key, and none or a wrong one was shown."""

    code = "key_needed"


class ScopeNeeded(RequestError):
    """The key that was shown is accepted, and allows less than this."""

    code = "scope_needed"


class ForeignHost(RequestError):
    """An address that wants no key was asked by a name that is not its own: another site's name may lead here."""

    code = "foreign_host"


class ForeignOrigin(RequestError):
    """Another site's page had a browser send this to an address that wants no key."""

    code = "foreign_origin"


class WrongField(RequestError):
    """A field of the request is missing or has a value that cannot be used."""

    code = "wrong_field"


class BadBody(RequestError):
    """The body is not what its Content-Type says."""

    code = "bad_body"


class RequestTooLarge(RequestError):
    """The body has more bytes than a request may have; the sentence has both numbers."""

    code = "request_too_large"


class NotFound(RequestError):
    """There is nothing at this path."""

    code = "not_found"


class MethodNotAllowed(RequestError):
    """The path exists, the method does not."""

    code = "method_not_allowed"


class ClientTooSlow(Unavailable):
    """The client stopped sending in the middle of its request."""

    code = "client_too_slow"


class UploadNotKept(Unavailable):
    """There is room for the upload neither in memory nor in the temporary folder."""

    code = "upload_not_kept"


class NotReady(Unavailable):
    """This process does not take photos yet, or no longer, or not every one."""

    code = "not_ready"


#: Error → HTTP status, branch by branch of faces/errors.py. Read from the top: a class stands above its base class.
STATUSES: tuple[tuple[type[FacesError], int], ...] = (
    (UnsupportedFormat, 415),
    (PhotoTooLarge, 413),
    (PhotoError, 422),
    (KeyNeeded, 401),
    (ScopeNeeded, 403),
    (ForeignHost, 403),
    (ForeignOrigin, 403),
    (WrongField, 422),
    (RequestTooLarge, 413),
    (NotFound, 404),
    (MethodNotAllowed, 405),
    (ChangedSince, 409),
    (RequestError, 400),
    (ClientTooSlow, 408),
    (NoDiskForPicture, 422),
    (Unavailable, 503),
    (FacesError, 500),
)

#: What a client reads of a bug of ours; the log has the traceback.
OUR_FAULT = "something went wrong on our side; the log of this service says what, under this request's X-Request-ID"


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The answer to an error: status, headers and the body's three fields."""

    status: int
    error: str
    code: str
    retryable: bool

    @property
    def headers(self) -> dict[str, str]:
        return headers_for(self.status)

    @property
    def body(self) -> dict[str, str | bool]:
        return {"error": self.error, "code": self.code, "retryable": self.retryable}


def headers_for(status: int) -> dict[str, str]:
    """The headers that belong to a status, from a route or from a limit before it."""
    if status == 503:
        return {"Retry-After": str(RETRY_AFTER)}
    return {"WWW-Authenticate": "Bearer"} if status == 401 else {}


def reply_to(error: Exception) -> ErrorReply:
    """Look the error up in the table. Any other exception is a bug: 500, and the client reads nothing of it."""
    if not isinstance(error, FacesError):
        return ErrorReply(500, OUR_FAULT, "internal_error", retryable=True)
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    return ErrorReply(status, str(error), error.code, retryable=isinstance(error, Unavailable) or status >= 500)


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer one of our errors as the table says. Handler of `FacesError`."""
    reply = reply_to(error)
    request.state.notes["code"] = reply.code
    return JSONResponse(reply.body, reply.status, reply.headers)


async def refuse_field(request: Request, error: Exception) -> JSONResponse:
    """Answer what FastAPI found wrong in the fields: one sentence that names each."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  for mypy; FastAPI sends nothing else here
    return await refuse(request, WrongField("; ".join(_about(line) for line in error.errors())))


def _about(line: dict[str, Any]) -> str:
    field = ".".join(str(part) for part in line["loc"][1:])
    if "UploadFile" in line["msg"]:
        return f"{field} is text, needed a file (a part of the form with a filename)"
    return f"{field}: {line['msg'][:1].lower()}{line['msg'][1:]}"


async def refuse_http(request: Request, error: Exception) -> Response:
    """Answer what Starlette raises: no such path, no such method, a form that cannot be read."""
    assert isinstance(error, HTTPException)  # noqa: S101  for mypy; Starlette sends nothing else here
    if isinstance(error.__cause__, ClientDisconnect):
        return await client_closed_request(request, error)
    allowed = _allowed(error)
    if error.status_code == 405 and request.method == "OPTIONS":
        return Response(status_code=204, headers=allowed)
    response = await refuse(request, _ours(error, request.method, ascii(request.scope["path"])[1:-1]))
    response.headers.update(allowed)
    return response


async def client_closed_request(request: Request, error: Exception) -> Response:
    """The client disconnected: the status is for the log and the metrics only."""
    return Response(status_code=CLIENT_CLOSED_REQUEST)


def _allowed(error: HTTPException) -> dict[str, str]:
    """The header that says what a path takes: HEAD wherever it takes GET, which the routes do not know of."""
    if error.status_code != 405:
        return {}
    allow = (error.headers or {}).get("Allow", "GET")  # the files below /docs say nothing
    return {"Allow": "GET, HEAD" if "GET" in allow else allow}


def _ours(error: HTTPException, method: str, path: str) -> FacesError:
    if error.status_code == 404:
        return NotFound(f"there is nothing at {path}; see /docs")
    if error.status_code == 405:
        return MethodNotAllowed(f"{path} does not take {method}, needed {_allowed(error)['Allow']}")
    if isinstance(error.__cause__, FacesError):
        return error.__cause__
    return BadBody(f"the body is no valid multipart/form-data: {error.detail}")
