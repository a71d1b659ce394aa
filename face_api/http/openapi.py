"""What /openapi.json says besides the fields: every error with an example, and the body of /compare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from face_api.http.encode_options import Option
from face_api.http.schemas import CompareRequest, ErrorBody, NotReadyBody

Responses = dict[int | str, dict[str, Any]]

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


def _error(meaning: str, *examples: tuple[str, str, bool], model: type[ErrorBody] = ErrorBody) -> dict[str, Any]:
    shown = {
        code: {"value": {"error": sentence, "code": code, "retryable": retryable}}
        for code, sentence, retryable in examples
    }
    return {"description": meaning, "model": model, "content": {"application/json": {"examples": shown}}}


def _with_retry_after(response: dict[str, Any]) -> dict[str, Any]:
    seconds = {"description": "seconds to wait", "schema": {"type": "integer"}}
    return {**response, "headers": {"Retry-After": seconds}}


#: Answers that any path may give.
ANY_ERRORS: Responses = {
    401: _error(
        "A key is wanted at this address, and none or a wrong one was shown.",
        ("key_needed", "this address wants a key: send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'", False),
    ),
    404: _error("Nothing is at this path.", ("not_found", "there is nothing at /encodes; see /docs", False)),
    405: _error(
        "The path is there, the method is not.",
        ("method_not_allowed", "/encode does not take GET, needed POST", False),
    ),
    500: _error(
        "A fault of ours; the log has it under the request's id.",
        ("internal_error", "something went wrong on our side; the log of the face API says what", True),
    ),
}

_BODY_ERRORS: Responses = {
    408: _error(
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

PHOTO_ERRORS: Responses = {
    **_BODY_ERRORS,
    400: _error(
        "The body is no valid multipart form, or a path is one that nobody may ask for.",
        ("bad_body", "the body is no valid multipart/form-data: Missing boundary in multipart.", False),
        ("bad_path", "original_path is '../x.jpg', need a path without '..'", False),
    ),
    413: _error(
        "Too many bytes or pixels; both numbers are in the sentence.",
        ("request_too_large", "the request's body has 2,147,483,648 bytes or more, at most 64,065,536 …", False),
        ("photo_too_large", "the photo has 121,000,000 pixels (11000 × 11000), at most 120,000,000 …", False),
    ),
    415: _error(
        "Not a picture of a format that is read.",
        ("unsupported_format", "found 12 bytes of no known picture format, need AVIF, BMP, … or WebP", False),
    ),
    422: _error(
        "A field is missing or wrong, or the photo cannot be used.",
        ("wrong_field", "webp_quality is '0', needed a whole number from 1 to 100", False),
        ("empty_file", "the file is empty, needed a photo", False),
        ("damaged_photo", "the JPEG file is damaged or cut off: image file is truncated", False),
        ("crashed_before", "this photo ended 2 processes of the face API within 24 hours; …", False),
    ),
    503: _with_retry_after(
        _error(
            "Not now; try again.",
            ("busy", "16 photos wait in this process already, and no more may (FACE_API_WAITING); try again", True),
            _UPLOAD_NOT_KEPT,
            ("engine_died", "the process that had the photo in hand ended; try again", True),
        )
    ),
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

_PHOTO = {"type": "string", "format": "binary", "description": "the photo"}

#: One photo, under one of two names: a form's schema, and whether the photo may be the whole body.
ANY_OF_TWO: dict[str, Any] = {
    "properties": {"image": _PHOTO, "file": _PHOTO},
    "oneOf": [{"required": ["image"]}, {"required": ["file"]}],
}
BOTH: dict[str, Any] = {"properties": {"file1": _PHOTO, "file2": _PHOTO}, "required": ["file1", "file2"]}


def photo_request(photos: dict[str, Any], options: Iterable[Option[Any]]) -> dict[str, Any]:
    """What the documentation says of a request with photos: its body, and the options in the form or in the query."""
    schemas = {option.name: option.schema for option in options}
    form = {"type": "object", **photos, "properties": {**photos["properties"], **schemas}}
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    if photos is ANY_OF_TWO:
        content["image/*"] = {"schema": {"type": "string", "format": "binary"}}
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": schema, "description": schema["description"]}
        for name, schema in schemas.items()
    ]
    return {"requestBody": {"required": True, "content": content}, "parameters": parameters}


ENCODE: Responses = {
    200: {"description": "What was found.", "content": {"application/json": {"example": _ENCODED}}},
    **PHOTO_ERRORS,
}

COMPARE: Responses = {
    200: {
        "description": "Distances in the order of the candidates.",
        "content": {"application/json": {"example": {"distances": [0.4127, 1000000000.0], "invalid": [1]}}},
    },
    **_BODY_ERRORS,
    400: _error(
        "The body is not valid JSON.",
        ("bad_body", "the body is not valid JSON: at character 0 found 'x', needed a JSON value", False),
    ),
    413: _error(
        "Too many bytes; both numbers are in the sentence.",
        ("request_too_large", "the request's body has 600,000,000 bytes or more, at most 512,000,000 …", False),
    ),
    422: _error(
        "A member is missing, or `encoding` cannot be compared with anything.",
        ("wrong_field", "encoding has 127 numbers, needed a list of 128 finite numbers", False),
    ),
    503: _with_retry_after(
        _error(
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
    503: _with_retry_after(
        _error(
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

METRICS: Responses = {200: {"description": "Prometheus text format", "content": {"text/plain": {}}}}
