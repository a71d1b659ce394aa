"""What /openapi.json says besides the fields: every error with an example, and a page of each list as it looks."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from faces.http.bodies import NotReadyBody
from faces.http.described import Responses, error, with_retry_after
from people_api.http.requests import AnswerRequest, IdentifyRequest, UndoRequest
from people_api.http.search_request import SearchRequest, Wanted

TITLE = "People API"

DESCRIPTION = """Who is who in the photos: people, their faces, groups of faces without a name, and the ledger.

Lists come in pages, `{items, next}`: `next` is the `cursor` of the following one, and stays right while rows come and
go. Every reply has an `ETag`; with it in `If-None-Match` what has not changed is a 304. Every error has the same body:
`error` (a sentence), `code` (a stable word) and `retryable` (whether the same request may succeed later).
Keys and tokens have a scope: `read`, `answer` or `admin`, each with what those before it allow."""

TAGS = [
    {"name": "people", "description": "Who is known, and where they are."},
    {"name": "faces", "description": "Faces of whoever."},
    {"name": "groups", "description": "Faces without a name that look like one person."},
    {"name": "search", "description": "Where else a face is."},
    {"name": "identify", "description": "Who the faces of encodings are."},
    {"name": "answers", "description": "What a person says of faces, and taking it back; wants the scope `answer`."},
    {"name": "ledger", "description": "What was said and linked, when, and by which person or machine."},
    {"name": "service", "description": "For load balancers and monitoring; without a key on the loopback."},
]

SERVERS = [{"url": "/v1", "description": "with a version"}, {"url": "/", "description": "without one, the same"}]

#: How a key or a token is shown.
KEY: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "a key, or a token (JWT) with a scope"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "the same key"},
}
ANY_KEY: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}]

#: Answers that any path may give.
ANY_ERRORS: Responses = {
    400: error("A cursor that this list has not given.", ("bad_cursor", "found the cursor 'x', needed …", False)),
    401: error(
        "No accepted key or token was shown.",
        ("key_needed", "this path wants a key: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'", False),
    ),
    403: error(
        "The key allows less; or another site's page asks where no key is needed.",
        ("scope_needed", "found a key or token that allows read, needed answer", False),
        ("foreign_host", "found the Host 'a.example', needed a name of the loopback or one of …", False),
    ),
    404: error(
        "Nothing is at this path.",
        ("not_found", "found no person p12, needed the id of one: `people` lists them", False),
    ),
    405: error(
        "The path is there, the method is not.",
        ("method_not_allowed", "/people does not take PUT, needed GET, HEAD", False),
    ),
    414: {"description": "The request's first line has more than 4,094 bytes.", "content": {"text/plain": {}}},
    422: error(
        "A parameter cannot be used.",
        ("wrong_field", "limit: input should be less than or equal to 500", False),
    ),
    500: error(
        "A fault of ours, or of how this service is set up; the log has it under the request's id.",
        ("internal_error", "something went wrong on our side; the log of this service says what", True),
        ("schema", "the database faces.db has no tables of people and groups, needed are these: …", True),
    ),
    503: with_retry_after(
        error("Not now; try again.", ("store_unavailable", "the database db/photo does not answer: …", True))
    ),
}

NOT_READY: Responses = {
    503: with_retry_after(
        error(
            "The database does not answer, or lacks the tables.",
            (
                "not_ready",
                "this process cannot tell of people: the database faces.db has no tables of people and groups, "
                "needed are these: `worker tables --create` makes them",
                True,
            ),
            model=NotReadyBody,
        )
    )
}

_PERSON = {
    "id": 12,
    "name": "Ada Lovelace",
    "confirmed": 31,
    "linked": 204,
    "suggested": 7,
    "last_taken": "2024-07-21T18:04:11",
    "hidden": False,
    "favourite": True,
    "revision": 9,
}

_FACE = {
    "id": 4711,
    "image_id": 903,
    "photo": "photos:2024/07/IMG_1.jpg",
    "face_index": 0,
    "box": {"top": 0.2018, "right": 0.2291, "bottom": 0.3359, "left": 0.1545},
    "quality": 79.9,
    "taken_at": "2024-07-21T18:04:11",
    "state": "linked",
    "name": "Ada Lovelace",
    "person_id": 12,
    "offered": None,
    "probability": 0.984,
    "group_id": 88,
}

_GROUP = {
    "id": 88,
    "size": 23,
    "person_id": None,
    "person": None,
    "offered_person_id": 12,
    "offered": "Ada Lovelace",
    "probability": 0.87,
    "face_id": 4712,
    "photo": "photos:2024/07/IMG_2.jpg",
    "revision": 4,
}

_ENTRY = {
    "id": 501,
    "at": "2026-11-30T18:00:00",
    "actor": "ann",
    "kind": "named",
    "what": "23 faces are Ada Lovelace",
    "undoes": None,
    "undone_by": None,
    "faces": 23,
    "p": None,
    "distance": None,
}


def _page(item: dict[str, Any], next_: str | None) -> dict[str, Any]:
    return {"items": [item], "next": next_}


#: What every list answers besides its page.
LIST: Responses = {304: {"description": "What `If-None-Match` names is what there is."}}

#: The state wants no key on the loopback.
WITHOUT_KEY: dict[str, Any] = {"security": [*ANY_KEY, {}]}


def _body(kind: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """The body is read by ourselves, so FastAPI cannot know it."""
    content = {"application/json": {"schema": kind.model_json_schema(), "example": example}}
    return {"requestBody": {"required": True, "content": content}}


_BODY_ERRORS: Responses = {
    400: error(
        "The body is not JSON, or what it asks cannot be done.",
        ("bad_body", "the body is no valid JSON: …", False),
        ("bad_request", "found no face f4711 (or it was removed), needed ids that `faces` lists", False),
    ),
    408: error("The client stopped sending.", ("client_too_slow", "nothing came for 30 seconds, and …", True)),
    413: error("Too many bytes.", ("request_too_large", "the request's body has 5,000,000 bytes or more, …", False)),
    422: error("A field is wrong.", ("wrong_field", "encodings.0: list should have at least 128 items …", False)),
}

_CHANGED: Responses = {
    409: error(
        "It is another by now than was seen; nothing was written.",
        ("changed", "found g88 at revision 5, needed 4, as it was seen: …", False),
    )
}

_ANSWERED = {
    "entry": 502,
    "kind": "named",
    "faces": [4711, 4712],
    "followed": [],
    "people": [12],
    "left": [{"ref": "f4713", "why": "a person has said that it is no face"}],
    "again": False,
}

_UUID = "0b6b7f6e-5f0e-4f7c-8d5b-0d7a3f1f2c11"

_IDENTIFIED = {
    **{"person_id": 12, "name": "Ada Lovelace", "probability": 0.992, "distance": 0.31},
    "next": [{"person_id": 7, "name": "Bob", "distance": 0.63}],
}

_SEARCHED = {
    "faces": [
        {
            "box": None,
            "quality": None,
            "people": [
                {"person_id": 12, "name": "Ada Lovelace", "probability": 0.992, "distance": 0.31, "confirmed": 31}
            ],
            "faces": [{**_FACE, "distance": 0.28}],
        }
    ],
    "warnings": [],
}

IDENTIFY: Responses = _BODY_ERRORS
IDENTIFY_BODY = _body(IdentifyRequest, {"encodings": [[0.05] * 128]})

ANSWERS: Responses = {**_BODY_ERRORS, **_CHANGED}
ANSWERS_BODY = _body(
    AnswerRequest, {"id": _UUID, "verb": "name", "group": 88, "name": "Ada Lovelace", "revision": 4, "by": "ann"}
)

#: A photo is refused as the face API refuses it.
SEARCH: Responses = {
    **_BODY_ERRORS,
    413: error(
        "Too many bytes, or too large a photo.",
        ("request_too_large", "the request's body has 60,000,000 bytes or more, …", False),
        ("photo_too_large", "the photo has 200 megapixels, …", False),
    ),
    415: error("The file is no photo of a kind that is read.", ("unsupported_format", "…", False)),
    422: error(
        "A field is wrong, or the photo is damaged.",
        (
            "wrong_field",
            "found neither face nor encoding, needed one of the two, or a form with a photo in file",
            False,
        ),
        ("damaged_photo", "…", False),
    ),
}
_PHOTO_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "the photo"},
        **Wanted.model_json_schema()["properties"],
    },
    "required": ["file"],
    "additionalProperties": False,
}
SEARCH_BODY = _body(SearchRequest, {"face": 4711, "k": 10, "min_quality": 50})
SEARCH_BODY["requestBody"]["content"]["multipart/form-data"] = {"schema": _PHOTO_FORM}

UNDO_BODY = _body(UndoRequest, {"id": _UUID, "entry": 502, "by": "ann"})

#: How a reply of each path looks.
EXAMPLES: dict[str, Any] = {
    "/people": _page(_PERSON, "WzMxLDEyXQ"),
    "/people/{person_id}": _PERSON,
    "/people/{person_id}/faces": _page(_FACE, None),
    "/people/{person_id}/months": _page({"month": "2024-07", "faces": 12}, None),
    "/faces": _page(_FACE, "WzEsMC45ODQsNDcxMV0"),
    "/groups": _page(_GROUP, "W251bGwsMjMsODhd"),
    "/groups/{group_id}/faces": _page(_FACE, None),
    "/ledger": _page(_ENTRY, "WzUwMV0"),
    "/identify": {"faces": [_IDENTIFIED, None]},
    "/search": _SEARCHED,
    "/answers": _ANSWERED,
    "/undo": {**_ANSWERED, "entry": 503, "kind": "undone", "left": []},
}
