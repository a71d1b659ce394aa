"""The paths of the API: each handler parses, makes one call and replies. PHP uses /encode, /compare and /health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from face_api.engines.photo_queue import Answer, Task
from face_api.http import encode_options, openapi
from face_api.http.encode_options import HASH_SIZE, EncodeOptions
from face_api.http.schemas import (
    CompareImagesReply,
    CompareReply,
    EncodeReply,
    HashReply,
    HealthReply,
)
from face_api.http.service import FaceService
from face_api.http.upload_form import FormFile, RequestFields, UploadRoute
from faces import __version__
from faces.http.bodies import LiveReply, ReadyReply
from faces.http.described import METRICS
from faces.http.errors import NotReady, headers_for, reply_to
from faces.photo.engine import MODEL_NAME
from faces.photo.phash import PHash

router = APIRouter(route_class=UploadRoute)

#: What the photo of /encode and /hash may be called, and the two of /compare-images.
ONE_PHOTO = ("image", "file")
TWO_PHOTOS = ("file1", "file2")


@router.post(
    "/encode",
    response_model=EncodeReply,
    responses=openapi.ENCODE,
    openapi_extra=openapi.ENCODE_BODY,
    tags=["photos"],
)
async def encode(request: Request) -> Response:
    """Find the faces in a photo and encode each one; or, with `boxes`, encode these without searching.

    JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or HEIC, by content. A photo without faces is answered with empty lists.
    The options may also stand in the query, with a photo as the whole body (`image/…`) they have to.
    """
    fields = await RequestFields.read(request)
    photo, options = fields.photo(*ONE_PHOTO), EncodeOptions.of(fields)
    pictures = _service(request).pictures
    place = await asyncio.to_thread(
        pictures.place, options.original_path, options.original_disk, options.image_debug_subdir
    )
    asked = {
        "boxes": None if options.boxes is None else [asdict(box) for box in options.boxes],
        "landmarks": options.landmarks,
        "selection": asdict(options.selection),
        "notes": fields.unknown((*ONE_PHOTO, *encode_options.names(encode_options.ENCODE))) + options.notes,
    }
    async with _watch_connection(request) as disconnected:
        return _response(
            await _submit(
                request, "encode", photo, {**asdict(place), "webp_quality": options.webp_quality, **asked}, disconnected
            )
        )


@router.post(
    "/hash",
    response_model=HashReply,
    responses=openapi.PHOTO_ERRORS,
    openapi_extra=openapi.HASH_BODY,
    tags=["photos"],
)
async def hash_photo(request: Request) -> Response:
    """Perceptual hash of a picture, as `imagehash.phash` gives it."""
    fields = await RequestFields.read(request)
    photo, hash_size = fields.photo(*ONE_PHOTO), HASH_SIZE.of(fields)
    notes = fields.unknown((*ONE_PHOTO, HASH_SIZE.name))
    async with _watch_connection(request) as disconnected:
        return _response(await _submit(request, "hash", photo, {"hash_size": hash_size, "notes": notes}, disconnected))


@router.post(
    "/compare-images",
    response_model=CompareImagesReply,
    responses=openapi.PHOTO_ERRORS,
    openapi_extra=openapi.COMPARE_IMAGES_BODY,
    tags=["photos"],
)
async def compare_images(request: Request) -> Response:
    """Perceptual hashes of two pictures, and how many bits differ."""
    fields = await RequestFields.read(request)
    photos, hash_size = [fields.photo(name) for name in TWO_PHOTOS], HASH_SIZE.of(fields)
    hashes: list[HashReply] = []
    async with _watch_connection(request) as disconnected:
        for photo in photos:
            answer = await _submit(request, "hash", photo, {"hash_size": hash_size, "notes": []}, disconnected)
            if answer.status != 200:
                return _response(answer)
            hashes.append(HashReply.model_validate_json(answer.body))
    bits = hash_size * hash_size
    reply = CompareImagesReply(
        hash1=hashes[0].hash,
        hash2=hashes[1].hash,
        hash_size=hash_size,
        bits=bits,
        distance=PHash(hashes[0].hash, bits).distance(PHash(hashes[1].hash, bits)),
        warnings=fields.unknown((*TWO_PHOTOS, HASH_SIZE.name))
        + [f"{name}: {warning}" for name, one in zip(TWO_PHOTOS, hashes, strict=True) for warning in one.warnings],
    )
    return Response(reply.model_dump_json(), media_type="application/json")


@router.post(
    "/compare",
    response_model=CompareReply,
    responses=openapi.COMPARE,
    openapi_extra=openapi.COMPARE_BODY,
    tags=["encodings"],
)
async def compare_encodings(request: Request) -> Response:
    """Euclidean distances of one encoding to many candidates, in their order.

    Two photos of one person are usually nearer than 0.6.
    """
    service = _service(request)
    notes = RequestFields(tuple(request.query_params.multi_items())).unknown(())
    with closing(service.uploads.open()) as upload:
        async for piece in request.stream():
            await upload.write(piece)
        with upload.reader() as body:
            reply = await service.comparisons.compare(body, notes)
    return Response(reply, media_type="application/json")


@router.get("/health", response_model=HealthReply, tags=["service"])
async def health(request: Request) -> HealthReply:
    """What this service is; answers also while everything computes."""
    return HealthReply(
        status="ok",
        mode="cpu",
        version=__version__,
        model=MODEL_NAME,
        processes=_service(request).settings.api_processes,
        fast=sorted(_service(request).process.fast),
    )


@router.get("/livez", response_model=LiveReply, tags=["service"])
async def livez() -> LiveReply:
    """The process answers. Wants no key on any address."""
    return LiveReply(status="alive")


@router.get("/readyz", response_model=ReadyReply, responses=openapi.NOT_READY, tags=["service"])
async def readyz(request: Request) -> Response:
    """Whether this process takes photos, also those that do not fit into memory; 503 with the reasons when not."""
    service = _service(request)
    reasons = [*service.process.reasons_not_ready(), *filter(None, [await service.uploads.folder.why_unwritable()])]
    if reasons:
        reply = reply_to(NotReady("this process does not take every photo: " + "; ".join(reasons)))
        return JSONResponse({**reply.body, "reasons": reasons}, reply.status, reply.headers)
    return Response(ReadyReply(status="ready").model_dump_json(), media_type="application/json")


@router.get("/metrics", response_class=Response, responses=METRICS, tags=["service"])
async def metrics(request: Request) -> Response:
    """Figures for Prometheus, over all processes."""
    figures = _service(request).metrics
    return Response(await asyncio.to_thread(figures.page), media_type=figures.content_type)


def _service(request: Request) -> FaceService:
    service: FaceService = request.app.state.service
    return service


async def _submit(
    request: Request, verb: str, photo: FormFile, fields: dict[str, Any], disconnected: asyncio.Future[None]
) -> Answer:
    """Have an engine work on the photo; its notes become part of the log line."""
    task = Task(verb, request.state.request_id, fields)
    service = _service(request)
    service.process.start()  # already started, unless the application is called in memory, without its lifespan
    answer = await service.photos.submit(task, photo.upload.fileno(), disconnected)
    request.state.notes.update(answer.notes)
    return answer


@asynccontextmanager
async def _watch_connection(request: Request) -> AsyncIterator[asyncio.Future[None]]:
    """Give a future that is done when the client disconnects.

    Once a request: after a wait that was given up, gunicorn takes the next one for a disconnected client.
    """
    disconnected = asyncio.ensure_future(_client_disconnects(request))
    try:
        yield disconnected
    finally:
        disconnected.cancel()


async def _client_disconnects(request: Request) -> None:
    """Return when the client closes its connection. The body has been read: nothing else can come."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, headers_for(answer.status), media_type="application/json")
