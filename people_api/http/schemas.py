"""Reply bodies of the people API, field by field: the contract."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from faces.answers.answer import Answered
from faces.answers.history.entry_sentences import People
from faces.answers.history.told_entries import ToldEntry
from faces.http.bodies import Reply
from faces.laravel.disks import place_of
from faces.people.identify import LINK, OFFER, Identification
from faces.photo.face import RatioBox
from faces.store.listing import ListedFace, ListedImage
from faces.store.sidecar.lists.group_pages import ListedGroup
from faces.store.sidecar.lists.people_pages import ListedPerson

_NEXT = "`cursor` of the next page; null: this was the last one"


class PersonReply(Reply):
    """A person; the counts are of faces."""

    id: int = Field(description="of the person", examples=[12])
    name: str | None = Field(description="null: the app has the person without a name", examples=["Ada Lovelace"])
    confirmed: int = Field(description="faces that a person has confirmed", examples=[31])
    linked: int = Field(description="faces that were linked by themselves", examples=[204])
    suggested: int = Field(description="faces that the person is offered for", examples=[7])
    last_taken: datetime | None = Field(description="when the newest photo was taken, by the camera's clock")
    hidden: bool = Field(description="left out of the list of people")
    favourite: bool = Field(description="as a person has marked it")
    revision: int = Field(description="counts the changes: `/v1/answers` takes it, so that nothing else is meant")

    @classmethod
    def of(cls, person: ListedPerson, revision: int) -> PersonReply:
        same = {name: getattr(person, name) for name in cls.model_fields if name != "revision"}
        return cls(**same, revision=revision)


class PeoplePage(Reply):
    """A page of people: those with most confirmed faces first, of equal ones the newest."""

    items: list[PersonReply] = Field(description="in order")
    next: str | None = Field(description=_NEXT)


class PartsBox(Reply):
    """A rectangle as parts of the photo's width and height."""

    top: float = Field(description="0 is the photo's upper edge, 1 the lower")
    right: float = Field(description="0 is the photo's left edge, 1 the right")
    bottom: float = Field(description="0 is the photo's upper edge, 1 the lower")
    left: float = Field(description="0 is the photo's left edge, 1 the right")

    @classmethod
    def of(cls, box: RatioBox) -> PartsBox:
        return cls(top=box.top, right=box.right, bottom=box.bottom, left=box.left)


class ToldFace(Reply):
    """A face on a photo, and who it is or may be."""

    id: int = Field(description="of the face", examples=[4711])
    image_id: int = Field(description="of its photo's row")
    photo: str = Field(description="the photo's file", examples=["photos:2024/07/IMG_1.jpg"])
    face_index: int = Field(description="the face's number on the photo, from 0")
    box: PartsBox | None = Field(description="where it is; null where that was not kept")
    quality: float | None = Field(description="0–100; null where it was not kept")
    taken_at: datetime | None = Field(description="by the camera's clock, as far as it is known")
    state: str | None = Field(description="unknown, suggested, linked, confirmed, stranger or not_face")
    name: str | None = Field(description="who it is; null: not known, or only offered")
    person_id: int | None = Field(description="who it is or, where suggested, may be")
    offered: str | None = Field(description="the name of who is offered for it")
    probability: float | None = Field(description="of the offer, or of the link when it was made; 0–1")
    group_id: int | None = Field(description="the group of faces that look like one person")

    @classmethod
    def of(cls, face: ListedFace, image: ListedImage, taken_at: datetime | None) -> ToldFace:
        return cls(
            id=face.id,
            image_id=face.image_id,
            photo=place_of(image.disk, image.path, image.filename),
            face_index=face.face_index,
            box=face.box and PartsBox.of(face.box),
            quality=face.quality,
            taken_at=taken_at,
            state=None if face.state is None else face.state.word,
            name=None if face.offer else face.name,
            person_id=face.person_id,
            offered=face.offered,
            probability=face.probability,
            group_id=face.group_id,
        )


class FacesPage(Reply):
    """A page of faces."""

    items: list[ToldFace] = Field(description="in order")
    next: str | None = Field(description=_NEXT)


class MonthReply(Reply):
    """How many faces are on photos of a month."""

    month: str | None = Field(description="by the camera's clock; null: of no known time", examples=["2024-07"])
    faces: int = Field(description="of the person")


class MonthsReply(Reply):
    """All months of a person at once, the newest first."""

    items: list[MonthReply] = Field(description="in order; of no known time last")
    next: None = Field(description="null: there is no further page")


