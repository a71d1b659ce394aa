"""What a load balancer and a monitoring ask for: /livez, /readyz, /metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from faces.http.bodies import LiveReply, ReadyReply
from faces.http.described import METRICS
from faces.http.errors import NotReady, reply_to
from people_api.http import openapi
from people_api.http.service import PeopleService

router = APIRouter()


@router.get("/livez", response_model=LiveReply, tags=["service"], openapi_extra=openapi.WITHOUT_KEY)
async def livez() -> LiveReply:
    """The process answers. Wants no key on any address."""
    return LiveReply(status="alive")


@router.get(
    "/readyz",
    response_model=ReadyReply,
    responses=openapi.NOT_READY,
    tags=["service"],
    openapi_extra=openapi.WITHOUT_KEY,
)
def readyz(request: Request) -> Response:
    """Whether the database answers and has the tables of people and groups; 503 with what is missing when not."""
    missing = _service(request).library.why_not_ready()
    if missing is not None:
        reply = reply_to(NotReady(f"this process cannot tell of people: {missing}"))
        return JSONResponse({**reply.body, "reasons": [missing]}, reply.status, reply.headers)
    return Response(ReadyReply(status="ready").model_dump_json(), media_type="application/json")


@router.get("/metrics", response_class=Response, responses=METRICS, tags=["service"], openapi_extra=openapi.WITHOUT_KEY)
def metrics(request: Request) -> Response:
    """Figures for Prometheus, over all processes."""
    figures = _service(request).figures
    return Response(figures.page(), media_type=figures.content_type)


def _service(request: Request) -> PeopleService:
    service: PeopleService = request.app.state.service
    return service
