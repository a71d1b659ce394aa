"""GET /v1/people, faces, groups, ledger: each handler reads its parameters, asks one list and replies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response

from faces.answers.history.told_entries import told
from faces.errors import RequestError
from faces.http.bodies import Reply
from faces.http.errors import NotFound
from faces.people.kept_face import FaceState
from faces.store.database import Transaction
from faces.store.listing import read_faces
from faces.store.sidecar import face_index, member_batches, people_rows
from faces.store.sidecar.lists.face_places import (
    OF_PERSON,
    FaceChoice,
    FacePlace,
    Month,
    faces_behind,
    months_of_person,
)
from faces.store.sidecar.lists.group_pages import GroupChoice, current_group, list_groups
from faces.store.sidecar.lists.ledger_pages import EntryChoice, list_entries
from faces.store.sidecar.lists.people_pages import PeopleChoice, current_person, list_people, person_of
from people_api.http import cursors, openapi
from people_api.http.requests import State
from people_api.http.schemas import (
    EntryReply,
    FacesPage,
    GroupReply,
    GroupsPage,
    LedgerPage,
    MonthReply,
    MonthsReply,
    PeoplePage,
    PersonReply,
    ToldFace,
)
from people_api.http.service import PeopleService

T = TypeVar("T")

router = APIRouter()

_LARGEST = 2**63 - 1

Id = Annotated[int, Path(ge=1, le=_LARGEST)]
SomeId = Annotated[int | None, Query(ge=1, le=_LARGEST)]
Limit = Annotated[int, Query(ge=1, le=500, description="items of a page")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before; without it the first one")]
MinQuality = Annotated[float | None, Query(ge=0, le=100, description="only faces of this quality or a better one")]
StateOfPerson = Literal["confirmed", "linked", "suggested"]
OneMonth = Annotated[
    str | None,
    Query(
        pattern=r"^([1-9]\d{3}-(0[1-9]|1[0-2])|none)$",
        description="only photos of this month by the camera's clock, such as 2024-07; none: of no known time",
    ),
]


@router.get("/people", response_model=PeoplePage, responses=openapi.LIST, tags=["people"])
def people(
    request: Request,
    hidden: Annotated[bool, Query(description="the hidden people instead of the others")] = False,
    name: Annotated[str | None, Query(max_length=255, description="only who is called so, however written")] = None,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> Response:
    """Who is known: those with most confirmed faces first, of equal ones the newest."""
    choice = PeopleChoice(name, hidden, limit=limit + 1, place=cursors.person_place(cursor))
    with _reading(request) as transaction:
        found = list(list_people(transaction, choice))
        revisions = people_rows.revisions(transaction, [one.id for one in found])
    next_ = _next(found, limit, lambda last: cursors.write(*last.place))
    items = [PersonReply.of(one, revisions.get(one.id, 0)) for one in found[:limit]]
    return _reply(request, PeoplePage(items=items, next=next_))


@router.get("/people/{person_id}", response_model=PersonReply, responses=openapi.LIST, tags=["people"])
def person(request: Request, person_id: Id) -> Response:
    """One person. Who was joined to another is that one: the reply has the id of now."""
    with _reading(request) as transaction, _or_not_found():
        found = person_of(transaction, current_person(transaction, person_id))
        revisions = people_rows.revisions(transaction, [found.id])
    return _reply(request, PersonReply.of(found, revisions.get(found.id, 0)))


@router.get("/people/{person_id}/faces", response_model=FacesPage, responses=openapi.LIST, tags=["people"])
def faces_of_person(
    request: Request,
    person_id: Id,
    state: StateOfPerson | None = None,
    month: OneMonth = None,
    min_quality: MinQuality = None,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> Response:
    """A person's faces: confirmed, then linked ones, newest photos first; then offers, the likeliest first.

    With `month` offers, too, are in the order of their photos.
    """
    place, states = cursors.face_place(cursor), OF_PERSON if state is None else [FaceState[state.upper()]]
    with _reading(request) as transaction:
        with _or_not_found():
            now = person_of(transaction, current_person(transaction, person_id)).id
        choice = FaceChoice(now, states=states, month=_month(month), min_quality=min_quality)
        page = _faces_page(transaction, choice, place, limit)
    return _reply(request, page)


@router.get("/people/{person_id}/months", response_model=MonthsReply, responses=openapi.LIST, tags=["people"])
def months(request: Request, person_id: Id, state: StateOfPerson | None = None) -> Response:
    """How many of a person's faces each month has: a scroll bar knows its height before a face is loaded."""
    states = OF_PERSON if state is None else [FaceState[state.upper()]]
    with _reading(request) as transaction:
        with _or_not_found():
            now = person_of(transaction, current_person(transaction, person_id)).id
        found = months_of_person(transaction, now, states)
    items = [MonthReply(month=month and f"{month[0]:04}-{month[1]:02}", faces=count) for month, count in found]
    return _reply(request, MonthsReply(items=items, next=None))


