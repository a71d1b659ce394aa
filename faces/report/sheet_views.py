"""What a page prints of a sheet: people, groups, photos and faces with their pictures, counts and words for each."""

from __future__ import annotations

from dataclasses import dataclass

from faces.people.names import NOT_A_FACE, OfferedName
from faces.report.sheet import Sheet, SheetFace
from faces.report.sheet_labels import Label, Place
from faces.report.sheet_pictures import Picture

#: With more faces than this in a photo, their names are shown only while the pointer is on the photo.
CROWD = 8


@dataclass(frozen=True, slots=True)
class Who:
    """A person on the page; `key` is the word in its addresses and classes."""

    key: str
    name: str
    colour: str


#: A face with no known face near enough.
UNKNOWN = Who("unknown", "unknown", "#e4e4e0")


@dataclass(frozen=True, slots=True)
class FaceView:
    """A face and where its photo shows it."""

    face: SheetFace
    who: Who
    place: Place | None
    label: Label | None = None
    group: Who | None = None
    """Its group, where the page shows that."""
    offered: Who | None = None
    """Who is offered for it, where the page shows that person."""

    @property
    def title(self) -> str:
        """Who it is or may be, or that it may be no face."""
        if self.face.may_be_none:
            return NOT_A_FACE
        return str(self.face.offer) if self.face.offer else self.who.name

    @property
    def is_told(self) -> bool:
        """Whether more is to be said of it than that it is unknown."""
        return self.face.may_be_none or self.face.offer is not None or self.who is not UNKNOWN

    @property
    def right(self) -> bool:
        """Whether it is in the photo's right half, where the label extends to the left."""
        return self.place is not None and self.place[0] + self.place[2] / 2 > 55


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A photo on the page; without `picture`, `problem` says why. `address` is the file's URL."""

    number: int
    name: str
    folder: str
    address: str
    faces: tuple[FaceView, ...]
    picture: Picture | None
    problem: str | None

    @property
    def keys(self) -> tuple[str, ...]:
        """The filters that show this photo."""
        whos = (who for view in self.faces for who in (view.who, view.group) if who)
        return tuple(dict.fromkeys(who.key for who in whos)) or ("nobody",)

    @property
    def summary(self) -> str:
        """Who is in the photo, as text for screen readers."""
        names = [view.title for view in self.faces if view.is_told]
        others = len(self.faces) - len(names)
        return ", ".join([*names, *([_count(others, "unknown face")] if others else [])]) or "no face"

    @property
    def crowded(self) -> bool:
        """Whether there are too many faces for names that are always visible."""
        return len(self.faces) > CROWD


@dataclass(frozen=True, slots=True)
class CropView:
    """A cut-out face: of which photo, and how near it is."""

    picture: Picture | None
    photo: int
    face: SheetFace


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person or a group with the faces that were found; `more` are not among the crops.

    `offers` are faces that a person is offered for, `offered` how many there are. `ids` are the person's: several where
    people share a name.
    """

    who: Who
    portrait: Picture | None
    photos: int
    faces: int
    crops: tuple[CropView, ...]
    more: int
    ids: tuple[str, ...] = ()
    offers: tuple[CropView, ...] = ()
    offered: int = 0

    @property
    def offer(self) -> OfferedName | None:
        """Who is offered for a group: the same for all its faces."""
        return next((crop.face.offer for crop in self.crops if crop.face.offer), None)


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template `contact_sheet.html.j2` prints; each property is a number or list there."""

    sheet: Sheet
    people: tuple[PersonView, ...]
    unknown: PersonView
    groups: tuple[PersonView, ...]
    more_groups: int
    photos: tuple[PhotoView, ...]
    unreadable: tuple[PhotoView, ...]

    @property
    def faces(self) -> int:
        return sum(len(photo.faces) for photo in self.photos)

    @property
    def recognised(self) -> int:
        """Faces that were linked to a known one."""
        return sum(view.face.name is not None and not view.face.known for photo in self.photos for view in photo.faces)

    @property
    def offered(self) -> int:
        """Faces that a person is offered for."""
        return sum(view.face.offer is not None for photo in self.photos for view in photo.faces)

    @property
    def asked(self) -> bool:
        """Whether any may be no face."""
        return any(view.face.may_be_none for photo in self.photos for view in photo.faces)

    @property
    def without_faces(self) -> int:
        """Photos that were read and have no face."""
        return sum(not photo.faces for photo in self.photos)

    @property
    def picture_names(self) -> frozenset[str]:
        """The files that the page shows."""
        people = (*self.people, self.unknown, *self.groups)
        shown = [photo.picture for photo in self.photos] + [person.portrait for person in people]
        shown += [crop.picture for person in people for crop in (*person.crops, *person.offers)]
        return frozenset(picture.name for picture in shown if picture)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
