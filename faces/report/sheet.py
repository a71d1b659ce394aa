"""What a contact sheet shows: photos, faces and people as plain values. Where they come from is the caller's affair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from faces.photo.face import RatioBox


@dataclass(frozen=True, slots=True)
class SheetFace:
    """A face of a photo; `index` is the number that every other place gives it.

    `name` is the person's, None for an unknown face. `distance` is that to the known face it was linked to.
    `known` marks a face that others are compared with: it has no distance. `box` is None where the database
    does not keep it. `quality` is 0–100.
    """

    index: int
    box: RatioBox | None = None
    quality: float | None = None
    name: str | None = None
    distance: float | None = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class SheetPhoto:
    """A photo with its faces; `title` is how people call it, `problem` the sentence why it could not be read."""

    path: Path
    title: str
    faces: tuple[SheetFace, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Portrait:
    """A known face in a file that is not among the photos shown."""

    name: str
    path: Path
    box: RatioBox | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a contact sheet says; `seconds` is how long the finding took, `notes` are sentences for a person."""

    title: str
    photos: tuple[SheetPhoto, ...]
    model: str
    threshold: float
    made_at: datetime
    portraits: tuple[Portrait, ...] = ()
    seconds: float | None = None
    notes: tuple[str, ...] = ()
