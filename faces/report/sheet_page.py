"""Lays a sheet out as its page prints it: colours, and which cut-outs are shown. No HTML, no pixels."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from faces.errors import FacesError
from faces.people.refs import Ref
from faces.photo.face import RatioBox
from faces.report.sheet import Sheet, SheetFace, SheetPhoto
from faces.report.sheet_groups import Found, grouped
from faces.report.sheet_labels import Place, labels
from faces.report.sheet_pictures import Picture, PictureFolder
from faces.report.sheet_views import UNKNOWN, CropView, FaceView, Page, PersonView, PhotoView, Who

#: Cut-outs shown for one person: the nearest faces. The photos below the people show all of them.
MAX_CROPS = 14

#: Cut-outs of faces that a person is offered for.
MAX_OFFERS = 7

#: A colour for each person in turn, all bright enough for black letters (contrast above 7). Names stand beside the
#: colours everywhere, so that they may come round again.
COLOURS = ("#ffb700", "#5cc8ff", "#ff8fa3", "#7ddf86", "#cba6ff", "#ff9a5a", "#4fdcc9", "#f2e35c", "#a9bcff", "#ff9de2")


def page_of(sheet: Sheet, folder: PictureFolder, tick: Callable[[], None]) -> Page:
    """Lay out `sheet`, making the pictures that are missing; `tick` is called once a photo."""
    found = _faces_by_name(sheet)
    unknown = grouped(found.get(None, []))
    whos = _whos(found, sheet)
    refs = {group: str(Ref("group", group)) for group in unknown.groups}
    groups = {group: Who(ref, ref, UNKNOWN.colour) for group, ref in refs.items()}
    offers = _offers_by_name(found.get(None, []))
    shown = {name: _nearest(unknown.alone if name is None else faces) for name, faces in found.items()}
    shown_of_groups = {group: _nearest(faces) for group, faces in unknown.groups.items()}
    offered = {name: offers.get(name, [])[:MAX_OFFERS] for name in whos}
    cut = [pair for faces in (*shown.values(), *shown_of_groups.values(), *offered.values()) for pair in faces]
    pictures = _all_pictures(sheet, folder, cut, tick)
    photos = [_photo_view(number, photo, whos, groups, pictures[number]) for number, photo in enumerate(sheet.photos)]
    portraits = _portraits(sheet, folder)
    cards = _Cards(pictures)
    return Page(
        sheet=sheet,
        people=tuple(
            cards.person(
                cards.card(who, found.get(name, []), shown.get(name, [])),
                portraits.get(name),
                cards.crops(offered[name]),
                len(offers.get(name, [])),
            )
            for name, who in whos.items()
        ),
        unknown=cards.card(UNKNOWN, found.get(None, []), shown.get(None, []), len(unknown.alone)),
        groups=tuple(cards.card(groups[at], faces, shown_of_groups[at]) for at, faces in unknown.groups.items()),
        more_groups=unknown.more,
        photos=tuple(photo for photo in photos if photo.picture or photo.faces),
        unreadable=tuple(photo for photo in photos if photo.problem),
    )


@dataclass(frozen=True, slots=True)
class _Cards:
    """What the page shows of people and groups, with the pictures that were made of the photos."""

    pictures: Mapping[int, _Shot]

    def crops(self, faces: Iterable[Found]) -> tuple[CropView, ...]:
        return tuple(_crop_view(number, face, self.pictures[number]) for number, face in faces)

    def card(self, who: Who, faces: Sequence[Found], crops: Sequence[Found], among: int | None = None) -> PersonView:
        """All faces are counted; the crops are of `among` of them."""
        photos = len({number for number, _ in faces})
        more = (len(faces) if among is None else among) - len(crops)
        ids = sorted({face.person for _, face in faces if face.person is not None})
        refs = tuple(str(Ref("person", person)) for person in ids)
        return PersonView(who, None, photos, len(faces), self.crops(crops), more, refs)

    def person(
        self, card: PersonView, portrait: Picture | None, offers: tuple[CropView, ...], offered: int
    ) -> PersonView:
        own = next((crop.picture for crop in card.crops if crop.face.known and crop.picture), None)
        return replace(card, portrait=portrait or own, offers=offers, offered=offered)


def _faces_by_name(sheet: Sheet) -> dict[str | None, list[Found]]:
    found: dict[str | None, list[Found]] = {}
    for number, photo in enumerate(sheet.photos):
        for face in photo.faces:
            found.setdefault(face.name, []).append((number, face))
    return found


def _offers_by_name(unknown: Iterable[Found]) -> dict[str, list[Found]]:
    """The faces that each person is offered for, the likeliest first."""
    found: dict[str, list[Found]] = {}
    for number, face in unknown:
        if face.offer:
            found.setdefault(face.offer.name, []).append((number, face))
    for faces in found.values():
        faces.sort(key=_least_likely)
    return found


def _least_likely(pair: Found) -> tuple[float, int]:
    number, face = pair
    return -_or(face.offer.probability if face.offer else None, 0), number


def _whos(found: Mapping[str | None, list[Found]], sheet: Sheet) -> dict[str, Who]:
    """All people with a name, those with most faces first."""
    names = {name for name in found if name is not None} | {portrait.name for portrait in sheet.portraits}
    order = sorted(names, key=lambda name: (-len(found.get(name, ())), name.casefold(), name))
    return {name: Who(f"p{at}", name, COLOURS[at % len(COLOURS)]) for at, name in enumerate(order)}


def _nearest(faces: list[Found]) -> list[Found]:
    """Those to show for a person: known faces, then by distance; without distances the best ones."""

    def order(pair: Found) -> tuple[bool, float, float, int]:
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
    sheet: Sheet, folder: PictureFolder, shown: list[Found], tick: Callable[[], None]
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


def _photo_view(
    number: int, photo: SheetPhoto, whos: Mapping[str, Who], groups: Mapping[int, Who], shot: _Shot
) -> PhotoView:
    title = PurePath(photo.title)
    folder = "" if title.parent == PurePath() else f"{title.parent}/"
    views = [_face_view(face, whos, groups) for face in photo.faces]
    faces = _with_labels(views, shot.whole.width / shot.whole.height if shot.whole else 1)
    return PhotoView(number, title.name, folder, photo.path.absolute().as_uri(), faces, shot.whole, shot.problem)


def _face_view(face: SheetFace, whos: Mapping[str, Who], groups: Mapping[int, Who]) -> FaceView:
    return FaceView(
        face,
        UNKNOWN if face.name is None else whos[face.name],
        _place(face.box),
        group=None if face.group is None else groups.get(face.group),
        offered=whos.get(face.offer.name) if face.offer else None,
    )


def _with_labels(views: Sequence[FaceView], ratio: float) -> tuple[FaceView, ...]:
    boxes = [(view.place, view.title if view.is_told else "") for view in views if view.place]
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
