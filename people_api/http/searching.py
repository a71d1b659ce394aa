"""POST /v1/search: where else is this face? The nearest faces, and who it may be."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Collection

import numpy as np
from fastapi import APIRouter, Request, Response

from faces.answers.history.told_entries import names_today
from faces.http.errors import WrongField
from faces.library.search.face_finder import FaceFinder, SearchedFace
from faces.people.identify import Contender
from faces.photo.face import Encoding, Quality, RatioBox
from faces.store.listing import read_faces
from people_api.http import openapi
from people_api.http.found_faces import LikelyPerson, SearchedReply, SearchReply, SimilarFace
from people_api.http.schemas import PartsBox, ToldFace
from people_api.http.search_request import PhotoSearch, SearchRequest, Wanted, reading_search
from people_api.http.service import PeopleService
from people_api.opened_library import OpenedLibrary

router = APIRouter()


@router.post(
    "/search",
    response_model=SearchReply,
    responses=openapi.SEARCH,
    openapi_extra=openapi.SEARCH_BODY,
    tags=["search"],
)
async def search(request: Request) -> Response:
    """Where else a face is: of a photo, a known face, or an encoding. A photo's faces are answered one by one.

    A photo is sent to the face API, and kept nowhere.
    """
    service: PeopleService = request.app.state.service
    async with reading_search(request) as asked:
        if isinstance(asked, PhotoSearch):
            reply = await asyncio.to_thread(_search_photo, service, asked)
        else:
            reply = await asyncio.to_thread(_search_face, service.library, asked)
    return Response(reply.model_dump_json(), media_type="application/json")


def _search_photo(service: PeopleService, asked: PhotoSearch) -> SearchReply:
    # The library first: without it the face API need not look for faces.
    finder = service.library.opened().finder
    encoded = service.face_api.encode(asked.photo, asked.filename, uuid.uuid4().hex)
    faces = [
        _searched(service.library, finder, one.encoding, asked.wanted, box=one.box, quality=one.quality)
        for one in encoded.faces
    ]
    return SearchReply(faces=faces, warnings=list(encoded.warnings))


def _search_face(library: OpenedLibrary, asked: SearchRequest) -> SearchReply:
    finder = library.opened().finder
    encoding = finder.encoding_of(asked.face) if asked.face is not None else np.asarray(asked.encoding)
    without = [] if asked.face is None else [asked.face]
    try:
        return SearchReply(faces=[_searched(library, finder, encoding, asked, without)], warnings=[])
    except ValueError as error:
        raise WrongField(f"encoding: {error}") from error


def _searched(
    library: OpenedLibrary,
    finder: FaceFinder,
    encoding: Encoding,
    wanted: Wanted,
    without: Collection[int] = (),
    box: RatioBox | None = None,
    quality: Quality | None = None,
) -> SearchedReply:
    most = math.inf if wanted.max_distance is None else wanted.max_distance
    found = finder.faces(encoding, wanted.k, wanted.filter, most=most, without=without)
    people = finder.people(encoding, wanted.people) if wanted.people else []
    return SearchedReply(
        box=box and PartsBox.of(box),
        quality=quality and quality.total,
        people=_people(library, people),
        faces=_faces(library, found),
    )


def _people(library: OpenedLibrary, found: list[Contender]) -> list[LikelyPerson]:
    with library.reading() as transaction:
        names = names_today(transaction, {one.person_id for one in found})
    return [LikelyPerson.of(one, names) for one in found]


def _faces(library: OpenedLibrary, found: list[SearchedFace]) -> list[SimilarFace]:
    with library.reading() as transaction:
        rows = {face.id: (face, image) for face, image in read_faces(transaction, [one.face_id for one in found])}
    # What was removed between the two reads is left out.
    return [
        SimilarFace.at(one.distance, ToldFace.of(*rows[one.face_id], one.indexed.taken_at))
        for one in found
        if one.face_id in rows
    ]
