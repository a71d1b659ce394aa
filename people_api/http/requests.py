"""Request bodies of the people API, field by field, and how they are read."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import numpy as np
import numpy.typing as npt
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator, model_validator

from faces.answers.answer import is_actor
from faces.answers.giving import MOST_FACES
from faces.http.errors import BadBody, WrongField
from faces.people.refs import Ref
from faces.photo.face import ENCODING_LENGTH

#: Encodings of one request.
MOST_ENCODINGS = 1000

#: Of base64: as /compare of the face API reads them.
_NUMBER = np.dtype("<f4")

Id = Annotated[int, Field(ge=1, le=2**63 - 1, strict=True)]

#: Not what may be read as one: `true`, or a text.
Number = Annotated[FiniteFloat, Field(strict=True)]

State = Literal["confirmed", "linked", "suggested", "unknown", "stranger", "not_face"]

Verb = Literal[
    "name", "move", "reject", "confirm", "stranger", "not_face", "unknown", "join", "apart", "split", "rename", "hide",
    "favourite", "cover", "forget",
]  # fmt: skip

_FACES = [{"faces"}, {"group"}]

#: What each verb is said of: the fields of one of these, and no others of them.
_SAID_OF: dict[Verb, list[set[str]]] = {
    **{"name": _FACES, "move": _FACES, "reject": _FACES, "stranger": _FACES, "not_face": _FACES, "unknown": _FACES},
    "confirm": [*_FACES, {"person"}],
    **{"join": [{"refs"}], "apart": [{"refs"}], "split": [{"group", "faces"}, {"person", "faces"}]},
    **{"rename": [{"person"}], "hide": [{"person"}], "favourite": [{"person"}], "forget": [{"person"}]},
    "cover": [{"person", "faces"}],
}

#: By which `person` or `name` says who it is, or is not.
_WITH_WHO = frozenset({"name", "move", "reject"})


class Body(BaseModel):
    """Base of all: an unknown field is refused, since what it asks for would not be done."""

    model_config = ConfigDict(frozen=True, extra="forbid")


T = TypeVar("T", bound=Body)


class IdentifyRequest(Body):
    """Encodings of faces, as the face API gives them."""

    encodings: (
        Annotated[
            list[Annotated[list[Number], Field(min_length=ENCODING_LENGTH, max_length=ENCODING_LENGTH)]],
            Field(min_length=1, max_length=MOST_ENCODINGS),
        ]
        | str
    ) = Field(
        description=f"at most {MOST_ENCODINGS:,} lists of {ENCODING_LENGTH} numbers; or base64 of all of them, one "
        "after the other, as little-endian float32: a quarter of the bytes"
    )

    def rows(self) -> npt.NDArray[np.float64] | npt.NDArray[np.float32]:
        """Shape (n, 128).

        Raises:
            WrongField: base64 of something else.
        """
        if not isinstance(self.encodings, str):
            return np.asarray(self.encodings, dtype=np.float64)
        try:
            data = base64.b64decode(self.encodings, validate=True)
        except (binascii.Error, ValueError) as error:
            raise WrongField(f"encodings is no base64 ({error})") from error
        size = ENCODING_LENGTH * _NUMBER.itemsize
        if not data or len(data) % size or len(data) > MOST_ENCODINGS * size:
            raise WrongField(f"encodings has {len(data):,} bytes, needed {size} for each of 1 to {MOST_ENCODINGS:,}")
        return np.frombuffer(data, _NUMBER).reshape(-1, ENCODING_LENGTH)


class Spoken(Body):
    """Who says something, and under which id."""

    id: UUID = Field(description="of this answer, made by the client: the same twice is one entry")
    by: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        description="who says it, as the ledger shows it; of a token it is the token's `sub`. Default: api",
    )

    @field_validator("by")
    @classmethod
    def _check_by(cls, by: str | None) -> str | None:
        if by is not None and not is_actor(by):
            raise ValueError(f"found {by[:40]!a}, needed a name in one line, other than the machine's")
        return by


class AnswerRequest(Spoken):
    """What a person says of faces, of the faces of a group, or of a person."""

    verb: Verb = Field(description="what is said")
    faces: list[Id] = Field(
        [], max_length=MOST_FACES, description="of these faces; of split those that leave, of cover the one"
    )
    group: Id | None = Field(None, description="of this group's faces, instead; of split the group that they leave")
    person: Id | None = Field(
        None,
        description="who it is, or is not, of name, move and reject; of confirm alone: whose linked faces are right; "
        "of split, rename, hide, favourite, cover and forget: who is meant",
    )
    refs: list[Annotated[str, Field(pattern=r"^[fgp][1-9]\d{0,17}$")]] = Field(
        [],
        max_length=MOST_FACES,
        description="of join: people p12 or groups g12, the one that stays first; of apart: two",
    )
    name: str | None = Field(
        None, max_length=255, description="who it is, or is not, by name instead; of rename: the name from now on"
    )
    new: bool = Field(
        False, strict=True, description="of name, move and rename: another person of a name that there is already"
    )
    off: bool = Field(False, strict=True, description="of hide and favourite: no longer")
    revision: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        None,
        description="of the group, or of the person who is meant, as it was seen: where it is another by now nothing "
        "is written, and 409 says so",
    )

    @property
    def subjects(self) -> list[Ref]:
        """What is said of: what `revision` is of comes first."""
        whole = [Ref("group", self.group)] if self.group is not None else []
        meant = [Ref("person", self.person)] if self.is_of_person and self.person is not None else []
        return [*meant, *whole, *map(Ref.parse, self.refs), *(Ref("face", face) for face in self.faces)]

    @property
    def is_of_person(self) -> bool:
        """Whether `person` is not who it is, but who is meant."""
        return self.verb not in _WITH_WHO

    @property
    def who(self) -> str | Ref | None:
        """Who it is, or is not."""
        return self.name if self.person is None else Ref("person", self.person)

    @model_validator(mode="after")
    def _check_together(self) -> AnswerRequest:
        fields = ("faces", "group", "person", "refs", "name")
        given = {name for name in fields if getattr(self, name) not in (None, [])}
        subjects = given - {"name", *([] if self.is_of_person else ["person"])}
        if subjects not in _SAID_OF[self.verb]:
            needed = " or ".join(" and ".join(sorted(one)) for one in _SAID_OF[self.verb])
            raise ValueError(f"found {self.verb} of {' and '.join(sorted(given)) or 'nothing'}, needed {needed}")
        if self.verb == "cover" and len(self.faces) != 1:
            raise ValueError(f"found cover of {len(self.faces)} faces, needed one")
        if "refs" in given and not (len(self.refs) == 2 or (self.verb == "join" and len(self.refs) > 2)):
            raise ValueError(f"found {self.verb} of {len(self.refs)}, needed two{' or more' * (self.verb == 'join')}")
        if self.verb in _WITH_WHO and {"person", "name"} <= given:
            raise ValueError("found person beside name, needed one of the two")
        if self.verb in {"name", "move"} and not given & {"person", "name"}:
            raise ValueError(f"found {self.verb} without person and name, needed one of the two")
        if "name" in given and self.verb not in {*_WITH_WHO, "rename"}:
            raise ValueError(f"found {self.verb} with name, needed none")
        if self.verb == "rename" and "name" not in given:
            raise ValueError("found rename without name, needed one")
        if self.new and ("name" not in given or self.verb == "reject"):
            raise ValueError("found new, which is for name, move and rename with a name")
        if self.off and self.verb not in {"hide", "favourite"}:
            raise ValueError("found off, which is for hide and favourite")
        if self.revision is not None and not subjects & {"group", "person"}:
            raise ValueError("found revision without a group or person that is meant: faces have none")
        return self


class UndoRequest(Spoken):
    """Which entry is taken back."""

    entry: Id = Field(description="of the ledger; an undo's own entry brings back what it took")
    dry_run: bool = Field(False, strict=True, description="only tell what would change")


async def read_body(request: Request, kind: type[T]) -> T:
    """The body as JSON.

    Raises:
        BadBody: it is none.
        WrongField: a field is wrong; the sentence names each.
    """
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError as error:
        raise checked(error) from error


def checked(error: ValidationError) -> BadBody | WrongField:
    """What pydantic found wrong, as an error of ours that names each field."""
    lines = error.errors(include_url=False, include_context=False, include_input=False)
    if any(line["type"] == "json_invalid" for line in lines):
        return BadBody(f"the body is no valid JSON: {lines[0]['msg']}")
    return WrongField("; ".join(_about(line["loc"], line["msg"]) for line in lines[:8]))


def _about(place: tuple[int | str, ...], sentence: str) -> str:
    sentence = sentence.removeprefix("Value error, ")
    said = f"{sentence[:1].lower()}{sentence[1:]}"
    # Which of two ways a field was read in is pydantic's own word: it names no field.
    names = [str(part) for part in place if isinstance(part, int) or part.isidentifier()]
    return f"{'.'.join(names)}: {said}" if names else said
