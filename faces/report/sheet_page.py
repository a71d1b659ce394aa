"""A sheet as its page prints it: colours, counts, and which cut-outs are shown. No HTML, no pixels."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from faces.errors import FacesError
from faces.photo.face import RatioBox
from faces.report.sheet import Sheet, SheetFace, SheetPhoto
from faces.report.sheet_labels import Label, Place, labels
from faces.report.sheet_pictures import Picture, PictureFolder

#: Cut-outs shown for one person: the nearest faces. The photos below the people show all of them.
MAX_CROPS = 14

#: With more faces than this in a photo, their names are shown only while the pointer is on the photo.
CROWD = 8

#: A colour for each person in turn, all bright enough for black letters (contrast above 7). Names stand beside the
#: colours everywhere, so that they may come round again.
COLOURS = ("#ffb700", "#5cc8ff", "#ff8fa3", "#7ddf86", "#cba6ff", "#ff9a5a", "#4fdcc9", "#f2e35c", "#a9bcff", "#ff9de2")


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
        return tuple(dict.fromkeys(view.who.key for view in self.faces)) or ("nobody",)

    @property
    def summary(self) -> str:
        """Who is in the photo, as text for screen readers."""
        names = [view.who.name for view in self.faces if view.who is not UNKNOWN]
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
    """A person with the faces that were found; `more` were left out."""

    who: Who
    portrait: Picture | None
    photos: int
    faces: int
    crops: tuple[CropView, ...]

    @property
    def more(self) -> int:
        """Faces that are not among the crops."""
        return self.faces - len(self.crops)


@dataclass(frozen=True, slots=True)
class Page:
    """All that the template `contact_sheet.html.j2` prints; each property is a number or list there."""

    sheet: Sheet
    people: tuple[PersonView, ...]
    unknown: PersonView
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
    def without_faces(self) -> int:
        """Photos that were read and have no face."""
        return sum(not photo.faces for photo in self.photos)

    @property
    def picture_names(self) -> frozenset[str]:
        """The files that the page shows."""
        people = (*self.people, self.unknown)
        shown = [photo.picture for photo in self.photos] + [person.portrait for person in people]
        shown += [crop.picture for person in people for crop in person.crops]
        return frozenset(picture.name for picture in shown if picture)


#: A face and the number of its photo.
_Found = tuple[int, SheetFace]


def page_of(sheet: Sheet, folder: PictureFolder, tick: Callable[[], None]) -> Page:
    """Lay out `sheet`, making the pictures that are missing; `tick` is called once a photo."""
    found = _faces_by_name(sheet)
    whos = _whos(found, sheet)
    shown = {name: _nearest(faces) for name, faces in found.items()}
    pictures = _all_pictures(sheet, folder, [pair for faces in shown.values() for pair in faces], tick)
    photos = [_photo_view(number, photo, whos, pictures[number]) for number, photo in enumerate(sheet.photos)]
    portraits = _portraits(sheet, folder)

    def person(name: str | None, who: Who) -> PersonView:
        crops = tuple(_crop_view(number, face, pictures[number]) for number, face in shown.get(name, ()))
        own = next((crop.picture for crop in crops if crop.face.known and crop.picture), None)
        faces = found.get(name, [])
        return PersonView(who, portraits.get(name) or own, len({number for number, _ in faces}), len(faces), crops)

    return Page(
        sheet=sheet,
        people=tuple(person(name, who) for name, who in whos.items()),
        unknown=person(None, UNKNOWN),
        photos=tuple(photo for photo in photos if photo.picture or photo.faces),
        unreadable=tuple(photo for photo in photos if photo.problem),
    )


def _faces_by_name(sheet: Sheet) -> dict[str | None, list[_Found]]:
    found: dict[str | None, list[_Found]] = {}
    for number, photo in enumerate(sheet.photos):
        for face in photo.faces:
            found.setdefault(face.name, []).append((number, face))
    return found


def _whos(found: Mapping[str | None, list[_Found]], sheet: Sheet) -> dict[str | None, Who]:
    """All people with a name, those with most faces first."""
    names = {name for name in found if name is not None} | {portrait.name for portrait in sheet.portraits}
    order = sorted(names, key=lambda name: (-len(found.get(name, ())), name.casefold(), name))
    return {name: Who(f"p{at}", name, COLOURS[at % len(COLOURS)]) for at, name in enumerate(order)}


def _nearest(faces: list[_Found]) -> list[_Found]:
    """Those to show for a person: known faces, then by distance; without distances the best ones."""

    def order(pair: _Found) -> tuple[bool, float, float, int]:
        number, face = pair
        return not face.known, _or(face.distance, math.inf), -_or(face.quality, 0), number

    return sorted(faces, key=order)[:MAX_CROPS]


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


@dataclass(frozen=True, slots=True)
class _Shot:
    """What could be made of a photo: its picture and cut-outs, or why not."""

    whole: Picture | None
    crops: Mapping[RatioBox, Picture | None]
    problem: str | None


def _all_pictures(
    sheet: Sheet, folder: PictureFolder, shown: list[_Found], tick: Callable[[], None]
) -> Mapping[int, _Shot]:
    boxes: dict[int, list[RatioBox]] = {}
    for number, face in shown:
        if face.box is not None:
            boxes.setdefault(number, []).append(face.box)
    shots = {}
    for number, photo in enumerate(sheet.photos):
        shots[number] = _shot(photo, folder, tuple(boxes.get(number, ())))
        tick()
    return shots


def _shot(photo: SheetPhoto, folder: PictureFolder, boxes: tuple[RatioBox, ...]) -> _Shot:
    if photo.problem is not None:
        return _Shot(None, {}, photo.problem)
    try:
        pictures = folder.pictures_of(photo.path, boxes)
    except FacesError as error:
        return _Shot(None, {}, str(error))
    return _Shot(pictures.whole, dict(zip(boxes, pictures.crops, strict=True)), None)


def _portraits(sheet: Sheet, folder: PictureFolder) -> dict[str | None, Picture]:
    """One picture for each person with a portrait that can still be read."""
    pictures: dict[str | None, Picture] = {}
    for portrait in sheet.portraits:
        boxes = () if portrait.box is None else (portrait.box,)
        with contextlib.suppress(FacesError):
            made = folder.pictures_of(portrait.path, boxes)
            pictures.setdefault(portrait.name, next(filter(None, made.crops), made.whole))
    return pictures


def _photo_view(number: int, photo: SheetPhoto, whos: Mapping[str | None, Who], shot: _Shot) -> PhotoView:
    title = PurePath(photo.title)
    folder = "" if title.parent == PurePath() else f"{title.parent}/"
    views = [FaceView(face, whos.get(face.name, UNKNOWN), _place(face.box)) for face in photo.faces]
    faces = _with_labels(views, shot.whole.width / shot.whole.height if shot.whole else 1)
    return PhotoView(number, title.name, folder, photo.path.absolute().as_uri(), faces, shot.whole, shot.problem)


def _with_labels(views: Sequence[FaceView], ratio: float) -> tuple[FaceView, ...]:
    boxes = [(view.place, view.who.name if view.face.name else "") for view in views if view.place]
    labelled = iter(labels(boxes, ratio))
    return tuple(replace(view, label=next(labelled)) if view.place else view for view in views)


def _crop_view(number: int, face: SheetFace, shot: _Shot) -> CropView:
    return CropView(shot.crops.get(face.box) if face.box else None, number, face)


def _place(box: RatioBox | None) -> Place | None:
    """Left, top, width and height in percent of the picture, as far as the box lies on it."""
    if box is None:
        return None
    left, right = (min(max(side, 0), 1) for side in (box.left, box.right))
    top, bottom = (min(max(side, 0), 1) for side in (box.top, box.bottom))
    return left * 100, top * 100, (right - left) * 100, (bottom - top) * 100


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
