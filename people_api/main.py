"""create_app: the people API as one ASGI application, made of its parts. Gunicorn calls it once, before the fork."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from faces import __version__
from faces.errors import FacesError
from faces.http import described, docs
from faces.http.body_limit import BodyLimit
from faces.http.errors import client_closed_request, refuse, refuse_field, refuse_http
from faces.http.figures import Figures
from faces.http.guard import Guard
from faces.http.request_line import HeadRequests, RequestTarget
from faces.http.request_log import RequestLog
from faces.settings import Settings, load
from people_api.asked_face_api import AskedFaceApi
from people_api.http import lists, openapi, saying, searching, state
from people_api.http.access import PeopleAccess
from people_api.http.service import PeopleService
from people_api.opened_library import OpenedLibrary

#: Bytes that a request's body may have: 1,000 encodings as JSON have 3 MB.
_MOST_BYTES = 4_000_000

#: Of a form beside its photo: the other fields, and what lies between them.
_OF_FORM = 100_000

_MB = 1024 * 1024


def create_app(settings: Settings) -> FastAPI:
    """Build the application. Nothing listens, and no database is opened yet.

    Raises:
        SettingsError: a setting cannot be used.
    """
    service = PeopleService(
        Figures("people_api", settings.people_processes),
        PeopleAccess.of(settings),
        OpenedLibrary(settings),
        AskedFaceApi(settings),
        settings.api_idle_seconds,
    )
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
    app.include_router(lists.router)
    app.include_router(saying.router)
    app.include_router(searching.router)
    app.include_router(state.router)
    described.describe_keys(app, openapi.KEY, openapi.ANY_KEY)
    described.show_examples(app, openapi.EXAMPLES)
    docs.serve(app)
    app.add_exception_handler(FacesError, refuse)
    app.add_exception_handler(RequestValidationError, refuse_field)
    app.add_exception_handler(HTTPException, refuse_http)
    app.add_exception_handler(ClientDisconnect, client_closed_request)
    # The last one added is the outermost.
    app.add_middleware(HeadRequests)
    app.add_middleware(Guard, refusal=service.access.refusal)
    with_photo = settings.api_upload_mb * _MB + _OF_FORM
    app.add_middleware(
        BodyLimit,
        limit_of=lambda path: with_photo if path == "/search" else _MOST_BYTES,
        idle_seconds=settings.api_idle_seconds,
    )
    routes = [*lists.router.routes, *saying.router.routes, *searching.router.routes, *state.router.routes]
    paths = frozenset(route.path for route in routes if isinstance(route, APIRoute))
    app.add_middleware(RequestLog, door="people_api", figures=service.figures, paths=paths)
    app.add_middleware(RequestTarget)
    return app


def production() -> FastAPI:
    """The application of `python -m people_api`, from the environment. Gunicorn calls it in the master."""
    return create_app(load())


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The database is opened by the first request that needs it, in this process, and closed when this ends."""
    service: PeopleService = app.state.service
    yield
    service.face_api.close()
    service.library.close()
