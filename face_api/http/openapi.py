"""What /openapi.json says besides the fields: every error with an example, and the body of /compare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from face_api.http import encode_options
from face_api.http.encode_options import Option
from face_api.http.schemas import CompareRequest
from faces.http.bodies import NotReadyBody
from faces.http.described import Responses, error, with_retry_after

TITLE = "Face API"

DESCRIPTION = """Photos in, encodings out: finds the faces in a photo and turns each into 128 numbers.

Two encodings of one person are usually nearer than 0.6 (Euclidean). Every error has the same body:
`error` (a sentence), `code` (a stable word) and `retryable` (whether the same request may succeed later).
`X-Request-ID` is taken from the request or made, returned with every answer and written to the log."""

TAGS = [
    {"name": "photos", "description": "One photo at a time goes to an idle engine; those that wait are bounded."},
    {"name": "encodings", "description": "Arithmetic on encodings; no photo, no engine."},
    {"name": "service", "description": "For load balancers, monitoring and people."},
]


#: Where the paths begin; tools take the first.
SERVERS = [
    {"url": "/v1", "description": "with a version"},
    {"url": "/", "description": "without one, the same: the app asks here"},
]

#: What stands beside the paths: how a key is shown, and that an address may want none.
KEY: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "a key of FACE_API_KEYS"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "the same key"},
}
WITH_OR_WITHOUT_KEY: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}, {}]

#: Answers that any path may give.
ANY_ERRORS: Responses = {
    401: error(
        "A key is wanted at this address, and none or a wrong one was shown.",
        ("key_needed", "this address wants a key: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'", False),
    ),
    403: error(
        "An address that wants no key refuses what another site's web page has a browser send.",
        ("foreign_host", "found the Host 'a.example', needed a name of the loopback, the host of …", False),
        ("foreign_origin", "found the Origin 'http://a.example', needed a page of this address itself …", False),
    ),
    404: error("Nothing is at this path.", ("not_found", "there is nothing at /encodes; see /docs", False)),
    405: error(
        "The path is there, the method is not.",
        ("method_not_allowed", "/encode does not take GET, needed POST", False),
    ),
    500: error(
        "A fault of ours; the log has it under the request's id.",
        ("internal_error", "something went wrong on our side; the log of this service says what", True),
    ),
}

_BODY_ERRORS: Responses = {
    408: error(
        "The client stopped sending in the middle of its request.",
        ("client_too_slow", "nothing came for 30 seconds, and the request is not complete", True),
    ),
}

#: Code, sentence, retryable.
_UPLOAD_NOT_KEPT = (
    "upload_not_kept",
    "the upload fits neither into the memory for uploads (FACE_API_UPLOAD_MB) nor into the temporary folder /tmp "
    "(TMPDIR): No space left on device",
    True,
)

_UNUSABLE = (
    ("wrong_field", "webp_quality is '0', needed a whole number from 1 to 100", False),
    ("empty_file", "the file is empty, needed a photo", False),
    ("damaged_photo", "the JPEG file is damaged or cut off: image file is truncated", False),
    ("crashed_before", "this photo ended 2 processes of the face API within 24 hours; …", False),
)

_NOT_NOW = (
    ("busy", "16 photos wait in this process already, and no more may (FACE_API_WAITING); try again", True),
    _UPLOAD_NOT_KEPT,
    ("engine_died", "the process that had the photo in hand ended; try again", True),
)

PHOTO_ERRORS: Responses = {
    **_BODY_ERRORS,
    400: error(
        "The body is no valid multipart form, or a path is one that nobody may ask for.",
        ("bad_body", "the body is no valid multipart/form-data: Missing boundary in multipart.", False),
        ("bad_path", "original_path is '../x.jpg', need a path without '..'", False),
    ),
    413: error(
        "Too many bytes or pixels; both numbers are in the sentence.",
        ("request_too_large", "the request's body has 2,147,483,648 bytes or more, at most 64,065,536 …", False),
        ("photo_too_large", "the photo has 121,000,000 pixels (11000 × 11000), at most 120,000,000 …", False),
    ),
    415: error(
        "Not a picture of a format that is read.",
        ("unsupported_format", "found 12 bytes of no known picture format, need AVIF, BMP, … or WebP", False),
    ),
    422: error("A field is missing or wrong, or the photo cannot be used.", *_UNUSABLE),
    503: with_retry_after(error("Not now; try again.", *_NOT_NOW)),
}

_BOX = {"top": 155, "right": 313, "bottom": 258, "left": 211}
_QUALITY = {"total": 79.9, "details": {"size": 20.2, "sharpness": 27.9, "brightness": 11.8, "contrast": 20.0}}

#: One face, as it looks; its encoding is made up.
_ENCODED = {
    "encodings": [[round((number * 37 % 128 - 64) / 512, 4) for number in range(128)]],
    "debug_image_path": "/dfotos/2024/07/debug/debug_IMG_1.jpg.webp",
    "qualities": [_QUALITY],
    "faces": [
        {
            "box": _BOX,
            "box_ratios": {"top": 0.2018, "right": 0.2291, "bottom": 0.3359, "left": 0.1545},
            "box_scaled": {"top": 136, "right": 275, "bottom": 226, "left": 185},
            "score": 1.7863,
            "quality": _QUALITY,
            "landmarks": None,
        }
    ],
    "image": {"width": 1366, "height": 768, "orientation": 1, "format": "JPEG"},
    "left_out": {},
    "scale": 1200,
    "model": "dlib_face_recognition_resnet_model_v1",
    "seconds": {"wait": 0.001, "decode": 0.029, "scale": 0.05, "detect": 0.32, "encode": 0.07, "total": 0.47},
    "warnings": [],
}

_PHOTO = {"type": "string", "format": "binary", "minLength": 1}


def _photo(description: str) -> dict[str, Any]:
    return {**_PHOTO, "description": description}


def photo_form(photos: dict[str, str], options: Iterable[Option[Any]] = ()) -> dict[str, Any]:
    """A form that needs these photos, told by their descriptions, and may have the options."""
    files = {name: _photo(description) for name, description in photos.items()}
    fields = {**files, **{option.name: option.schema for option in options}}
    form = {"type": "object", "properties": fields, "required": list(photos)}
    return {"multipart/form-data": {"schema": form}}


#: A photo as the whole body; its options stand in the query.
PHOTO_AS_BODY: dict[str, Any] = {"image/*": {"schema": _PHOTO}}


def body_of(content: dict[str, Any], query: Iterable[Option[Any]] = ()) -> dict[str, Any]:
    """What the document says of a request besides what FastAPI sees: its body, and options in the query."""
    parameters = [{"name": option.name, "in": "query", "required": False, "schema": option.schema} for option in query]
    return {"requestBody": {"required": True, "content": content}, "parameters": parameters}


#: The other name of a photo is left out of the form: a schema can say that one of them is needed, but tools that
#: send wrong requests on purpose take away the one and not the other.
ENCODE_BODY = body_of(
    {**photo_form({"image": "the photo; `file` is another name for it"}, encode_options.ENCODE), **PHOTO_AS_BODY}
)
HASH_BODY = body_of(
    {**photo_form({"file": "the picture; `image` is another name for it"}), **PHOTO_AS_BODY}, encode_options.HASH
)
COMPARE_IMAGES_BODY = body_of(photo_form({"file1": "a picture", "file2": "another one"}), encode_options.HASH)

ENCODE: Responses = {
    200: {"description": "What was found.", "content": {"application/json": {"example": _ENCODED}}},
    **PHOTO_ERRORS,
    422: error(
        "A field is missing or wrong, the photo cannot be used, or its debug picture has no place.",
        *_UNUSABLE,
        (
            "no_disk_for_picture",
            "no debug picture: /dfotos/2024/07/debug is not below a root of FACE_DISK_ROOTS; needed a disk of "
            "FACE_DISK_ROOTS that this service may write, or FACE_DEBUG_PICTURES=best_effort",
            True,
        ),
    ),
    503: with_retry_after(
        error(
            "Not now; try again.",
            *_NOT_NOW,
            (
                "picture_not_written",
                "the debug picture in /dfotos/2024/07/debug was not written: No space left on device",
                True,
            ),
        )
    ),
}

COMPARE: Responses = {
    200: {
        "description": "Distances in the order of the candidates.",
        "content": {"application/json": {"example": {"distances": [0.4127, 1000000000.0], "invalid": [1]}}},
    },
    **_BODY_ERRORS,
    400: error(
        "The body is not valid JSON.",
        ("bad_body", "the body is not valid JSON: at character 0 found 'x', needed a JSON value", False),
    ),
    413: error(
        "Too many bytes; both numbers are in the sentence.",
        ("request_too_large", "the request's body has 600,000,000 bytes or more, at most 512,000,000 …", False),
    ),
    422: error(
        "A member is missing, or `encoding` cannot be compared with anything.",
        ("wrong_field", "encoding has 127 numbers, needed a list of 128 finite numbers", False),
    ),
    503: with_retry_after(
        error(
            "Not now; try again.",
            ("busy", "16 comparisons wait in this process already (FACE_API_WAITING); try again", True),
            _UPLOAD_NOT_KEPT,
        )
    ),
}

#: The body is read piece by piece, so FastAPI cannot know it.
COMPARE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": CompareRequest.model_json_schema(),
                "example": {"encoding": [0.1] * 128, "candidates": [[0.1] * 128, [0.2] * 128]},
            }
        },
    }
}

NOT_READY: Responses = {
    503: with_retry_after(
        error(
            "This process takes no photos, or none that does not fit into memory.",
            (
                "not_ready",
                "this process does not take every photo: the temporary folder /tmp (TMPDIR) takes no file: "
                "No space left on device",
                True,
            ),
            model=NotReadyBody,
        )
    )
}
