"""A library on a real database whose photos come one after the other, and are settled when a test says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from faces.library.arrivals import Arrivals
from faces.library.calibrated import Calibrated
from faces.library.groups.settling import Settling
from faces.library.library import Library
from faces.library.shared_rows import SharedRows
from faces.people.refs import Ref
from faces.store.database import Store
from faces.store.sidecar import library_row, never_rows
from faces.store.sidecar.tables import PREFIX
from faces.store.who import identities_of
from tests.servers.library_verdict import wrong
from tests.servers.rows import Rows
from tests.unit.faces.people.made_people import made_cohort, made_people

COHORT = made_cohort()

_TABLES = (
    *("groups", "group_members", "face_index", "people", "ledger", "ledger_faces", "library", "never"),
    *("calibration", "answers", "ledger_refs", "vectors"),
)


class Album:
    """A library whose photos come one after the other."""

    def __init__(self, store: Store, rows: Rows, shared: SharedRows | None = None) -> None:
        self.store, self.rows = store, rows
        self.library = Library(COHORT, shared)
        self.arrivals = Arrivals(store, self.library)
        self.settling = Settling(store, self.library, links=True)

    @classmethod
    def sharing(cls, store: Store, rows: Rows, folder: Path) -> Album:
        """As a process that shares with its machine's others what is measured; it has followed."""
        album = cls(store, rows, SharedRows(folder, store.name))
        album.follow()
        return album

    def links(self, *, calibrated: bool) -> None:
        """What FACE_MATCH says."""
        self.settling = Settling(self.store, self.library, links=calibrated)

    def calibrated(self) -> Calibrated:
        """How faces are linked with FACE_MATCH=calibrated."""
        return Calibrated(self.library, identities_of(self.store.schema))

    def photo(self, *people: np.ndarray, follow: bool = True, **values: object) -> list[int]:
        """A photo with these faces comes; its faces' ids. Without `follow` each begins a group of its own."""
        image = self.rows.image()
        faces = [self.rows.face(image, person, face_index=place, **values) for place, person in enumerate(people)]
        arrivals = self.arrivals if follow else Arrivals(self.store, _Blind(COHORT))
        arrivals.update_images([image])
        self.follow()
        return faces

    def master(self, person: np.ndarray, name: str) -> int:
        """A photo of a person with a name; the face's id."""
        (face,) = self.photo(person, status="ok", name=name)
        return face

    def name(self, face: int, name: str) -> None:
        """A person says who a face is."""
        self.rows.run(
            "UPDATE faces SET name = :name, status = 'ok', parent_id = NULL WHERE id = :id", name=name, id=face
        )
        image = self.rows.one("SELECT image_id FROM faces WHERE id = :id", id=face)["image_id"]
        self.arrivals.update_images([image])

    def say(self, face: int, status: str) -> None:
        """A person says something else of a face."""
        self.rows.run("UPDATE faces SET status = :status WHERE id = :id", status=status, id=face)
        self.arrivals.update_images([self.rows.one("SELECT image_id FROM faces WHERE id = :id", id=face)["image_id"]])
        self.follow()

    def refuse(self, one: Ref, other: Ref) -> None:
        """A person says that these are not one."""

        def write(transaction: Any) -> None:
            never_rows.add(transaction, one, other)
            library_row.next_change(transaction, refusals=True)

        self.store.write(write)

    def make_due(self) -> None:
        """As many further faces come as groups wait for, of other people each."""
        for person in made_people(24, seed=77):
            self.photo(person)

    def follow(self) -> None:
        """Take in what was committed."""
        self.arrivals.follow()

    def read(self, query: str, **values: object) -> list[dict[str, Any]]:
        """What the tables say; `{groups}` is one of ours."""
        return self.rows.read(self._sql(query), **values)

    def run(self, statement: str) -> None:
        """Change a table of ours."""
        self.rows.run(self._sql(statement))

    def face_rows(self, faces: list[int]) -> list[dict[str, Any]]:
        """The rows of faces."""
        return [self.rows.one("SELECT * FROM faces WHERE id = :id", id=face) for face in faces]

    def members(self) -> dict[int, list[int]]:
        """The groups that there are, with their faces."""
        found: dict[int, list[int]] = {}
        for row in self.read("SELECT group_id, face_id FROM {group_members} ORDER BY face_id"):
            found.setdefault(row["group_id"], []).append(row["face_id"])
        return found

    def groups(self) -> set[tuple[int, ...]]:
        """The faces of each group."""
        return {tuple(faces) for faces in self.members().values()}

    def wrong(self) -> list[str]:
        """What is not as it must be."""
        return wrong(self.store, COHORT)

    def _sql(self, text: str) -> str:
        prefix = "" if self.store.is_file else PREFIX
        return text.format(**{name: f"`{prefix}{name}`" for name in _TABLES})


class _Blind(Library):
    """Knows no group that a face could join."""

    def nearest_groups(self, encodings: np.ndarray) -> list[None]:  # type: ignore[override]
        return [None] * len(encodings)
