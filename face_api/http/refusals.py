"""Exceptions → answers in our shape, FastAPI's own ones too."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from face_api.http.errors import BadBody, MethodNotAllowed, NotFound, WrongField, reply_to
from faces.errors import FacesError


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer one of our errors as the table says."""
    reply = reply_to(error)
    request.state.notes["code"] = reply.code
    return JSONResponse(reply.body, reply.status, reply.headers)


async def refuse_field(request: Request, error: Exception) -> JSONResponse:
    """Answer what FastAPI found in the fields: one sentence that names each."""
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
        return await nobody_listens(request, error)
    response = await refuse(request, _ours(error, request.method, ascii(request.url.path)[1:-1]))
    response.headers.update({name: value for name, value in (error.headers or {}).items() if name == "Allow"})
    return response


async def nobody_listens(request: Request, error: Exception) -> Response:
    """Nginx's word for a client that left; nobody reads it but the log."""
    return Response(status_code=499)


def _ours(error: HTTPException, method: str, path: str) -> FacesError:
    if error.status_code == 404:
        return NotFound(f"there is nothing at {path}; see /docs")
    if error.status_code == 405:
        needed = (error.headers or {}).get("Allow", "another method")
        return MethodNotAllowed(f"{path} does not take {method}, needed {needed}")
    if isinstance(error.__cause__, FacesError):
        return error.__cause__
    return BadBody(f"the body is no valid multipart/form-data: {error.detail}")
