"""The app at work on its rows behind our back, as people's clicks and its own workers change them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np

from faces.library.arrivals import Arrivals
from faces.library.groups.settling import Settling
from faces.library.library import Library
from faces.library.upkeep.outside_changes import OutsideChanges
from faces.people.cohort import Cohort
from faces.store import faces as face_rows
from faces.store import images
from faces.store.database import Store, Transaction
from faces.store.sidecar.upgrades import NEWEST
from tests.servers.rows import Rows
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

COHORT: Cohort = made_cohort()

#: So many people, each with so many photos.
PEOPLE, PHOTOS = 4, 12
ENCODINGS = np.concatenate(
    [photos_of(person, PHOTOS, seed) for seed, person in enumerate(made_people(PEOPLE, seed=3))]
)  # fmt: skip
NAMES = ("Anna", "anna", "Berta", "Cäcilie")


class Clock:
    """A second goes by with every so many looks at it: looks stop in the middle."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@dataclass(slots=True)
class Process:
    """One of our processes: what it keeps in memory."""

    arrivals: Arrivals
    changes: OutsideChanges
    settling: Settling
    clock: Clock

    @classmethod
    def start(cls, store: Store) -> Process:
        arrivals, clock = Arrivals(store, Library(COHORT)), Clock()
        settling = Settling(store, arrivals.library, links=True)
        return cls(arrivals, OutsideChanges(arrivals, clock), settling, clock)