class GroupReply(Reply):
    """Faces that look like one person."""

    id: int = Field(description="of the group", examples=[88])
    size: int = Field(description="faces in it")
    person_id: int | None = Field(description="whose they are; null: of no person yet")
    person: str | None = Field(description="that person's name")
    offered_person_id: int | None = Field(description="who is offered for it")
    offered: str | None = Field(description="that person's name")
    probability: float | None = Field(description="of the offer, 0–1")
    face_id: int | None = Field(description="its best face; null where none of it is on a photo that is there")
    photo: str | None = Field(description="that face's photo")
    revision: int = Field(description="counts its changes: `/v1/answers` takes it, so that nothing else is meant")

    @classmethod
    def of(cls, group: ListedGroup, revision: int) -> GroupReply:
        names = ("id", "size", "person_id", "person", "offered_person_id", "offered", "probability")
        same: dict[str, Any] = {name: getattr(group, name) for name in names}
        best = group.example
        photo = None if best is None else place_of(best.disk, best.path, best.filename)
        return cls(**same, face_id=best and best.face_id, photo=photo, revision=revision)


class GroupsPage(Reply):
    """A page of groups: the largest first; named ones person by person."""

    items: list[GroupReply] = Field(description="in order")
    next: str | None = Field(description=_NEXT)


class EntryReply(Reply):
    """An entry of the ledger: what was said, or linked by itself."""

    id: int = Field(description="of the entry")
    at: datetime = Field(description="UTC")
    actor: str = Field(description="who said it; `machine`: it was linked by itself")
    kind: str = Field(description="named, linked, rejected and so on")
    what: str = Field(description="a sentence; people have today's names")
    undoes: int | None = Field(description="the entry that it takes back")
    undone_by: int | None = Field(description="the entry by which it was taken back, and which stands")
    faces: int = Field(description="how many it changed")
    p: float | None = Field(description="the probability, where a machine decided")
    distance: float | None = Field(description="the distance, where a machine decided")

    @classmethod
    def of(cls, entry: ToldEntry) -> EntryReply:
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class LedgerPage(Reply):
    """A page of the ledger, the newest entry first."""

    items: list[EntryReply] = Field(description="in order")
    next: str | None = Field(description=_NEXT)


class NearPerson(Reply):
    """One of the next people."""

    person_id: int = Field(description="who")
    name: str | None = Field(description="that person's name")
    distance: float = Field(description="Euclidean, to the middle of the person's confirmed faces")


class IdentifiedFace(Reply):
    """The likeliest person of a face."""

    person_id: int = Field(description="who")
    name: str | None = Field(description="that person's name")
    probability: float = Field(
        description=f"that it is this person, 0–1: from {LINK:g} on links are made by itself, from {OFFER:g} on offers"
    )
    distance: float = Field(description="Euclidean, to the middle of the person's confirmed faces")
    next: list[NearPerson] = Field(description="the next two people, the nearest first; fewer where fewer are known")

    @classmethod
    def of(cls, found: Identification, names: People) -> IdentifiedFace:
        def name(person: int) -> str | None:
            return names[person].name if person in names else None

        others = [
            NearPerson(person_id=one.person_id, name=name(one.person_id), distance=one.distance) for one in found.others
        ]
        return cls(
            person_id=found.person_id,
            name=name(found.person_id),
            probability=found.probability,
            distance=found.distance,
            next=others,
        )


class IdentifyReply(Reply):
    """Who the faces are, in the order of the encodings."""

    faces: list[IdentifiedFace | None] = Field(description="one for each encoding; null while no person is known")


class LeftReply(Reply):
    """What an answer did not touch."""

    ref: str = Field(description="a face f12, a group g12 or a person p12", examples=["f12"])
    why: str = Field(description="a sentence")


class AnsweredReply(Reply):
    """What an answer or an undo has changed."""

    entry: int | None = Field(description="of the ledger; null: all was as it was said already")
    kind: str = Field(description="of the entry", examples=["named"])
    faces: list[int] = Field(description="that became something else by what was said")
    followed: list[int] = Field(description="others, that hung on one of these and now hang elsewhere or on nothing")
    people: list[int] = Field(description="who was named, or lost or gained faces")
    left: list[LeftReply] = Field(description="what was asked about and stays as it is")
    again: bool = Field(description="the same id was said before: nothing was written now")

    @classmethod
    def of(cls, done: Answered) -> AnsweredReply:
        return cls(
            entry=done.entry,
            kind=done.kind,
            faces=list(done.faces),
            followed=list(done.followed),
            people=list(done.people),
            left=[LeftReply(ref=left.ref, why=left.why) for left in done.left],
            again=done.again,
        )
