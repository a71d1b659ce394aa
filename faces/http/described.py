"""Words of /openapi.json that every HTTP door has: errors with examples, and how a key is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from faces.http.bodies import ErrorBody

Responses = dict[int | str, dict[str, Any]]

#: What /metrics answers.
METRICS: Responses = {200: {"description": "Prometheus text format", "content": {"text/plain": {}}}}


def error(meaning: str, *examples: tuple[str, str, bool], model: type[ErrorBody] = ErrorBody) -> dict[str, Any]:
    """A status with an error; each example is a code, a sentence and whether trying again may help."""
    shown = {
        code: {"value": {"error": sentence, "code": code, "retryable": retryable}}
        for code, sentence, retryable in examples
    }
    return {"description": meaning, "model": model, "content": {"application/json": {"examples": shown}}}


def with_retry_after(response: dict[str, Any]) -> dict[str, Any]:
    """The same with the header of a 503."""
    seconds = {"description": "seconds to wait", "schema": {"type": "integer"}}
    return {**response, "headers": {"Retry-After": seconds}}


def show_examples(app: FastAPI, examples: Mapping[str, Any]) -> None:
    """Have the document show for each path how its reply looks. FastAPI by itself leaves out whatever is null there."""
    described = app.openapi

    def with_examples() -> dict[str, Any]:
        document = described()
        for path, example in examples.items():
            for operation in document["paths"][path].values():
                operation["responses"]["200"]["content"]["application/json"]["example"] = example
        return document

    app.openapi = with_examples  # type: ignore[method-assign]  # FastAPI's own way to extend it


def describe_keys(app: FastAPI, schemes: dict[str, Any], accepted: list[dict[str, list[str]]]) -> None:
    """Have the document say how a key is shown; FastAPI knows nothing of it.

    Args:
        app: the application.
        schemes: the ways, by a name of ours.
        accepted: which of them, any of them is enough; `{}`: none is needed.
    """
    described = app.openapi

    def with_keys() -> dict[str, Any]:
        document = described()
        document["components"]["securitySchemes"] = schemes
        document["security"] = accepted
        return document

    app.openapi = with_keys  # type: ignore[method-assign]  # FastAPI's own way to extend it
