"""create_app: the API as one ASGI application, made of its parts. Gunicorn calls it once, before the fork."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from face_api.engines.busy_engines import BusyEngines
from face_api.engines.crash_register import CrashRegister
from face_api.engines.engine_process import EngineProcess
from face_api.engines.photo_queue import PhotoQueue
from face_api.engines.photo_submitter import ClientGone, PhotoSubmitter
from face_api.engines.photo_work import PhotoWork
from face_api.http import openapi
from face_api.http.access import Access
from face_api.http.compare import Comparisons
from face_api.http.debug_pictures import PicturePlaces
from face_api.http.routes import router
from face_api.http.service import FaceService
from face_api.http.uploads import TemporaryFolder, Uploads
from face_api.server.metrics import Metrics
from faces import __version__
from faces.errors import FacesError
from faces.http import described, docs
from faces.http.body_limit import BodyLimit
from faces.http.errors import client_closed_request, refuse, refuse_field, refuse_http
from faces.http.guard import Guard
from faces.http.request_line import HeadRequests, RequestTarget
from faces.http.request_log import RequestLog
from faces.laravel.disks import Disks
from faces.photo.engine import FaceEngine
from faces.photo.open_engine import open_engine
from faces.settings import Settings, load

_MB = 1024 * 1024

#: Bytes that the form around a photo may add: boundaries, headers, text fields.
_FORM_BYTES = 64 * 1024


def create_app(settings: Settings, engine: FaceEngine) -> FastAPI:
    """Build the application around an engine. Nothing runs and nothing listens yet.

    Raises:
        SettingsError: a setting cannot be used.
    """
    service = _service(settings, engine, Access.of(settings))
    app = FastAPI(
        title=openapi.TITLE,
        description=openapi.DESCRIPTION,
        version=__version__,
        openapi_tags=openapi.TAGS,
        servers=openapi.SERVERS,
        responses=openapi.ANY_ERRORS,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.service = service
    app.include_router(router)
    described.describe_keys(app, openapi.KEY, openapi.WITH_OR_WITHOUT_KEY)
    docs.serve(app)
    app.add_exception_handler(FacesError, refuse)
    app.add_exception_handler(RequestValidationError, refuse_field)
    app.add_exception_handler(HTTPException, refuse_http)
    app.add_exception_handler(ClientGone, client_closed_request)
    app.add_exception_handler(ClientDisconnect, client_closed_request)
    # The last one added is the outermost.
    app.add_middleware(HeadRequests)
    app.add_middleware(Guard, refusal=service.access.refusal)
    app.add_middleware(BodyLimit, limit_of=_limits_by_path(settings), idle_seconds=settings.api_idle_seconds)
    paths = frozenset(route.path for route in router.routes)  # type: ignore[attr-defined]
    app.add_middleware(RequestLog, door="face_api", figures=service.metrics, paths=paths)
    app.add_middleware(RequestTarget)
    return app


def production() -> FastAPI:
    """The application of `python -m face_api`, from the environment. Gunicorn calls it in the master."""
    settings = load()
    return create_app(settings, open_engine(settings))


def _limits_by_path(settings: Settings) -> Callable[[str], int]:
    """The most bytes that a body at each path may have."""
    photo = int(settings.max_megabytes * 1_000_000) + _FORM_BYTES
    limits = {"/compare": settings.api_compare_megabytes * 1_000_000, "/compare-images": 2 * photo}
    return lambda path: limits.get(path, photo)


def _service(settings: Settings, engine: FaceEngine, access: Access) -> FaceService:
    metrics = Metrics(settings.api_processes)
    queue = PhotoQueue()
    busy = BusyEngines()
    work = PhotoWork(settings, engine, busy)
    process = EngineProcess(settings, work, queue, CrashRegister.of(settings), metrics, busy)
    return FaceService(
        settings,
        PhotoSubmitter(queue, settings.api_waiting, metrics, process.has_failed),
        process,
        metrics,
        PicturePlaces(Disks.of(settings.disk_roots), settings.debug_pictures),
        Comparisons(settings.api_waiting),
        Uploads(settings.api_upload_mb * _MB, TemporaryFolder.of_environment()),
        access,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The engine's thread lives as long as the process serves. When this ends, all requests are answered."""
    service: FaceService = app.state.service
    service.process.start()
    yield
    service.process.stop()
