"""Request and reply bodies, field by field: the contract. PHP uses /encode, /compare and /health."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from faces.http.bodies import Reply
from faces.photo.face import LANDMARKS, Box, Encoding, Face, Point, Quality, RatioBox

#: Names of unknown fields that are told one by one, and characters that are shown of what was found.
_MOST_TOLD, _LONGEST_SHOWN = 8, 64

EncodingReply = Annotated[list[float], Field(min_length=128, max_length=128)]


class BoxReply(Reply):
    """A rectangle in whole pixels; it may reach beyond the picture's edge."""

    top: int = Field(description="pixels from the upper edge to the box's upper edge")
    right: int = Field(description="pixels from the left edge to the box's right edge")
    bottom: int = Field(description="pixels from the upper edge to the box's lower edge")
    left: int = Field(description="pixels from the left edge to the box's left edge")

    @classmethod
    def of(cls, box: Box) -> BoxReply:
        return cls(top=box.top, right=box.right, bottom=box.bottom, left=box.left)


class RatioBoxReply(Reply):
    """A rectangle as parts of the picture's width and height: the same at every size of the picture."""

    top: float = Field(description="0 is the upper edge of the picture, 1 the lower")
    right: float = Field(description="0 is the left edge of the picture, 1 the right")
    bottom: float = Field(description="0 is the upper edge of the picture, 1 the lower")
    left: float = Field(description="0 is the left edge of the picture, 1 the right")

    @classmethod
    def of(cls, box: RatioBox) -> RatioBoxReply:
        return cls(top=box.top, right=box.right, bottom=box.bottom, left=box.left)


class PointReply(Reply):
    """A place in whole pixels; it may lie outside the picture."""

    x: int = Field(description="pixels from the left edge")
    y: int = Field(description="pixels from the upper edge")

    @classmethod
    def of(cls, point: Point) -> PointReply:
        return cls(x=point.x, y=point.y)


class QualityDetails(Reply):
    """The four parts of a face's quality."""

    size: float = Field(description="0–25: the larger the face in the scaled picture, the more")
    sharpness: float = Field(description="0–35: variance of the Laplacian")
    brightness: float = Field(description="0–20: most for a middle gray")
    contrast: float = Field(description="0–20: standard deviation of the gray values")


class QualityReply(Reply):
    """How well a person can be recognised by this face."""

    total: float = Field(description="0–100: the sum of the unrounded parts")
    details: QualityDetails = Field(description="the parts")

    @classmethod
    def of(cls, quality: Quality) -> QualityReply:
        return cls(
            total=quality.total,
            details=QualityDetails(
                size=quality.size,
                sharpness=quality.sharpness,
                brightness=quality.brightness,
                contrast=quality.contrast,
            ),
        )


class FaceReply(Reply):
    """One face; its place in the list is its number on the debug picture."""

    box: BoxReply = Field(description="in pixels of the upright original")
    box_ratios: RatioBoxReply = Field(description="as parts of the upright original")
    box_scaled: BoxReply = Field(description="in pixels of the scaled picture that it was found in")
    score: float | None = Field(description="the detector's score; above 0, larger is surer; null for a given box")
    quality: QualityReply = Field(description="as in `qualities`")
    landmarks: list[PointReply] | None = Field(
        description=f"five points in pixels of the upright original, in this order: {', '.join(LANDMARKS)}; the eyes "
        "are the person's own, so the left one is on the right. Null unless asked for"
    )

    @classmethod
    def of(cls, face: Face, width: int, height: int) -> FaceReply:
        """The face of an upright photo of `width` × `height` pixels."""
        return cls(
            box=BoxReply.of(face.box),
            box_ratios=RatioBoxReply.of(face.box.ratios(width, height)),
            box_scaled=BoxReply.of(face.scaled_box),
            score=face.score,
            quality=QualityReply.of(face.quality),
            landmarks=face.landmarks and [PointReply.of(point) for point in face.landmarks],
        )


class ImageReply(Reply):
    """The photo as it was read."""

    width: int = Field(description="pixels, upright")
    height: int = Field(description="pixels, upright")
    orientation: int = Field(description="EXIF orientation that was applied, 1–8; 1: nothing to do", ge=1, le=8)
    format: str = Field(description="by content, not by name", examples=["JPEG"])


class EncodeReply(Reply):
    """What was found in a photo, or encoded in the boxes that were given.

    Lists have one entry a face, in the same order; without a face they are empty.
    """

    encodings: list[EncodingReply] = Field(description="128 numbers a face; compare by Euclidean distance")
    debug_image_path: str | None = Field(
        description="absolute path of the picture with numbered boxes; null without `original_path`, or where "
        "FACE_DEBUG_PICTURES lets a photo be done without"
    )
    qualities: list[QualityReply] = Field(description="how good each face is")
    faces: list[FaceReply] = Field(description="where each face is")
    image: ImageReply = Field(description="the photo as it was read")
    left_out: dict[str, int] = Field(
        description="how many faces were found and not wanted, by reason, looked at in this order: `too_small` "
        "(min_size), `low_quality` (min_quality), `over_max_faces`; without the reasons that none had",
        examples=[{"too_small": 2, "over_max_faces": 1}],
    )
    scale: int | None = Field(
        description="the scale that faces were found at, or given boxes looked at, as longest side in pixels (1200, "
        "1600, 2000); null where there was none"
    )
    model: str = Field(
        description="the encoding model: only encodings of one model can be compared",
        examples=["dlib_face_recognition_resnet_model_v1"],
    )
    seconds: dict[str, float] = Field(
        description="seconds by stage: `wait` for an engine, then the work; `total` is their sum",
        examples=[{"wait": 0.001, "decode": 0.05, "scan": 0.43, "encode": 0.1, "total": 0.6}],
    )
    warnings: list[str] = Field(description="what went not quite as asked, one sentence each; usually empty")


