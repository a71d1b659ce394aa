"""The soak of a library behind the queue: real workers do an app's jobs, group and link the faces, and are killed.

Meanwhile people name faces in the app. In the end every photo has its rows once, groups are whole, what is derived is
as made anew, and what was linked by itself is told once.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from faces.library.arrivals import Arrivals
from faces.library.library import Library
from faces.library.upkeep.outside_changes import OutsideChanges
from faces.store.database import Store
from faces.store.sidecar.tables import PREFIX
from tests.chaos.killed_workers import Kill, KilledWorkers
from tests.servers.app_schema import V1, V2, V4, V5
from tests.servers.arriving import Photos
from tests.servers.library_verdict import wrong
from tests.servers.machine_links import untold
from tests.servers.made_album import enrol_people, forbid_writing_persons, made_album, name_people
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.photo_app import NOTHING_LEFT, PhotoApp
from tests.servers.rabbitmq import RabbitMQ, running_rabbitmq
from tests.servers.scripted_api import ScriptedApi, finds, running_scripted_api
from tests.servers.sidecar import create_tables
from tests.servers.waiting import wait_for
from tests.unit.faces.people.made_people import made_people

VERSIONS = {"v1": V1, "v2": V2, "v4": V4, "v5": V5}

#: Versions in which faces are linked to the app's persons.
_WITH_PERSONS = ("v4", "v5")

#: What lies on the disk: the scripted API looks at names only.
_PHOTO = b"no photo"

#: Seconds that the API takes for a photo at most, and that pass at most between a moment that is waited for and a kill.
_SECONDS, _LATER = 0.03, 0.06

#: Seconds in which all jobs must be done after the last kill.
_PATIENCE = 120

#: The part of the people who are enrolled, one of so many; and of the photos that are queued twice.
_NAMED, _TWICE = 3, 6


@dataclass(frozen=True)
class QueuedTold:
    """How it is to be; the same seed brings the same photos and the same order of kills."""

    seed: int
    photos: int
    kills: int
    workers: int
    version: str
    """Of the app: one of `VERSIONS`."""


@dataclass
class Soaked:
    """What became of it."""

    wrong: list[str] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    seconds: float = 0.0
    linked: int = 0
    """Faces that were linked or suggested by themselves."""

    def __str__(self) -> str:
        working, settling = (sum(getattr(one, name) for one in self.kills) for name in ("working", "settling"))
        return (
            f"{len(self.kills)} kills, {working} with a job in hand, {settling} while groups were settled, "
            f"{self.linked} faces linked, {self.seconds:.0f} s: {len(self.wrong)} things are wrong"
        )


def soak(told: QueuedTold, say: Callable[[str], None]) -> list[str]:
    """Do it with servers of its own; says a summary, and returns what is wrong."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        servers = stack.enter_context(running_mariadb()), stack.enter_context(running_rabbitmq())
        soaked = kill_workers(told, *servers, folder)
        say(f"seed {told.seed}, {told.version}: {told.photos} photos by {told.workers} workers, {soaked}")
        return soaked.wrong


def kill_workers(told: QueuedTold, mariadb: MariaDB, rabbitmq: RabbitMQ, folder: Path) -> Soaked:
    """Do it with these servers, in this folder."""
    start, dice = time.monotonic(), random.Random(told.seed)  # noqa: S311  the same again is what it is for
    with ExitStack() as stack:
        api = stack.enter_context(running_scripted_api())
        app = PhotoApp(mariadb, rabbitmq, folder / "app", api.url, schema=VERSIONS[told.version])
        stack.callback(app.end)
        create_tables(app.url)
        workers = KilledWorkers(app)
        store = stack.enter_context(closing(Store.open(app.url)))
        queued = _QueuedLibrary(told, app, Arrivals(store, Library(workers.cohort)), dice)
        queued.enrol()
        photos = queued.push(api)
        stack.callback(workers.end)
        workers.start(told.workers)
        try:
            soaked = Soaked(kills=queued.kill(workers, photos))
            wait_for(lambda: queued.is_over(photos), _PATIENCE, "the end of all jobs", pause=0.1)
        except AssertionError as error:
            return Soaked([str(error), workers.log()[-5000:]])
        soaked.wrong += [f"a worker left with {code}" for code in workers.end() if code]
        soaked.wrong += queued.wrong(workers, photos)
        query = f"SELECT count(DISTINCT face_id) AS n FROM {PREFIX}ledger_faces JOIN {PREFIX}ledger ON id = entry"
        soaked.linked = app.rows.one(f"{query} WHERE kind = 'linked'")["n"]
        soaked.seconds = time.monotonic() - start
        if soaked.wrong:
            soaked.wrong.append(f"the end of the workers' log:\n{workers.log()[-5000:]}")
        return soaked