class ChangingApp:
    """Changes rows as the app does. Faces and images are chosen by any number, of those that there are."""

    def __init__(self, url: str, store: Store) -> None:
        self.rows, self.store = Rows(url), store
        self.columns = store.schema.face_columns
        self.has_persons = store.schema.has_persons

    def close(self) -> None:
        self.rows.close()

    def empty(self) -> None:
        """As it was when it was made."""
        tables = self.store.schema.sidecar
        assert tables is not None
        for name in ("faces", "images", *(["persons"] if self.keeps_persons else []), *sorted(tables.metadata.tables)):
            if name != tables.library.name:
                self.rows.run(f"DELETE FROM {name}")
        self.rows.run(f"DELETE FROM {tables.library.name}")
        library = tables.library.name
        self.rows.run(f"INSERT INTO {library} (id, version, match_rule) VALUES (1, {NEWEST}, 'nearest')")

    # --- new photos ---

    def image(self, taken: int = 0) -> int:
        day = f"2020-01-{taken % 28 + 1:02} 00:00:00"
        return self.rows.image(filename=f"{taken}.jpg", faces_checked=1, created_at_file=day, created_at=_now())

    def new_photo(self, *which: int, linked_to: int | None = None, timed: bool = True) -> int:
        """A photo that a PHP worker found faces in."""
        image = self.image(which[0])
        for place, one in enumerate(dict.fromkeys(number % len(ENCODINGS) for number in which)):
            link = self._link(linked_to) if linked_to is not None and not place else {}
            self.rows.face(
                image, ENCODINGS[one], face_index=place, updated_at=_now() if timed else None, **self._rest(one), **link
            )
        return image

    def our_job(self, process: Process, *which: int, linked_to: int | None = None) -> int:
        """A photo whose faces one of our workers writes."""
        image = self.image(which[0])
        process.arrivals.follow()

        def work(transaction: Transaction) -> set[int]:
            images.lock(transaction, image)
            for place, one in enumerate(dict.fromkeys(number % len(ENCODINGS) for number in which)):
                link = self._link(linked_to) if linked_to is not None and not place else {}
                values = {"face_index": place, "encoding": face_rows.write_encoding(ENCODINGS[one]), **link}
                face_rows.insert(transaction, image, values | self._rest(one))
            return process.arrivals.bring_up_to_date(transaction, image)

        process.arrivals.update_images(process.arrivals.write(work))
        return image

    def _rest(self, one: int) -> dict[str, Any]:
        return {"quality_score": float(one)} if "quality_score" in self.columns else {}

    def _link(self, number: int) -> dict[str, Any]:
        if self.has_persons:
            person = self.person_id(number)
            return {} if person is None else {"person_id": person, "status": "suggested"}
        masters = self.rows.read("SELECT id FROM faces WHERE status = 'ok' AND deleted_at IS NULL ORDER BY id")
        return {"parent_id": masters[number % len(masters)]["id"]} if masters else {}

    def metadata(self, number: int, day: int) -> None:
        """The app's other job writes what it has read in a photo's file."""
        waiting = self.rows.read("SELECT id FROM images WHERE metadata IS NULL ORDER BY id")
        if waiting and not self.store.schema.ours:
            text = json.dumps({"EXIF": {"DateTimeOriginal": f"2021:02:{day % 28 + 1:02} 00:00:00"}})
            self.rows.run(
                "UPDATE images SET metadata = :text WHERE id = :id",
                **{"text": text if day % 5 else "[]", "id": waiting[number % len(waiting)]["id"]},
            )

    # --- clicks ---

    def name(self, number: int, name: int) -> None:
        """Say who a face is; where rows have names, the untouched relatives get it, too."""
        if (face := self.face(number)) is None:
            return
        if self.has_persons:
            self._update(face, person_id=self.person_id(name), status="ok")
        elif "name" not in self.columns:
            self._update(face, status="ok", person_id=self.person_id(name))
        else:
            self._update(face, name=NAMES[name % len(NAMES)], status="ok")
            parent = self.rows.one("SELECT parent_id FROM faces WHERE id = :id", id=face)["parent_id"] or face
            self.rows.run(
                "UPDATE faces SET name = :name, updated_at = :now WHERE parent_id IN (:a, :b) AND status = 'process'"
                " AND deleted_at IS NULL",
                **{"name": NAMES[name % len(NAMES)], "now": _now(), "a": face, "b": parent},
            )

    def say(self, number: int, status: str) -> None:
        """It is nobody known, no face, or open again; `ok` alone says that somebody is meant, not who."""
        if (face := self.face(number)) is not None:
            named = {"name": None} if "name" in self.columns else {}
            self._update(face, status=status, **named, **({"person_id": None} if "person_id" in self.columns else {}))

    def remove(self, number: int) -> None:
        if (face := self.face(number)) is not None:
            self._update(face, deleted_at=_now())

    def restore(self, number: int) -> None:
        gone = self.rows.read("SELECT id FROM faces WHERE deleted_at IS NOT NULL ORDER BY id")
        if gone:
            self._update(gone[number % len(gone)]["id"], deleted_at=None)

    def force_delete(self, number: int) -> None:
        if (face := self.face(number)) is not None:
            self.rows.run("DELETE FROM faces WHERE id = :id", id=face)

    def force_delete_image(self, number: int) -> None:
        found = self.rows.read("SELECT id FROM images ORDER BY id")
        if found:
            image = found[number % len(found)]["id"]
            self.rows.run("DELETE FROM faces WHERE image_id = :id", id=image)
            self.rows.run("DELETE FROM images WHERE id = :id", id=image)

    def move_parent(self, number: int, other: int) -> None:
        """Hang a face on another one, or on none."""
        face, parent = self.face(number), self.face(other)
        if face is not None and "parent_id" in self.columns:
            self._update(face, parent_id=None if parent == face else parent)

    def new_encoding(self, number: int, which: int) -> None:
        """Found anew, or lost."""
        if (face := self.face(number)) is not None:
            one = ENCODINGS[which % len(ENCODINGS)]
            self._update(face, encoding="[1, 2]" if which % 7 == 0 else json.dumps(one.tolist()))

    def reference(self, number: int) -> None:
        if (face := self.face(number)) is not None and "is_reference" in self.columns:
            self._update(face, is_reference=1)

    # --- persons ---

    def new_person(self, name: int, which: int) -> None:
        if self.keeps_persons:
            text, count = self._centroid(which)
            self.rows.run(
                "INSERT INTO persons (name, centroid_embedding, embeddings_count) VALUES (:name, :text, :count)",
                **{"name": NAMES[name % len(NAMES)], "text": text, "count": count},
            )

    def change_person(self, number: int, name: int, which: int) -> None:
        person = self.person_id(number)
        if person is not None:
            text, count = self._centroid(which)
            self.rows.run(
                "UPDATE persons SET name = :name, centroid_embedding = :text, embeddings_count = :count WHERE id = :id",
                **{"name": NAMES[name % len(NAMES)], "text": text, "count": count, "id": person},
            )

    def remove_person(self, number: int) -> None:
        """With the links to it, as from v4 on, where the key forbids another way."""
        person = self.person_id(number)
        if person is not None:
            self.rows.run("DELETE FROM faces WHERE person_id = :id", id=person)
            self.rows.run("DELETE FROM persons WHERE id = :id", id=person)

    def _centroid(self, which: int) -> tuple[str | None, int]:
        if which % 5 == 0:
            return None, 0
        return json.dumps(ENCODINGS[which % len(ENCODINGS)].tolist()), which % 5

    @property
    def keeps_persons(self) -> bool:
        return "persons" in self.store.schema.tables

    def person_id(self, number: int) -> int | None:
        found = self.rows.read("SELECT id FROM persons ORDER BY id") if self.keeps_persons else []
        return found[number % len(found)]["id"] if found else None

    # --- ---

    def face(self, number: int) -> int | None:
        found = self.rows.read("SELECT id FROM faces WHERE deleted_at IS NULL ORDER BY id")
        return found[number % len(found)]["id"] if found else None

    def half_a_minute_later(self) -> None:
        """As far as looks are concerned."""
        table = self.store.schema.sidecar.library.name if self.store.schema.sidecar else ""
        self.rows.run(f"UPDATE {table} SET looked_at = NULL")

    def _update(self, face: int, **values: Any) -> None:
        columns = ", ".join(f"{name} = :{name}" for name in values)
        self.rows.run(f"UPDATE faces SET {columns}, updated_at = :now WHERE id = :id", **values, now=_now(), id=face)


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