class CompareReply(Reply):
    """Distances in the order of the candidates."""

    distances: list[float] = Field(
        description="Euclidean distance of each candidate, float64; 1e9 for one that cannot be compared (never null)"
    )
    invalid: list[int] = Field(
        description="positions of candidates that are not 128 finite numbers; their distance is 1e9"
    )
    warnings: list[str] = Field(description="what went not quite as asked, one sentence each; usually empty")


def _either_form(schema: dict[str, Any]) -> None:
    """Both are needed, each in one of its two forms."""
    del schema["required"]
    schema["allOf"] = [
        {"oneOf": [{"required": [name]}, {"required": [f"{name}_b64"]}]} for name in ("encoding", "candidates")
    ]


#: Two little-endian float32 in base64, and what follows of a third: 16 digits make three. NaN and infinity have a last
#: byte of 0x7f or 0xff, so that the digits which have a part of it are not both those of such a byte. (Finite numbers
#: from 1e36 on have one, too, and are no encoding's.)
_DIGIT = "[A-Za-z0-9+/]"
_TWO = f"{_DIGIT}{{4}}[A-Za-eg-z0-9+]{_DIGIT}{{4}}([A-GI-OQ-WY-Za-eg-mo-uw-z0-24-9+]{_DIGIT}|[HPXfnv3/][A-Za-z0-7])"
_THIRD = f"{_DIGIT}{{3}}([ACEGIKMOQSUWYacegikmoqsuwy02468+]{_DIGIT}|[BDFHJLNPRTVXZbdfhjlnprtvxz13579/][A-Za-z0-9+])"


class CompareRequest(BaseModel):
    """One encoding and any number of candidates, each as lists of numbers or as base64."""

    model_config = ConfigDict(json_schema_extra=_either_form)

    encoding: EncodingReply = Field(description="128 finite numbers")
    candidates: list[Any] = Field(
        description="lists of 128 numbers; anything else in the list is answered with distance 1e9 and its position "
        "in `invalid`"
    )
    encoding_b64: str = Field(
        description="instead of `encoding`: base64 of 128 little-endian float32, finite",
        json_schema_extra={"pattern": f"^({_TWO}{_THIRD}){{42}}{_TWO}=$"},
    )
    candidates_b64: str = Field(
        description="instead of `candidates`: base64 of 128 little-endian float32 for each, one behind the other; one "
        "with a number that is not finite is answered with distance 1e9 and its position in `invalid`",
        json_schema_extra={
            "pattern": "^([A-Za-z0-9+/]{2048})*([A-Za-z0-9+/]{683}=|[A-Za-z0-9+/]{1366}==)?$",
        },
    )


class HashReply(Reply):
    """A perceptual hash, as `imagehash.phash` gives it."""

    hash: str = Field(description="hexadecimal, hash_size² / 4 digits", examples=["c3d2a5b4968f4e1a"])
    hash_size: int = Field(description="as asked")
    bits: int = Field(description="hash_size²")
    warnings: list[str] = Field(
        description="what went not quite as asked, a file that was read in part, or a hash that says nothing (one gray "
        "all over, transparent); usually empty"
    )


class CompareImagesReply(Reply):
    """Two perceptual hashes and how many bits differ."""

    hash1: str = Field(description="hash of `file1`")
    hash2: str = Field(description="hash of `file2`")
    hash_size: int = Field(description="as asked")
    bits: int = Field(description="hash_size²")
    distance: int = Field(description="differing bits: 0 for the same picture")
    warnings: list[str] = Field(
        description="what went not quite as asked, and what both hashes have, each behind its field's name"
    )


class HealthReply(Reply):
    """The service as PHP and people ask for it."""

    status: str = Field(description="`ok`", examples=["ok"])
    mode: str = Field(description="`cpu`", examples=["cpu"])
    version: str = Field(description="of this service", examples=["0.1.0"])
    model: str = Field(description="the encoding model", examples=["dlib_face_recognition_resnet_model_v1"])
    processes: int = Field(description="engine processes that this service was set up with", examples=[2])
    fast: list[str] = Field(
        description="what faster code with the same numbers does here; dlib and Pillow do the rest",
        examples=[["decode", "resize", "resnet", "scan"]],
    )


def numbers(encoding: Encoding) -> list[float]:
    """The encoding as plain floats, exactly; shape (128,)."""
    plain: list[float] = np.asarray(encoding, dtype=np.float64).tolist()
    return plain


def warnings_about(unknown: Iterable[str], of: str = "field") -> list[str]:
    """One sentence for each name that is unknown here, and one for those that are too many to be told."""
    names = list(dict.fromkeys(unknown))
    told = [f"the {of} {shown(name)} is unknown here and was ignored" for name in names[:_MOST_TOLD]]
    return [*told, f"further {of}s are unknown and were ignored, too"] if len(names) > len(told) else told


def shown(text: str) -> str:
    """What was found, for a sentence: quoted, on one line, and cut where it is long."""
    return repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r}…"
