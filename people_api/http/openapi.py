"""What /openapi.json says besides the fields: every error with an example, and a page of each list as it looks."""

from __future__ import annotations

from typing import Any

from faces.http.bodies import NotReadyBody
from faces.http.described import Responses, error, with_retry_after

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
    {"name": "ledger", "description": "What was said and linked, by whom and when."},
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


def _shown(meaning: str, example: dict[str, Any]) -> Responses:
    return {
        200: {"description": meaning, "content": {"application/json": {"example": example}}},
        304: {"description": "What `If-None-Match` names is what there is."},
    }


def _page(item: dict[str, Any], next_: str | None) -> dict[str, Any]:
    return {"items": [item], "next": next_}


PEOPLE = _shown("A page.", _page(_PERSON, "WzMxLDEyXQ"))
PERSON = _shown("The person.", _PERSON)
FACES = _shown("A page.", _page(_FACE, "WzEsMC45ODQsNDcxMV0"))
FACES_OF = _shown("A page.", _page(_FACE, None))
MONTHS = _shown(
    "All months.", {"items": [{"month": "2024-07", "faces": 12}, {"month": None, "faces": 3}], "next": None}
)
GROUPS = _shown("A page.", _page(_GROUP, "W251bGwsMjMsODhd"))
LEDGER = _shown("A page.", _page(_ENTRY, "WzUwMV0"))
