"""Libraries of made people and groups on MariaDB, as large as wanted: photos, faces, and our tables of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.people import names
from faces.people.cohort import MOST_OWN, Cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.kept_face import FaceState
from faces.people.neighbourhood import Neighbourhood
from faces.store.database import Store, Transaction
from faces.store.schema import faces, images
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.tables import PREFIX, SidecarTables, sidecar_tables
from tests.servers.app_schema import ALL
from tests.servers.mariadb import MariaDB
from tests.servers.sidecar import create_tables

#: Rows of a statement.
_ROWS = 1000

#: Two people are so far apart on the mean, as real ones are.
_APART = 0.85


def new_library(mariadb: MariaDB, cohort: Cohort, count: int) -> str:
    """The URL of a library of so many people with a name and a face each, and as many groups without one."""
    url = mariadb.new_database(*ALL)
    create_tables(url)
    tables = sidecar_tables(PREFIX)
    fill_library(url, tables, cohort, people=count, groups=count)
    return url


def fill_library(url: str, tables: SidecarTables, cohort: Cohort, *, people: int, groups: int) -> np.ndarray:
    """Put so many people and groups of a face each into a database that is empty; the groups' faces."""
    made = made_faces(cohort, people + groups)
    own = made[people : people + MOST_OWN].astype(np.float32)
    around = Neighbourhood(cohort, own)
    with closing(Store.open(url)) as store:
        for start in range(0, len(made), _ROWS):
            part = range(start, min(start + _ROWS, len(made)))
            store.write(partial(_fill, tables=tables, part=part, made=made[part.start :], around=around, count=people))
        store.write(partial(_tell, tables=tables, cohort=cohort, own=own, count=groups))
    return made[people:]


def made_faces(cohort: Cohort, count: int) -> np.ndarray:
    """Faces that scatter as the cohort's averages do, only wider."""
    dice = np.random.default_rng(count)
    middle, spread = cohort.averages.mean(axis=0), np.cov(cohort.averages.T)
    made = dice.multivariate_normal(np.zeros(len(middle)), spread, count)
    apart = np.linalg.norm(made[: count // 2] - made[count // 2 : 2 * (count // 2)], axis=1).mean()
    found: np.ndarray = middle + made * (_APART / apart)
    return found


def _fill(
    transaction: Transaction, tables: SidecarTables, part: range, made: np.ndarray, around: Neighbourhood, count: int
) -> None:
    """Faces with numbers below `count` are people's, the others groups'; a face's number is its id less one."""
    rows: dict[sa.Table, list[dict[str, Any]]] = {}
    texts = [json.dumps(one.tolist()) for one in made[: len(part)]]
    known = [one for text in texts if (one := KnownEncoding.of(text)) is not None]
    crowded = around.around(np.stack([one.numbers for one in known])).tolist()
    for number, text, one, how_crowded in zip(part, texts, known, crowded, strict=True):
        for table, row in _rows(tables, number, text, one, how_crowded, count):
            rows.setdefault(table, []).append(row)
    for table, values in rows.items():
        transaction.connection.execute(sa.insert(table), values)


def _rows(
    tables: SidecarTables, number: int, text: str, known: KnownEncoding, around: float, count: int
) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
    face, is_person = number + 1, number < count
    key = face if is_person else face - count
    total = EncodingSum.of(known.numbers[None])
    kept = {"id": key, "sum": total.to_bytes(), "around": around, "cohort_number": 1, "change": 1}
    name = f"Person {key}"
    yield images, {"id": face, "disk": "photos", "path": "made", "filename": f"{face}.jpg", "faces_checked": 1}
    row = {"id": face, "image_id": face, "face_index": 0, "encoding": text, "quality_score": 60.0}
    yield faces, row | {"status": "ok" if is_person else "process", "name": name if is_person else None}
    vector = {"face_id": face, "encoding_crc": known.crc, "encoding": known.numbers.astype("<f4").tobytes()}
    yield tables.vectors, vector
    yield tables.photos, {"image_id": face}
    indexed = {"face_id": face, "image_id": face, "quality": 60.0}
    if is_person:
        yield (
            tables.people,
            kept | {"name": name, "name_key": names.key(name), "master_face_id": face, "k": 1, "confirmed": 1},
        )
        yield tables.face_index, indexed | {"person_id": key, "group_id": None, "state": int(FaceState.CONFIRMED)}
    else:
        yield tables.groups, kept | {"size": 1}
        yield tables.group_members, {"face_id": face, "group_id": key, "image_id": face}
        yield tables.face_index, indexed | {"person_id": None, "group_id": key, "state": int(FaceState.UNKNOWN)}


def _tell(transaction: Transaction, tables: SidecarTables, cohort: Cohort, own: np.ndarray, count: int) -> None:
    values = {"change": 1, "number": 1, "cohort": cohort.version, "own_middles": own.astype("<f4").tobytes()}
    values |= {"alarm_faces": count, "alarm_steps": int(0.5532 * 2**30) * count, "joined_at_faces": count}
    transaction.connection.execute(sa.update(tables.library).values(**values))
