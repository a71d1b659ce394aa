"""Reads what a request with photos says: a form whose files are our uploads, or a photo as the whole body; the query.

Starlette's own files would lie in a temporary folder.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from face_api.http.schemas import shown, warnings_about
from face_api.http.service import FaceService
from face_api.http.uploads import Upload, Uploads
from faces.http.errors import WrongField

#: Files in one form: /compare-images needs two. Each is an open file from its first line on.
MOST_FILES = 8

#: What a photo is called that is the whole body of its request.
BODY = "image"


class UploadRoute(APIRoute):
    """A route whose form is read here; the rest is FastAPI's."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_form(request: Request) -> Response:
            with_form = _FormRequest(request.scope, request.receive, request._send)
            try:
                return await handle(with_form)
            finally:
                await with_form.close()

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

    @property
    def is_no_choice(self) -> bool:
        """Whether a browser sent it for a field in which no file was chosen."""
        return not self.filename and not self.upload.size


@dataclass(frozen=True, slots=True)
class RequestFields:
    """The fields of a request, those of the query first, as they came: a name may be there twice."""

    given: tuple[tuple[str, FormFile | str], ...]

    @classmethod
    async def read(cls, request: Request) -> RequestFields:
        """Read the query and the body. The files are closed when the request ends.

        Raises:
            HTTPException: the body is no form, although it says so.
            UploadNotKept: there is no room for a file.
        """
        form = await request.form()
        given = [*request.query_params.multi_items(), *cast(Iterable[tuple[str, FormFile | str]], form.multi_items())]
        return cls(tuple(given))

    def photo(self, *names: str) -> FormFile:
        """The one file under any of these names. An empty text beside it is as if it were not there.

        Raises:
            WrongField: there is none, or more than one, or text.
        """
        files = [(name, value) for name, value in self.given if name in names and isinstance(value, FormFile)]
        texts = [name for name, value in self.given if name in names and isinstance(value, str) and value]
        chosen = [(name, file) for name, file in files if not file.is_no_choice] or files[:1]
        if len(chosen) > 1:
            raise WrongField(f"found {len(chosen)} photos, as {' and '.join(name for name, _ in chosen)}, needed one")
        if texts:
            raise WrongField(f"{texts[0]} is text, needed a file (a part of the form with a filename)")
        if not chosen:
            either = names[0] + "".join(f" (or {name})" for name in names[1:])
            raise WrongField(
                f"{either} is missing, needed a photo as a file of a multipart/form-data request{_or_body(names)}"
            )
        return chosen[0][1]

    def text(self, name: str) -> str:
        """The field's text; empty where there is none.

        Raises:
            WrongField: it is a file, or has two texts that differ, in the form, in the query or one in each.
        """
        values = [value for given, value in self.given if given == name]
        texts = dict.fromkeys(value for value in values if isinstance(value, str) and value)
        if any(isinstance(value, FormFile) for value in values):
            raise WrongField(f"{name} is a file, needed text")
        if len(texts) > 1:
            raise WrongField(f"{name} is {' and '.join(map(shown, list(texts)[:2]))} at once, needed one of them")
        return next(iter(texts), "")

    def unknown(self, known: Collection[str]) -> list[str]:
        """What the answer's `warnings` say of the fields that are not among the known ones."""
        return warnings_about(name for name, _ in self.given if name not in known)


def _or_body(names: Collection[str]) -> str:
    return ", or as the whole body, with a Content-Type of image/…" if BODY in names else ""


class _FormRequest(Request):
    async def _get_form(self, **limits: Any) -> FormData:
        kind, _ = parse_options_header(self.headers.get("Content-Type"))
        service: FaceService = self.app.state.service
        if self._form is None and kind == b"multipart/form-data":
            try:
                async with aclosing(self.stream()) as stream:
                    self._form = await _Parser(self.headers, stream, service.uploads).parse()
            except MultiPartException as error:
                raise HTTPException(400, error.message) from error
        if self._form is None and kind.startswith(b"image/"):
            self._form = FormData([(BODY, await self._body_as_file(service.uploads))])
        return await super()._get_form(**limits)

    async def _body_as_file(self, uploads: Uploads) -> FormFile:
        upload = uploads.open()
        try:
            async for piece in self.stream():
                await upload.write(piece)
        except BaseException:
            upload.close()
            raise
        return FormFile(upload, BODY, self.headers)


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