class _QueuedLibrary:
    """An app whose photos show made people, and what is done to it."""

    def __init__(self, told: QueuedTold, app: PhotoApp, arrivals: Arrivals, dice: random.Random) -> None:
        self._told, self._app, self._arrivals, self._dice = told, app, arrivals, dice
        self._people = made_people(max(told.photos // 10, 6), told.seed)
        self._has_persons = told.version in _WITH_PERSONS
        self._named: set[int] = set()
        """Images with a face that somebody has named."""

    def enrol(self) -> None:
        """Let the app know some of the people; from now on its persons can only be read."""
        enrol = enrol_people if self._has_persons else name_people
        enrol(self._app.rows, len(self._people), len(self._people) // _NAMED, self._told.seed)
        OutsideChanges(self._arrivals).look()
        if self._has_persons:
            forbid_writing_persons(self._app.rows)

    def push(self, api: ScriptedApi) -> Photos:
        """Queue all photos, some of them twice, as `images:reprocess` does."""
        faces = {}
        for found in made_album(self._told.photos, len(self._people), self._told.seed):
            image = self._app.image(_PHOTO)
            faces[image] = found
            name = self._app.rows.one("SELECT filename FROM images WHERE id = :id", id=image)["filename"]
            answer = finds(*found, debug_image_path=f"/photos/2020/debug/{name}")
            api.answer(name, replace(answer, seconds=self._dice.uniform(0, _SECONDS)))
            self._app.push(image)
            if self._dice.randrange(_TWICE) == 0:
                self._app.push(image, dedup=False)
        return Photos(self._app.url, self._app.disk, faces)

    def kill(self, workers: KilledWorkers, photos: Photos) -> list[Kill]:
        """Kill one or all while jobs are done, every second time all while groups settle; name a face each time."""
        kills: list[Kill] = []
        moments = self._told.kills
        for moment in range(1, moments + 1):
            part, next_part = (len(photos.faces) * one // (moments + 1) for one in (moment, moment + 1))
            self._wait_for(workers, lambda part=part: self._done(photos) >= part)  # type: ignore[misc]

            settling = moment % 2 == 0

            def is_busy(most: int = next_part, settling: bool = settling) -> object:
                busy = workers.is_settling() if settling else workers.at_jobs()
                return busy or self._done(photos) >= most

            self._wait_for(workers, is_busy)
            victims = list(range(self._told.workers))
            if not settling:
                victims = self._dice.choice(([self._dice.choice(workers.at_jobs() or victims)], victims))
                time.sleep(self._dice.uniform(0, _LATER))
            kills += workers.kill(victims)
            self._name_a_face(list(photos.faces))
        return kills

    def _wait_for(self, workers: KilledWorkers, condition: Callable[[], object]) -> None:
        def holds() -> object:
            assert workers.ended() == [], "a worker left by itself"
            return condition()

        wait_for(holds, _PATIENCE)

    def is_over(self, photos: Photos) -> bool:
        """Whether all jobs have ended, and nothing is left of them."""
        if self._done(photos) < len(photos.faces) or self._app.leftovers() != NOTHING_LEFT:
            return False
        lines = self._app.rabbitmq.control("list_queues", "--no-table-headers", "name", "messages").splitlines()
        numbers = {name: int(number) for name, _, number in (line.rpartition("\t") for line in lines)}
        return not any(number for name, number in numbers.items() if name.startswith(self._app.queue))

    def wrong(self, workers: KilledWorkers, photos: Photos) -> list[str]:
        """All that is not as it must be, before groups are settled once more and after."""
        store, cohort = self._arrivals.store, workers.cohort
        found = [f"a job failed: {row['exception'].splitlines()[0]}" for row in self._app.failed()]
        written, expected = photos.written(), photos.expected()
        found += [
            f"image {image} has other faces than its photo" for image in expected if written[image] != expected[image]
        ]
        # As the next look at what the app changed does it.
        self._arrivals.update_images(self._named)
        found += [*wrong(store, cohort), *untold(store), *_differing(workers)]
        code, said = workers.verb("group")
        found += [f"group left with {code}: {said}"] if code else []
        return [*found, *wrong(store, cohort), *untold(store), *_differing(workers)]

    def _done(self, photos: Photos) -> int:
        waiting = self._app.rows.one("SELECT count(*) AS n FROM images WHERE NOT faces_checked")["n"]
        return len(photos.faces) - int(waiting)

    def _name_a_face(self, images: list[int]) -> None:
        """Somebody says who it is, or that it is nobody whom the app knows."""
        rows = self._app.rows
        there = [face for face in rows.read("SELECT id, image_id, encoding FROM faces") if face["image_id"] in images]
        if not there:
            return
        face = self._dice.choice(there)
        apart = np.linalg.norm(self._people - np.array(json.loads(face["encoding"])), axis=1)
        values = self._answer(f"Person {apart.argmin()}")
        columns = ", ".join(f"{name} = :{name}" for name in values)
        rows.run(f"UPDATE faces SET {columns}, updated_at = UTC_TIMESTAMP() WHERE id = :id", **values, id=face["id"])
        self._named.add(face["image_id"])

    def _answer(self, name: str) -> dict[str, object]:
        """What the app writes into the face's row."""
        if not self._has_persons:
            return {"status": "ok", "name": name, "parent_id": None}
        known = self._app.rows.read("SELECT id FROM persons WHERE name = :name", name=name)
        return {"status": "ok" if known else "unknown", "person_id": known[0]["id"] if known else None}


def _differing(workers: KilledWorkers) -> list[str]:
    """What `refresh` would make anew."""
    code, said = workers.verb("refresh", "--dry-run")
    return [] if code == 0 and "nothing differs" in said else [f"refresh --dry-run left with {code}: {said}"]
