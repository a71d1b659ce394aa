"""What `worker evaluate` costs in a large library: a file of our own with made people and their confirmed faces."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.library.evaluating.own_library import evaluate
from faces.library.library import Library
from faces.people.cohort import MOST_OWN, Cohort, read_cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.groups.alarm import USUAL
from faces.people.kept_face import FaceState
from faces.store.database import Store, Transaction
from script.benches.large_library import made_faces
from tests.servers.library_rows import tables_at

#: People, and confirmed faces of each, each on a photo of its own.
PEOPLE, FACES = 4000, 50

#: Seconds of CPU that it may take.
MOST_SECONDS = 60.0

#: How far a face is from its person's middle, on the mean.
_SPREAD = 0.3


def measure_cost() -> dict[str, float]:
    """CPU seconds, and megabytes of memory at the peak beyond those with which it began."""
    with TemporaryDirectory(prefix="bench-evaluate-") as folder:
        url = f"sqlite:///{Path(folder) / 'faces.db'}"
        Store.open(url, create=True).close()
        cohort = read_cohort()
        with closing(Store.open(url)) as store:
            store.write(lambda transaction: _fill(transaction, cohort, url))
            library = Library(cohort)
            with store.reading() as transaction:
                library.follow(transaction)
            before, start = _megabytes(), time.process_time()
            evaluate(store, library, "bench", "bench")
            return {"CPU seconds": time.process_time() - start, "megabytes more": _megabytes() - before}


def _fill(transaction: Transaction, cohort: Cohort, url: str) -> None:
    tables, dice = tables_at(url), np.random.default_rng(1)
    middles, own = made_faces(cohort, PEOPLE), made_faces(cohort, MOST_OWN)
    for person, middle in enumerate(middles, 1):
        rows = (middle + dice.normal(0, _SPREAD / np.sqrt(len(middle)), (FACES, len(middle)))).astype(np.float32)
        for table, values in _rows(person, rows):
            transaction.connection.execute(sa.insert(getattr(tables, table)), values)
    values = {"change": 1, "number": 1, "cohort": cohort.version, "own_middles": own.astype("<f4").tobytes()}
    values |= {"alarm_faces": PEOPLE, "alarm_steps": int(USUAL * 2**30) * PEOPLE, "joined_at_faces": PEOPLE}
    transaction.connection.execute(sa.update(tables.library).values(**values))


def _rows(person: int, rows: np.ndarray) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What our tables have of a person."""
    first = (person - 1) * FACES + 1
    faces = list(zip(range(first, first + FACES), rows, strict=True))
    yield (
        "vectors",
        [{"face_id": face, "encoding_crc": face, "encoding": row.astype("<f4").tobytes()} for face, row in faces],
    )
    indexed = {"person_id": person, "state": int(FaceState.CONFIRMED)}
    yield "face_index", [{"face_id": face, "image_id": face, **indexed} for face, _ in faces]
    total = EncodingSum.of(rows.astype(np.float64)).to_bytes()
    kept = {"id": person, "name": f"Person {person}", "k": FACES, "confirmed": FACES, "sum": total, "change": 1}
    yield "people", [kept]


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
