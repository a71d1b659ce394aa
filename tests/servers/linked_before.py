"""A library as the threshold 0.6 has linked it: right children of a few masters, doubtful ones, and a confirmed one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faces.library.arrivals import Arrivals
from faces.library.library import Library
from faces.library.old_library import OldLibrary
from faces.people.cohort import Cohort
from faces.store.database import Store
from faces.store.sidecar.tables import PREFIX
from tests.servers.rows import Rows
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

_MADE = made_cohort()

#: As a file keeps it.
COHORT = Cohort(_MADE.averages.astype(np.float16).astype(np.float32), _MADE.calibration)
PEOPLE = made_people(40)


def between(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """A face that is neither's: so far from one to the other."""
    return one + share * (other - one)


@dataclass
class Old:
    """Its faces, and its database."""

    store: Store
    rows: Rows
    masters: list[int]
    right: list[int]
    doubtful: list[int]
    confirmed: int

    @property
    def arrivals(self) -> Arrivals:
        return Arrivals(self.store, Library(COHORT))

    def row(self, face: int) -> dict[str, object]:
        return self.rows.one("SELECT * FROM faces WHERE id = :id", id=face)

    def table(self, name: str) -> str:
        return name if self.store.schema.ours else PREFIX + name

    def ledger(self, kind: str) -> list[dict[str, object]]:
        return self.rows.read(f"SELECT * FROM {self.table('ledger')} WHERE kind = :kind ORDER BY id", kind=kind)

    def take_back(self) -> tuple[OldLibrary, int]:
        old = OldLibrary(self.arrivals)
        return old, sum(old.take_back(batch.doubtful) for batch in old.batches())

    def doubted(self) -> list[int]:
        return [one.link.face_id for batch in OldLibrary(self.arrivals).batches() for one in batch.doubtful]


def named(store: Store, name: str) -> dict[str, str]:
    return {"name": name} if "name" in store.schema.face_columns else {}


def made_old(store: Store, rows: Rows) -> Old:
    """Rows in an empty database, and our tables after them."""
    masters = [rows.master(person, **named(store, f"Person {number}")) for number, person in enumerate(PEOPLE[:12])]

    def child(encoding: np.ndarray, master: int, **values: object) -> int:
        number = masters.index(master)
        linked = {"parent_id": master, "status": "process", **named(store, f"Person {number}")}
        return rows.face(rows.image(faces_checked=1), encoding, **linked | values)

    right = [child(photos_of(PEOPLE[number], 1, seed=number)[0], masters[number]) for number in range(6)]
    doubtful = [child(between(PEOPLE[number], PEOPLE[20 + number], 0.8), masters[number]) for number in range(6)]
    confirmed = child(between(PEOPLE[3], PEOPLE[30], 0.8), masters[3], status="ok")
    found = Old(store, rows, masters, right, doubtful, confirmed)
    images = [row["id"] for row in rows.read("SELECT id FROM images ORDER BY id")]
    found.arrivals.update_images(images)
    return found
