"""Reply bodies of POST /v1/search, field by field: the contract."""

from __future__ import annotations

from pydantic import Field

from faces.answers.history.entry_sentences import People
from faces.http.bodies import Reply
from faces.people.identify import Contender
from people_api.http.schemas import PartsBox, ToldFace


class LikelyPerson(Reply):
    """One of the people that a face may be."""

    person_id: int = Field(description="who")
    name: str | None = Field(description="that person's name")
    probability: float = Field(
        description="that it is this person, 0–1; of all but the first: if it is none of those before"
    )
    distance: float = Field(description="Euclidean, to the middle of the person's confirmed faces")
    confirmed: int = Field(description="faces that the person is known by")

    @classmethod
    def of(cls, found: Contender, names: People) -> LikelyPerson:
        return cls(
            person_id=found.person_id,
            name=names[found.person_id].name if found.person_id in names else None,
            probability=found.probability,
            distance=found.distance,
            confirmed=found.confirmed,
        )


class SimilarFace(ToldFace):
    """A face that looks like the one that is searched for."""

    distance: float = Field(description="Euclidean, between the two encodings")

    @classmethod
    def at(cls, distance: float, face: ToldFace) -> SimilarFace:
        return cls(**face.model_dump(), distance=distance)


class SearchedReply(Reply):
    """One face that is searched for."""

    box: PartsBox | None = Field(description="where it is on the photo that was sent; null where none was")
    quality: float | None = Field(description="0–100, of a face on a photo that was sent")
    people: list[LikelyPerson] = Field(description="who it may be, the nearest by score first")
    faces: list[SimilarFace] = Field(description="the nearest faces, the nearest first")


class SearchReply(Reply):
    """What was found of each face that is searched for."""

    faces: list[SearchedReply] = Field(description="one of a known face or an encoding; of a photo one for each face")
    warnings: list[str] = Field(description="what the face API says of the photo: part of it is missing, for example")
