"""What POST /v1/search is asked: fields in JSON, or beside a photo in a form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Request
from pydantic import Field, ValidationError, model_validator
from starlette.datastructures import FormData

from faces.http.errors import UploadNotKept, WrongField
from faces.people.kept_face import FaceState
from faces.photo.face import ENCODING_LENGTH
from faces.store.sidecar.face_filter import FaceFilter
from people_api.http.requests import Body, Id, Number, State, checked, read_body

#: Faces of one search at most.
MOST_FOUND = 200

#: Parts of a form: a photo, and the fields beside it.
_MOST_FIELDS = 20


class Wanted(Body):
    """Which faces are told, and how many."""

    k: int = Field(10, ge=1, le=MOST_FOUND, description="faces at most, of each face that is searched for")
    people: int = Field(5, ge=0, le=50, description="people at most, of each face that is searched for")
    max_distance: float | None = Field(None, ge=0, le=4, description="no face farther off than this")
    person: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(
        None, description="only faces of whom this is or, where suggested, may be"
    )
    state: State | None = Field(None, description="only faces of this state")
    source: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = Field(None, description="only photos of this source")
    min_quality: float | None = Field(None, ge=0, le=100, description="only faces of this quality or a better one")

    @property
    def filter(self) -> FaceFilter:
        """The same as faces are looked for by."""
        states = None if self.state is None else frozenset({FaceState[self.state.upper()]})
        return FaceFilter(self.person, states, self.source, self.min_quality)


class SearchRequest(Wanted):
    """What is searched for, without a photo."""

    face: Id | None = Field(None, description="a face that is known: the others that look like it")
    encoding: Annotated[list[Number], Field(min_length=ENCODING_LENGTH, max_length=ENCODING_LENGTH)] | None = Field(
        None, description=f"{ENCODING_LENGTH} numbers, as the face API gives them"
    )

    @model_validator(mode="after")
    def _check_one(self) -> SearchRequest:
        if (self.face is None) == (self.encoding is None):
            found = "neither face nor encoding" if self.face is None else "face beside encoding"
            raise ValueError(f"found {found}, needed one of the two, or a form with a photo in file")
        return self


@dataclass(frozen=True, slots=True)
class PhotoSearch:
    """A photo whose faces are searched for; it is there until the request ends."""

    wanted: Wanted
    photo: Path
    filename: str


@asynccontextmanager
async def reading_search(request: Request) -> AsyncIterator[SearchRequest | PhotoSearch]:
    """The body: JSON, or a form with a photo.

    Raises:
        BadBody: it is neither.
        WrongField: a field is wrong; the sentence names each.
        UploadNotKept: there is no room for the photo.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        yield await read_body(request, SearchRequest)
        return
    try:
        form = await request.form(max_files=1, max_fields=_MOST_FIELDS)
    except OSError as error:
        raise UploadNotKept(f"there is no room for the photo: {error.strerror or error}") from error
    try:
        yield await _photo_search(form)
    finally:
        await form.close()


async def _photo_search(form: FormData) -> PhotoSearch:
    fields, upload = dict[str, str](), None
    for name, value in form.multi_items():
        if name in fields:
            raise WrongField(f"{name}: found it twice, needed it once")
        if isinstance(value, str):
            fields[name] = value
        elif name == "file":
            upload = value
        else:
            raise WrongField(f"{name}: found a file, needed a text; the photo is `file`")
    if upload is None:
        raise WrongField("file: found none, needed the photo: a part of the form with a filename")
    try:
        # A file without a name of its own: nothing of it is left, however this process ends.
        descriptor = await asyncio.to_thread(upload.file.fileno)
    except OSError as error:
        raise UploadNotKept(f"there is no room for the photo: {error.strerror or error}") from error
    return PhotoSearch(_wanted(fields), Path(f"/proc/self/fd/{descriptor}"), upload.filename or "photo")


def _wanted(fields: dict[str, str]) -> Wanted:
    try:
        return Wanted.model_validate_strings(fields)
    except ValidationError as error:
        raise checked(error) from error
