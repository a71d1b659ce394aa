"""What a photo is sent to the face API with, and what comes back: faces, or an error that says whose fault it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from faces.errors import FacesError
from faces.photo.face import Encoding, Quality, RatioBox


@dataclass(frozen=True, slots=True)
class Drawing:
    """The debug picture that the API is asked to write, a part of the request."""

    original_path: str
    """Where the original lies for the app; the picture is written beside it."""
    subdir: str = "debug"
    as_webp: bool = False
    required: bool = True
    """Whether an answer without the picture is none: rows without it would lose their names to the app."""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face as the API describes it; None where an older API sends no quality or box."""

    encoding: Encoding
    quality: Quality | None = None
    box: RatioBox | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """The faces of a photo, in the order of their numbers on the debug picture."""

    faces: tuple[FoundFace, ...]
    debug_image_path: str | None = None
    """Where the debug picture lies for the API; None where it wrote none."""
    pixels: tuple[int, int] | None = None
    """Width and height of the upright photo."""
    seconds: float | None = None
    """What the API needed, waiting included."""
    scale: int | None = None
    """The longest side of the picture that they were found in."""
    warnings: tuple[str, ...] = ()
    request_id: str | None = None
    """What the API's log calls the request."""

    @property
    def debug_filename(self) -> str | None:
        """The debug picture's name as the app's row has it; None without a picture."""
        return PurePosixPath(self.debug_image_path or "").name or None


@dataclass(frozen=True, slots=True)
class NotEncoded:
    """An answer without faces: the error to raise, and the text for `images.last_error`, without the request's name."""

    error: FacesError
    last_error: str

    @property
    def request_id(self) -> str | None:
        """What the API's log calls the request."""
        return self.error.request_id
