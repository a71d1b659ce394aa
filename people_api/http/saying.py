"""POST /v1/identify, answers, undo: each handler reads its body, makes one call and replies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from faces.answers import joins, people_marks, splits, who_it_is, who_it_is_not
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.answers.history.told_entries import names_today
from faces.answers.undo import undo
from faces.http.errors import WrongField
from faces.people.refs import Ref
from people_api.http import openapi
from people_api.http.requests import AnswerRequest, IdentifyRequest, Spoken, UndoRequest, Verb, read_body
from people_api.http.schemas import AnsweredReply, IdentifiedFace, IdentifyReply
from people_api.http.service import PeopleService
from people_api.http.tokens import Bearer
from people_api.opened_library import OpenedLibrary

router = APIRouter()

#: Who answers, where no name is given.
_UNNAMED = "api"


@router.post(
    "/identify",
    response_model=IdentifyReply,
    responses=openapi.IDENTIFY,
    openapi_extra=openapi.IDENTIFY_BODY,
    tags=["identify"],
)
async def identify(request: Request) -> Response:
    """Who the faces of these encodings are: the likeliest person of each, how likely, and the next two."""
    asked = await read_body(request, IdentifyRequest)
    reply = await asyncio.to_thread(_identify, _library(request), asked)
    return Response(reply.model_dump_json(), media_type="application/json")


@router.post(
    "/answers",
    response_model=AnsweredReply,
    responses=openapi.ANSWERS,
    openapi_extra=openapi.ANSWERS_BODY,
    tags=["answers"],
)
async def answers(request: Request) -> Response:
    """Say who faces are, or are not. One transaction and one entry of the ledger; the same `id` twice is one.

    Groups near whoever has changed are asked about again behind the reply.
    """
    said = await read_body(request, AnswerRequest)
    return await _give(request, said, lambda given, answer: _answer(given, answer, said))


@router.post(
    "/undo", response_model=AnsweredReply, responses=openapi.ANSWERS, openapi_extra=openapi.UNDO_BODY, tags=["answers"]
)
async def take_back(request: Request) -> Response:
    """Take an entry back, as an entry of its own. What was answered again since stays, and is told in `left`."""
    said = await read_body(request, UndoRequest)
    return await _give(request, said, lambda given, answer: undo(given, answer, said.entry, dry_run=said.dry_run))


def _identify(library: OpenedLibrary, asked: IdentifyRequest) -> IdentifyReply:
    rows, known = asked.rows(), library.opened().arrivals
    known.follow()
    try:
        found = known.library.identify(rows)
    except ValueError as error:
        raise WrongField(f"encodings: {error}") from error
    people = {one.person_id for one in found if one} | {next_.person_id for one in found if one for next_ in one.others}
    with library.reading() as transaction:
        names = names_today(transaction, people)
    return IdentifyReply(faces=[None if one is None else IdentifiedFace.of(one, names) for one in found])


def _answer(given: Answers, answer: GivenAnswer, said: AnswerRequest) -> Answered:
    refs, who, name = said.subjects, said.who, said.name or ""
    by_verb: dict[Verb, Callable[[], Answered]] = {
        "name": lambda: who_it_is.name(given, answer, refs, who or "", new=said.new),
        "move": lambda: who_it_is.move(given, answer, refs, who or "", new=said.new),
        "reject": lambda: who_it_is_not.reject(given, answer, refs, who),
        "confirm": lambda: who_it_is.confirm(given, answer, refs),
        "stranger": lambda: who_it_is_not.stranger(given, answer, refs),
        "not_face": lambda: who_it_is_not.not_face(given, answer, refs),
        "unknown": lambda: who_it_is_not.unknown(given, answer, refs),
        "join": lambda: joins.join(given, answer, refs),
        "apart": lambda: who_it_is_not.apart(given, answer, refs[0], refs[1]),
        "split": lambda: splits.split(given, answer, refs[0], refs[1:]),
        "cover": lambda: people_marks.cover(given, answer, refs[0], refs[1]),
        "rename": lambda: people_marks.rename(given, answer, refs[0], name, new=said.new),
        "hide": lambda: people_marks.hide(given, answer, refs, off=said.off),
        "favourite": lambda: people_marks.favourite(given, answer, refs, off=said.off),
        "forget": lambda: people_marks.forget(given, answer, refs[0]),
    }
    return by_verb[said.verb]()


async def _give(request: Request, said: Spoken, give: Callable[[Answers, GivenAnswer], Answered]) -> Response:
    bearer: Bearer = request.state.bearer
    seen: dict[Ref, int] = {}
    if isinstance(said, AnswerRequest) and said.revision is not None:
        seen = {said.subjects[0]: said.revision}
    answer = GivenAnswer(bearer.subject or said.by or _UNNAMED, str(said.id), seen)
    given = (await asyncio.to_thread(_library(request).opened)).answers
    done = await asyncio.to_thread(give, given, answer)
    if done.entry is not None and not done.again:
        _library(request).look_again()
    return Response(AnsweredReply.of(done).model_dump_json(), media_type="application/json")


def _library(request: Request) -> OpenedLibrary:
    service: PeopleService = request.app.state.service
    return service.library
