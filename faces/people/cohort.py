"""The cohort: averages of look-alikes to measure against how crowded it is around a face, and what holds for just them.

Two files come with the product, `data/cohort.npz` and `data/calibration.npz`; `script/cohort` makes one file of one's
own. Averages and calibration are read together or not at all.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faces.errors import ModelDamaged, SettingsError
from faces.people.calibration import Calibration
from faces.people.products import LONGEST_ENCODING, Matrix
from faces.photo.face import ENCODING_LENGTH

#: Nearest members of the cohort that a neighbourhood is the mean distance to. Of 2, 3, 5, 7 and 10, all near each other
#: with the shipped cohort alone, 7 and 10 were best beside a library's own groups.
NEAREST = 7

#: With the library's own groups in the cohort, the two nearest may be the very face and the very person.
SKIPPED = 2

#: The library's own groups that are taken, the largest first.
MOST_OWN = 2000

#: A shipped average of five people and more is nearer to every face than one person's group is: by so much.
OWN_NEARER = 0.03

#: Part of the second person's score that is taken off the first's.
MARGIN = 0.25

#: What the numbers of a calibration were measured with: a file made with other ones is of another version.
MADE_WITH: Mapping[str, float] = {
    "nearest": NEAREST,
    "skip_own": SKIPPED,
    "most_own": MOST_OWN,
    "own_nearer": OWN_NEARER,
    "margin": MARGIN,
}

#: Below so many the nearest few are no neighbourhood.
FEWEST_AVERAGES = 20

#: What numpy and zipfile raise of bytes that are no archive of arrays, or are damaged.
_UNREADABLE = (OSError, ValueError, EOFError, KeyError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error)

_SHIPPED = tuple(Path(__file__).with_name("data") / name for name in ("cohort.npz", "calibration.npz"))


@dataclass(frozen=True, eq=False)
class Cohort:
    """Averages of look-alikes with their calibration; never written, threads may share it."""

    averages: Matrix
    calibration: Calibration

    @cached_property
    def version(self) -> str:
        """Twelve characters that change with any number in it, for the ledger."""
        numbers = self.calibration
        words = f"{numbers.level!r} {numbers.weights!r} {numbers.intercept!r} {numbers.stranger!r}"
        return hashlib.sha256(self.averages.astype("<f4").tobytes() + words.encode()).hexdigest()[:12]


def read_cohort(file: Path | None = None) -> Cohort:
    """Read the shipped cohort, or one's own.

    Raises:
        SettingsError: the file of one's own cannot be read, or is no cohort; the sentence says what is wrong.
        ModelDamaged: the same of the files that come with the product.
    """
    try:
        return _checked(_arrays(*(_SHIPPED if file is None else (file,))))
    except _UNREADABLE as error:
        if file is not None:
            raise SettingsError(f"{file}: {error}; script/cohort makes such a file") from error
        raise ModelDamaged(f"{_SHIPPED[0].parent}: {error}; install the product's files anew") from error


def arrays_of(cohort: Cohort) -> dict[str, npt.NDArray[Any]]:
    """What a file of one's own holds: averages as float16, calibration, and the constants it was made with."""
    averages, numbers = cohort.averages.astype("<f2"), cohort.calibration
    return {
        "vectors": averages,
        "vectors_sha256": np.array(_fingerprint(averages)),
        "level": np.array(numbers.level),
        "coef": np.array(numbers.weights),
        "intercept": np.array(numbers.intercept),
        "stranger": np.array(numbers.stranger),
        **{name: np.array(value) for name, value in MADE_WITH.items()},
    }


def _arrays(*files: Path) -> dict[str, npt.NDArray[Any]]:
    found: dict[str, npt.NDArray[Any]] = {}
    for file in files:
        # Opened here: numpy leaves a file open that is no archive after all.
        with file.open("rb") as handle:
            archive = np.load(handle, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("found one array, needed an archive of several (.npz)")  # noqa: TRY004  a file's fault
            found |= {name: archive[name] for name in archive.files}
    return found


def _checked(arrays: Mapping[str, npt.NDArray[Any]]) -> Cohort:
    averages = _averages(arrays)
    for name, value in MADE_WITH.items():
        if (found := _numbers(arrays, name, 1)[0]) != value:
            raise ValueError(f"found {name} {found:g}, needed {value:g}: its calibration is of another version")
    weights = _numbers(arrays, "coef", 6)
    if weights[0] >= 0:
        raise ValueError(f"found coef {weights[0]:g} for the score, needed one below 0: nearer is likelier")
    stranger = _numbers(arrays, "stranger", 3)
    calibration = Calibration(
        level=_numbers(arrays, "level", 1)[0],
        weights=(weights[0], weights[1], weights[2], weights[3], weights[4], weights[5]),
        intercept=_numbers(arrays, "intercept", 1)[0],
        stranger=(stranger[0], stranger[1], stranger[2]),
    )
    return Cohort(averages, calibration)


def _averages(arrays: Mapping[str, npt.NDArray[Any]]) -> Matrix:
    stored = _array(arrays, "vectors")
    if stored.ndim != 2 or stored.shape[1] != ENCODING_LENGTH or len(stored) < FEWEST_AVERAGES:
        raise ValueError(
            f"found vectors of shape {stored.shape}, needed ({FEWEST_AVERAGES} or more, {ENCODING_LENGTH})"
        )
    with np.errstate(over="ignore"):
        averages = np.ascontiguousarray(stored, np.float32)
    if not np.isfinite(averages).all() or np.abs(averages).max() > LONGEST_ENCODING:
        raise ValueError(
            f"found vectors that are no averages of encodings, needed numbers within ±{LONGEST_ENCODING:g}"
        )
    told = str(_array(arrays, "vectors_sha256", "U"))
    if told != _fingerprint(stored):
        raise ValueError("found a calibration of other vectors, needed the one that was measured with these")
    averages.flags.writeable = False
    return averages


def _fingerprint(averages: npt.NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(averages, "<f2").tobytes()).hexdigest()


def _array(arrays: Mapping[str, npt.NDArray[Any]], name: str, kinds: str = "fiu") -> npt.NDArray[Any]:
    if name not in arrays:
        raise ValueError(
            f"found no {name}, needed a file with the averages and one with their calibration, or both in one"
        )
    if arrays[name].dtype.kind not in kinds:
        raise ValueError(f"found {name} of type {arrays[name].dtype}, needed {'text' if kinds == 'U' else 'numbers'}")
    return arrays[name]


def _numbers(arrays: Mapping[str, npt.NDArray[Any]], name: str, count: int) -> list[float]:
    found = _array(arrays, name)
    if found.size != count or not np.isfinite(found).all():
        raise ValueError(f"found {name} {found.ravel()[:8].tolist()}, needed {count} finite numbers")
    return [float(number) for number in found.ravel()]
