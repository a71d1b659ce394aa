"""The paths of the API: each handler parses, makes one call and replies. PHP uses /encode, /compare and /health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import PurePosixPath
from typing import Annotated, Any, cast

from annotated_types import MaxLen
from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from pydantic import WithJsonSchema

from face_api.engines.photo_queue import Answer, Task
from face_api.http import openapi
from face_api.http.errors import NotReady, WrongField, headers_for, reply_to
from face_api.http.schemas import (
    CompareImagesReply,
    CompareReply,
    EncodeReply,
    HashReply,
    HealthReply,
    LiveReply,
    ReadyReply,
)
from face_api.http.service import FaceService
from face_api.http.upload_form import FormFile, UploadRoute
from faces import __version__
from faces.photo.engine import MODEL_NAME
from faces.photo.phash import LARGEST_SIZE, SMALLEST_SIZE, PHash
from faces.settings import LONGEST_PATH

router = APIRouter(route_class=UploadRoute)

#: Optional for FastAPI, because our own error says that it is missing. The documentation shows a file to choose.
PhotoFile = Annotated[UploadFile | None, WithJsonSchema({"type": "string", "format": "binary"})]

PathText = Annotated[str | None, MaxLen(LONGEST_PATH), WithJsonSchema({"type": "string", "maxLength": LONGEST_PATH})]

#: As text: PHP sends "80", and an empty field means no WebP.
QualityText = Annotated[
    str | None, MaxLen(8), WithJsonSchema({"type": "string", "pattern": "^([1-9][0-9]?|100)?$", "title": "1–100"})
]

HashSize = Annotated[
    int, Query(ge=SMALLEST_SIZE, le=LARGEST_SIZE, description="the hash has hash_size² bits", examples=[8])
]


@router.post("/encode", response_model=EncodeReply, responses=openapi.ENCODE, tags=["photos"])
async def encode(
    request: Request,
    image: Annotated[PhotoFile, File(description="the photo; or send it as `file`")] = None,
    file: Annotated[PhotoFile, File(description="the photo; or send it as `image`")] = None,
    original_path: Annotated[
        PathText,
        Form(
            description="where the original lies, absolute, or relative to `original_disk`; the debug picture is "
            "written beside it. Without it there is no debug picture",
            examples=["/dfotos/2024/07/IMG_1.jpg"],
        ),
    ] = None,
    original_disk: Annotated[PathText, Form(description="name of a disk in FACE_DISK_ROOTS, or a disk's root")] = None,
    image_debug_subdir: Annotated[PathText, Form(description="folder of the debug picture; default `debug`")] = None,
    webp_quality: Annotated[
        QualityText, Form(description="write the debug picture as WebP of this quality", examples=["80"])
    ] = None,
) -> Response:
    """Find the faces in a photo and encode each one.

    JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF or HEIC, by content. A photo without faces is answered with empty lists.
    """
    photo = _the_photo(image or file, "image (or file)")
    quality = _webp_quality(webp_quality)
    debug = await _debug_picture(request, original_path, original_disk, image_debug_subdir or "debug")
    async with _watch_connection(request) as disconnected:
        return _response(await _submit(request, "encode", photo, {**debug, "webp_quality": quality}, disconnected))


@router.post("/hash", response_model=HashReply, responses=openapi.PHOTO_ERRORS, tags=["photos"])
async def hash_photo(
    request: Request,
    file: Annotated[PhotoFile, File(description="the picture")] = None,
    hash_size: HashSize = 8,
) -> Response:
    """Perceptual hash of a picture, as `imagehash.phash` gives it."""
    photo = _the_photo(file, "file")
    async with _watch_connection(request) as disconnected:
        return _response(await _submit(request, "hash", photo, {"hash_size": hash_size}, disconnected))


@router.post("/compare-images", response_model=CompareImagesReply, responses=openapi.PHOTO_ERRORS, tags=["photos"])
async def compare_images(
    request: Request,
    file1: Annotated[PhotoFile, File(description="a picture")] = None,
    file2: Annotated[PhotoFile, File(description="another one")] = None,
    hash_size: HashSize = 8,
) -> Response:
    """Perceptual hashes of two pictures, and how many bits differ."""
    hashes: list[HashReply] = []
    async with _watch_connection(request) as disconnected:
        for photo in (_the_photo(file1, "file1"), _the_photo(file2, "file2")):
            answer = await _submit(request, "hash", photo, {"hash_size": hash_size}, disconnected)
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
        warnings=[
            f"{name}: {warning}"
            for name, one in zip(("file1", "file2"), hashes, strict=True)
            for warning in one.warnings
        ],
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
    with closing(service.uploads.open()) as upload:
        async for piece in request.stream():
            await upload.write(piece)
        with upload.reader() as body:
            reply = await service.comparisons.compare(body)
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


@router.get("/metrics", response_class=Response, responses=openapi.METRICS, tags=["service"])
async def metrics(request: Request) -> Response:
    """Figures for Prometheus, over all processes."""
    figures = _service(request).metrics
    return Response(await asyncio.to_thread(figures.page), media_type=figures.content_type)


def _service(request: Request) -> FaceService:
    service: FaceService = request.app.state.service
    return service


def _the_photo(upload: UploadFile | None, name: str) -> FormFile:
    if upload is None:
        raise WrongField(f"{name} is missing, needed a photo as a file of a multipart/form-data request")
    return cast(FormFile, upload)


def _webp_quality(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise WrongField(f"webp_quality is {text!r}, needed a whole number from 1 to 100")
    return int(text)


async def _debug_picture(request: Request, path: str | None, disk: str | None, subdir: str) -> dict[str, str | None]:
    """Where the debug picture is to be written, decided before an engine spends a second on the photo.

    Raises:
        OutsideDisks: a path that no request may name.
    """
    name = PurePosixPath(path or "").name
    if path is None or not name:
        return {"directory": None, "name": name, "warning": None}
    place = await asyncio.to_thread(_service(request).disks.debug_directory, path, disk or None, subdir)
    return {"directory": str(place.path) if place.path else None, "name": name, "warning": place.reason}


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
