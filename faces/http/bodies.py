"""Reply bodies that every HTTP door has: an error, and what a load balancer asks for."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Reply(BaseModel):
    """Base of all bodies: every field is always there."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class LiveReply(Reply):
    """The process answers."""

    status: str = Field(description="`alive`", examples=["alive"])


class ReadyReply(Reply):
    """The process can do its work."""

    status: str = Field(description="`ready`", examples=["ready"])


class ErrorBody(Reply):
    """Every error has this body, whatever its status."""

    error: str = Field(description="a sentence for a person: what was found, what is needed")
    code: str = Field(description="a stable word for machines")
    retryable: bool = Field(description="true: the same request may succeed later")


class NotReadyBody(ErrorBody):
    """Why `/readyz` says no."""

    reasons: list[str] = Field(description="one sentence each")