@router.get("/faces", response_model=FacesPage, responses=openapi.LIST, tags=["faces"])
def faces(
    request: Request,
    person: SomeId = None,
    state: State | None = None,
    min_quality: MinQuality = None,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> Response:
    """Faces of whoever, state by state: the likeliest first where there is a probability, then the newest.

    With `person` they are in the order of that person's faces.
    """
    place = cursors.face_place(cursor)
    chosen = FaceChoice(person, min_quality=min_quality)
    if state is not None:
        chosen = FaceChoice(person, states=[FaceState[state.upper()]], min_quality=min_quality)
    with _reading(request) as transaction:
        page = _faces_page(transaction, chosen, place, limit)
    return _reply(request, page)


@router.get("/groups", response_model=GroupsPage, responses=openapi.LIST, tags=["groups"])
def groups(
    request: Request,
    named: Annotated[bool, Query(description="groups with a person instead, person by person")] = False,
    min_size: Annotated[int, Query(alias="min", ge=1, le=_LARGEST, description="groups of so many faces or more")] = 2,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> Response:
    """Faces that look like one person and have no name: the largest groups first."""
    choice = GroupChoice(named, min_size, limit=limit + 1, place=cursors.group_place(cursor))
    with _reading(request) as transaction:
        found = list(list_groups(transaction, choice))
        revisions = member_batches.revisions(transaction, [one.id for one in found])
    next_ = _next(found, limit, lambda last: cursors.write(*last.place))
    items = [GroupReply.of(one, revisions.get(one.id, 0)) for one in found[:limit]]
    return _reply(request, GroupsPage(items=items, next=next_))


@router.get("/groups/{group_id}/faces", response_model=FacesPage, responses=openapi.LIST, tags=["groups"])
def faces_of_group(
    request: Request, group_id: Id, min_quality: MinQuality = None, limit: Limit = 60, cursor: Cursor = None
) -> Response:
    """A group's faces, the best first. Of a group that was joined to another these are that one's."""
    place = cursors.face_place(cursor)
    with _reading(request) as transaction:
        with _or_not_found():
            now = current_group(transaction, group_id)
        page = _faces_page(transaction, FaceChoice(group=now, min_quality=min_quality), place, limit)
    return _reply(request, page)


@router.get("/ledger", response_model=LedgerPage, responses=openapi.LIST, tags=["ledger"])
def ledger(
    request: Request,
    by: Annotated[
        str | None, Query(max_length=255, description="only what this one said; machine: what was linked by itself")
    ] = None,
    kind: Annotated[str | None, Query(max_length=255, description="only entries of this kind, such as named")] = None,
    person: SomeId = None,
    face: SomeId = None,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> Response:
    """What was said and linked: the newest entry first."""
    choice = EntryChoice(by, kind, face, person, cursors.entry(cursor), limit + 1)
    with _reading(request) as transaction:
        found = list(told(transaction, list_entries(transaction, choice)))
    next_ = _next(found, limit, lambda last: cursors.write(last.id))
    return _reply(request, LedgerPage(items=[EntryReply.of(one) for one in found[:limit]], next=next_))


@contextmanager
def _reading(request: Request) -> Iterator[Transaction]:
    service: PeopleService = request.app.state.service
    with service.library.reading() as transaction:
        yield transaction


@contextmanager
def _or_not_found() -> Iterator[None]:
    """What the path names is not there: 404, where a wrong parameter would be 400."""
    try:
        yield
    except RequestError as error:
        raise NotFound(str(error)) from error


def _next(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> str | None:
    """The cursor behind the last item of the page, where one more was found."""
    return cursor(found[limit - 1]) if len(found) > limit else None


def _faces_page(transaction: Transaction, choice: FaceChoice, place: FacePlace | None, limit: int) -> FacesPage:
    try:
        found = faces_behind(transaction, choice, place, limit + 1)
    except RequestError as error:
        raise cursors.BadCursor(f"the cursor cannot be used: {error}") from error
    ids = [one.face_id for one in found[:limit]]
    taken = {face: indexed.taken_at for face, indexed in face_index.read(transaction, ids).items()}
    items = [ToldFace.of(face, image, taken.get(face.id)) for face, image in read_faces(transaction, ids)]
    return FacesPage(items=items, next=_next(found, limit, cursors.of_face))


def _month(text: str | None) -> Month | None:
    if text is None or text == "none":
        return None if text is None else Month()
    year, month = map(int, text.split("-"))
    if (year, month) == (9999, 12):
        return Month(datetime(year, month, 1), datetime.max)
    return Month(datetime(year, month, 1), datetime(year + month // 12, month % 12 + 1, 1))


def _reply(request: Request, reply: Reply) -> Response:
    """The reply with a tag of its content; 304 without it to who has it already.

    Not of the library's change number alone: photos that went and dates that came are no change of people or groups.
    """
    body = reply.model_dump_json().encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    had = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in had or "*" in had:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
