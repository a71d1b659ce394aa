"""How the database's rows become what a contact sheet shows."""

from __future__ import annotations

from typing import Any

from faces.laravel.disks import Disks
from faces.people.kept_face import FaceState
from faces.people.names import OfferedName
from faces.report.sheet import SheetFace, photo_of
from faces.store.listing import ListedFace, ListedImage

IMAGE = ListedImage(1, None, "/photos", "a.jpg", faces_checked=True, last_error=None)


def shown(**values: Any) -> SheetFace:
    columns = {"name": None, "status": "process", "parent_id": None, "quality": 70.0, "box": None, "distance": None}
    face = ListedFace(id=1, image_id=1, face_index=0, **(columns | values))
    (one,) = photo_of(IMAGE, "a.jpg", [face], Disks.of({})).faces
    return one


def test_an_unknown_face_has_its_group() -> None:
    face = shown(state=FaceState.UNKNOWN, group_id=12)
    assert face == SheetFace(0, quality=70.0, group=12)


def test_a_face_that_a_person_is_offered_for_has_the_offer_and_no_name() -> None:
    offer = {"state": FaceState.SUGGESTED, "person_id": 3, "probability": 0.87, "offered": "Ada", "group_id": 12}
    assert shown(**offer) == SheetFace(0, quality=70.0, group=12, offer=OfferedName("Ada", 0.87))
    assert shown(**offer, name="Ada", status="suggested") == shown(**offer)


def test_a_known_face_has_its_person_and_no_group() -> None:
    face = shown(state=FaceState.LINKED, person_id=3, name="Ada", parent_id=9, distance=0.4, group_id=12)
    assert face == SheetFace(0, quality=70.0, name="Ada", distance=0.4, person=3)


def test_without_our_tables_a_face_is_as_the_row_says() -> None:
    assert shown(name="Ada", status="ok") == SheetFace(0, quality=70.0, name="Ada", known=True)


def test_what_may_be_no_face_is_offered_as_nobody() -> None:
    offer = {"state": FaceState.SUGGESTED, "person_id": 3, "probability": 0.87, "offered": "Ada", "group_id": 12}
    assert shown(**offer, like_not_face=4) == SheetFace(0, quality=70.0, group=12, may_be_none=True)
