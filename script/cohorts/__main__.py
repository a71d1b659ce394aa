"""Make a cohort of one's own, with its calibration: see script/cohort."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faces.people.cohort import arrays_of, read_cohort
from faces.system import atomic_file
from script.cohorts.fitting import make_cohort
from script.cohorts.people_file import Faces, read_people

#: People that a cohort needs: fewer make averages of people who are not alike.
FEWEST_PEOPLE = 2000

#: Of these, people with two faces and more: they are enrolled in the libraries that calibrate.
FEWEST_WITH_TWO = 500


def main() -> int:
    """Read, make, write, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/cohort", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".npz with E and person")
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="another number draws other faces (default: 1)"
    )
    told = parser.parse_args()
    faces = _together([read_people(file) for file in told.files])
    _refuse_too_few(faces)
    cohort = make_cohort(faces, told.seed, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    data = io.BytesIO()
    np.savez(data, **arrays_of(cohort))  # type: ignore[arg-type]  arrays by name
    try:
        atomic_file.replace(told.out, data.getvalue())
    except OSError as error:
        raise SystemExit(f"{told.out}: {error.strerror}") from error
    print(f"{told.out}: version {read_cohort(told.out).version}, {cohort.calibration}")  # noqa: T201  the answer
    return 0


def _together(parts: Sequence[Faces]) -> Faces:
    """All files' people, numbered anew."""
    persons, first = [], 0
    for part in parts:
        persons.append(np.searchsorted(part.people, part.person) + first)
        first += len(part.people)
    return Faces(np.concatenate([part.encodings for part in parts]), np.concatenate(persons))


def _refuse_too_few(faces: Faces) -> None:
    with_two = sum(len(rows) > 1 for rows in faces.rows_of().values())
    if len(faces.people) < FEWEST_PEOPLE or with_two < FEWEST_WITH_TWO:
        raise SystemExit(
            f"found {len(faces.people)} people, {with_two} with two faces and more; "
            f"needed {FEWEST_PEOPLE} people, {FEWEST_WITH_TWO} with two"
        )


if __name__ == "__main__":
    sys.exit(main())
