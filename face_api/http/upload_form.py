"""Reads a multipart form so that its files are our uploads; Starlette's own would lie in a temporary folder."""

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

from face_api.http.service import FaceService
from face_api.http.uploads import Upload, Uploads

#: Files in one form: /compare-images needs two. Each is an open file from its first line on.
MOST_FILES = 8


class UploadRoute(APIRoute):
    """A route whose form is read here; the rest is FastAPI's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_form(request: Request) -> Response:
            return await handle(_FormRequest(request.scope, request.receive, request._send))

        return handle_form


class FormFile(UploadFile):
    """A file of a form, as the handlers get it: its bytes are in `upload`."""

    def __init__(self, upload: Upload, filename: str | None, headers: Headers) -> None:
        super().__init__(cast(Any, upload), size=0, filename=filename, headers=headers)
        self.upload = upload

    async def write(self, data: bytes) -> None:
        """Add a piece; Starlette's parser calls this.

        Raises:
            UploadNotKept: there is no room for it.
        """
        await self.upload.write(data)

    async def seek(self, offset: int) -> None:
        """Does nothing: each reader of an upload has a position of its own."""

    async def close(self) -> None:
        self.upload.close()


class _FormRequest(Request):
    async def _get_form(self, **limits: Any) -> FormData:
        kind, _ = parse_options_header(self.headers.get("Content-Type"))
        if self._form is None and kind == b"multipart/form-data":
            service: FaceService = self.app.state.service
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
        """A part begins. Where it is a file, Starlette has made one of its own, still empty: ours replaces it."""
        super().on_headers_finished()
        if (theirs := self._current_part.file) is not None:
            theirs.file.close()
            upload = self._uploads.open()
            self._files_to_close_on_error.append(cast(Any, upload))
            self._current_part.file = FormFile(upload, theirs.filename, theirs.headers)
