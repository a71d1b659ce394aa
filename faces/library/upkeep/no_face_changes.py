"""What of one image's faces is like a find that was said to be no face, and what else that changes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from faces.people.groups.not_faces import NotFaces, is_asked
from faces.people.kept_face import FaceState, KeptFace
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.known_encodings import KnownEncoding


def with_likeness(
    not_faces: NotFaces,
    after: Mapping[int, IndexedFace],
    rows: Mapping[int, KeptFace],
    encodings: Mapping[int, KnownEncoding],
) -> dict[int, IndexedFace]:
    """The same faces with what each is like, where it has an encoding and nobody has answered for it."""
    asked = {face for face, one in after.items() if face in encodings and is_asked(one.state, rows[face].answer)}
    like = not_faces.nearest_of_each({face: encodings[face].numbers for face in asked})
    return {face: replace(one, like_not_face=like.get(face)) for face, one in after.items()}


def not_faces_differ(before: Mapping[int, IndexedFace], after: Mapping[int, IndexedFace], changed: Set[int]) -> bool:
    """Whether a face comes to be none, or ceases to, or is none with another encoding: others are compared again."""
    was, now = (
        {face for face, one in faces.items() if one.state is FaceState.NOT_FACE} for faces in (before, after)
    )  # fmt: skip
    return was != now or not changed.isdisjoint(now)


def likeness_differs(before: Mapping[int, IndexedFace], after: Mapping[int, IndexedFace]) -> bool:
    """Whether a face is like another than before, or like nothing any more."""
    was, now = (
        {face: one.like_not_face for face, one in faces.items() if one.like_not_face is not None}
        for faces in (before, after)
    )
    return was != now
