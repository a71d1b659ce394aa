"""One table: our error → HTTP status and body. Also the errors that only a request can make."""

from __future__ import annotations

from dataclasses import dataclass

from faces.errors import FacesError, PhotoError, PhotoTooLarge, RequestError, Unavailable, UnsupportedFormat

#: Seconds after which a client may ask again; a photo takes an engine about so long.
RETRY_AFTER = 2


class KeyNeeded(RequestError):
    """The address wants a key, and none or a wrong one was shown."""

    code = "key_needed"


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
    """The path is there, the method is not."""

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


#: Looked up from top to bottom: the branches of faces/errors.py, and above each the leaves that say more.
STATUSES: tuple[tuple[type[FacesError], int], ...] = (
    (UnsupportedFormat, 415),
    (PhotoTooLarge, 413),
    (PhotoError, 422),
    (KeyNeeded, 401),
    (WrongField, 422),
    (RequestTooLarge, 413),
    (NotFound, 404),
    (MethodNotAllowed, 405),
    (RequestError, 400),
    (ClientTooSlow, 408),
    (Unavailable, 503),
    (FacesError, 500),
)

#: What a client reads when the fault is ours; the log has the rest.
OUR_FAULT = "something went wrong on our side; the log of the face API says what, under this request's X-Request-ID"


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """What goes out for an error: status, headers and the body's three fields."""

    status: int
    error: str
    code: str
    retryable: bool

    @property
    def headers(self) -> dict[str, str]:
        """Headers that the status calls for."""
        return headers_for(self.status)

    @property
    def body(self) -> dict[str, str | bool]:
        """The JSON object."""
        return {"error": self.error, "code": self.code, "retryable": self.retryable}


def headers_for(status: int) -> dict[str, str]:
    """Headers that a status calls for."""
    if status == 503:
        return {"Retry-After": str(RETRY_AFTER)}
    return {"WWW-Authenticate": "Bearer"} if status == 401 else {}


def reply_to(error: Exception) -> ErrorReply:
    """Look the error up in the table; what is not ours is our fault (500) and tells nothing about itself."""
    if not isinstance(error, FacesError):
        return ErrorReply(500, OUR_FAULT, "internal_error", retryable=True)
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    return ErrorReply(status, str(error), error.code, retryable=isinstance(error, Unavailable) or status >= 500)
