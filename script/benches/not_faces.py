"""What is found again of a pattern that was said to be no face, and which real faces are held back for it: by limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faces.errors import PhotoError
from faces.people.groups.not_faces import LIMIT
from faces.people.products import as_matrix, rough_distances, squares_of
from faces.photo.decoding import PhotoLimits
from faces.photo.engine import FaceEngine
from faces.photo.face import Encoding
from faces.photo.open_engine import open_engine
from faces.settings import load
from script.benches.drawn_patterns import LEVELS, Pattern, drawn, poor_copy, shots
from script.cohorts.people_file import Faces, read_people

#: Distances that are tried beside the limit.
LIMITS = (0.25, 0.30, LIMIT, 0.40, 0.45)

#: Percent of real faces that may be held back.
PROMISED = 0.2

#: Patterns drawn, and shots of each at each level.
_PATTERNS, _SHOTS = 50, 4

#: Confirmed faces of a person of whom a face was said to be none by mistake, and how many such are tried.
_CONFIRMED, _MISTAKES = 3, 1000

_PHOTO_LIMITS = PhotoLimits(100_000_000, 1 << 30)

Distances = npt.NDArray[np.float64]


@dataclass(slots=True)
class Measured:
    """Columns of percentages by limit; `nearest` tells the finds in the folder that lie nearest to a pattern."""

    columns: dict[str, list[float]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    nearest: list[tuple[float, str]] = field(default_factory=list)

    def note(self, name: str, distances: npt.ArrayLike) -> None:
        """A column: how many of these are below each limit."""
        known = np.asarray(distances, np.float64)
        self.sizes[name] = len(known)
        self.columns[name] = [100 * float((known < limit).mean()) if len(known) else 0.0 for limit in LIMITS]

    @property
    def held_back(self) -> float:
        """The worst percentage of real faces at the limit in force. A find of the folder may be a false one, too."""
        at = LIMITS.index(LIMIT)
        return max(numbers[at] for name, numbers in self.columns.items() if name.startswith("held back:"))


def measure(folder: Path, suit: Path, people: Path | None, tell: Callable[[str], None]) -> Measured:
    """Measure all.

    Args:
        folder: photos of people.
        suit: a photo whose least sure find is no face, of the demo.
        people: a file of known people, as `script/cohort` takes it.
        tell: called with what is done next.
    """
    engine, dice, result = open_engine(load()), np.random.default_rng(11), Measured()
    tell("patterns")
    patterns = [*_least_sure(engine, suit), *drawn(engine, dice, _PATTERNS)]
    none = as_matrix([one.encoding for one in patterns])
    for level, name in enumerate(LEVELS):
        tell(f"shots: {name}")
        again = [shots(engine, dice, one, level, _SHOTS)[0] for one in patterns]
        result.note(f"found: {name}", [d for one, rows in zip(patterns, again, strict=True) for d in _from(one, rows)])
    tell("real faces")
    faces, poor = _real(engine, dice, sorted(folder.rglob("*")), none, result)
    result.note("held back, if all are faces: finds of the folder", _nearest(faces, none))
    result.note("held back: poor copies of them", _nearest(poor, none))
    if people is not None:
        known = read_people(people)
        result.note("held back: the file's faces", _nearest(known.encodings, none))
        _mistakes(known, dice, result)
    return result


def _least_sure(engine: FaceEngine, photo: Path) -> list[Pattern]:
    found = engine.find(engine.decode(photo.read_bytes(), _PHOTO_LIMITS))
    pixels = found.pixels
    detections = engine.detect(pixels)
    return [Pattern.of(engine, pixels, min(detections, key=lambda one: one.score))]


def _real(
    engine: FaceEngine, dice: np.random.Generator, files: Iterable[Path], none: npt.NDArray[np.float32], into: Measured
) -> tuple[list[Encoding], list[Encoding]]:
    """All faces in these photos, and a poor copy of each."""
    faces: list[Encoding] = []
    poor: list[Encoding] = []
    for file in files:
        try:
            found = engine.find(engine.decode(file.read_bytes(), _PHOTO_LIMITS))
        except (PhotoError, OSError):
            continue
        for face in found.faces:
            faces.append(face.encoding)
            pixels, box = poor_copy(dice, found.pixels, face.scaled_box)
            poor += engine.encode(pixels, [box])
            into.nearest.append((float(_nearest([face.encoding], none)[0]), file.name))
    into.nearest = sorted(into.nearest)[:5]
    return faces, poor


def _mistakes(known: Faces, dice: np.random.Generator, into: Measured) -> None:
    """Real faces that are said to be none: how many of other people's, and of the same person's, are held back then."""
    rows = as_matrix(known.encodings)
    others, own, kept = list[float](), list[float](), list[float]()
    for face in dice.choice(len(rows), min(_MISTAKES, len(rows)), replace=False).tolist():
        distances = rough_distances(rows[face : face + 1], rows, squares_of(rows))[0].astype(np.float64)
        is_same = known.person == known.person[face]
        others += distances[~is_same].tolist()
        further = [one for one in np.flatnonzero(is_same).tolist() if one != face]
        own += distances[further].tolist()
        if len(further) > _CONFIRMED:
            middle = rows[further[:_CONFIRMED]].mean(axis=0)
            for one in further[_CONFIRMED:]:
                is_nearer = float(np.linalg.norm(rows[one] - middle)) < distances[one]
                kept.append(np.inf if is_nearer else float(distances[one]))
    into.note("held back: others, after a mistake", others)
    into.note("asked, after a mistake: the same person's", own)
    into.note(f"not linked, after a mistake: the same person's, {_CONFIRMED} confirmed", kept)


def _nearest(faces: npt.ArrayLike, none: npt.NDArray[np.float32]) -> Distances:
    """Each face's distance to the nearest pattern."""
    rows = as_matrix(np.asarray(faces, np.float64).reshape(-1, none.shape[1]))
    return rough_distances(rows, none, squares_of(none)).min(axis=1).astype(np.float64)


def _from(pattern: Pattern, encodings: list[Encoding]) -> list[float]:
    return [float(np.linalg.norm(one - pattern.encoding)) for one in encodings]
