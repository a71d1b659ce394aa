"""Reads a multipart form whose files are our uploads; Starlette's own ones would lie in a temporary folder."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from face_api.http.service import Service
from face_api.http.uploads import Upload, Uploads

#: Files in one form: /compare-images needs two. Each is an open file from its first line on.
MOST_FILES = 8


class UploadRoute(APIRoute):
    """A path whose form is read our way; FastAPI does the rest as always."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What serves a request."""
        handle = super().get_route_handler()

        async def handle_form(request: Request) -> Response:
            return await handle(_FormRequest(request.scope, request.receive, request._send))

        return handle_form


class FormFile(UploadFile):
    """A file of a form."""

    def __init__(self, upload: Upload, filename: str | None, headers: Headers) -> None:
        """Keep what the form says of it."""
        super().__init__(cast(Any, upload), size=0, filename=filename, headers=headers)
        self.upload = upload

    async def write(self, data: bytes) -> None:
        """Add a piece.

        Raises:
            UploadNotKept: there is no room for it.
        """
        await self.upload.write(data)

    async def seek(self, offset: int) -> None:
        """Nothing: an upload has no place in it that is read from."""

    async def close(self) -> None:
        """Let it go."""
        self.upload.close()


class _FormRequest(Request):
    async def _get_form(self, **limits: Any) -> FormData:
        kind, _ = parse_options_header(self.headers.get("Content-Type"))
        if self._form is None and kind == b"multipart/form-data":
            service: Service = self.app.state.service
            try:
                async with aclosing(self.stream()) as stream:
                    self._form = await _Parser(self.headers, stream, service.uploads).parse()
            except MultiPartException as error:
                raise HTTPException(400, error.message) from error
        return await super()._get_form(**limits)


class _Parser(MultiPartParser):
    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None], uploads: Uploads) -> None:
        super().__init__(headers, stream, max_files=MOST_FILES)
        self._uploads = uploads

    def on_headers_finished(self) -> None:
        """A part begins. For one that is a file Starlette has made one of its own, which has taken nothing yet."""
        super().on_headers_finished()
        if (theirs := self._current_part.file) is not None:
            theirs.file.close()
            upload = self._uploads.open()
            self._files_to_close_on_error.append(cast(Any, upload))
            self._current_part.file = FormFile(upload, theirs.filename, theirs.headers)
