"""What a process does the jobs of photos with made faces with, on one library; `tests.servers.lives` kills such."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from faces.client.face_client import FaceClient
from faces.laravel.disks import Disks
from faces.library.arrivals import Arrivals
from faces.library.calibrated import Calibrated
from faces.library.groups.settling import Settling
from faces.library.library import Library
from faces.people.linking import Linking
from faces.store.database import Store
from faces.store.sidecar.tables import PREFIX
from faces.store.who import identities_of
from tests.servers.fake_api import FakeApi
from tests.servers.rows import Rows
from tests.unit.faces.people.made_people import made_cohort
from worker.jobs.context import Context
from worker.jobs.faces import Tools, process_image

COHORT = made_cohort()


@dataclass(frozen=True)
class Photos:
    """What the API finds in the photos of a library, by image; all of them have one file."""

    url: str
    folder: Path
    faces: Mapping[int, np.ndarray] = field(default_factory=dict)

    @property
    def conflicts(self) -> int:
        """How many transactions met another and were done again."""
        file = self.folder / "conflicts"
        return file.stat().st_size if file.exists() else 0

    def waiting(self) -> list[int]:
        """The images that are not done, by id."""
        return [row["id"] for row in self._read("SELECT id FROM images WHERE NOT faces_checked ORDER BY id")]

    def written(self) -> dict[int, list[list[float]]]:
        """The encodings in the rows of each image, in the order of the faces."""
        found: dict[int, list[list[float]]] = {image: [] for image in self.faces}
        for row in self._read("SELECT image_id, encoding FROM faces ORDER BY face_index, id"):
            if row["image_id"] in found:
                found[row["image_id"]].append(json.loads(row["encoding"]))
        return found

    def expected(self) -> dict[int, list[list[float]]]:
        """What `written` must say when all is done."""
        return {image: encodings.tolist() for image, encodings in self.faces.items()}

    def end_lease(self) -> None:
        """As if so much time had passed that a killed process has no right to join groups any more."""
        rows = Rows(self.url)
        rows.run(f"UPDATE {self.prefix}library SET joining_until = '2020-01-01 00:00:00'")
        rows.close()

    @property
    def prefix(self) -> str:
        """Of the names of our tables."""
        return "" if self.url.startswith("sqlite") else PREFIX

    def _read(self, query: str) -> list[dict[str, Any]]:
        rows = Rows(self.url)
        try:
            return rows.read(query)
        finally:
            rows.close()


def add_single_groups(photos: Photos) -> None:
    """All waiting photos' faces come to processes that know of no group yet: each begins one of its own."""
    rows, arriving = Rows(photos.url), Arriving(photos)
    arriving.follow()
    for image, found in photos.faces.items():
        for place, encoding in enumerate(found):
            rows.face(image, encoding, face_index=place)
        rows.run("UPDATE images SET faces_checked = 1 WHERE id = :id", id=image)
    arriving.arrivals.update_images(photos.faces)
    arriving.close()
    rows.close()


def add_photos(url: str, folder: Path, found: Sequence[np.ndarray]) -> Photos:
    """Rows of images to be done, with these faces each, shape (n, 128)."""
    rows = Rows(url)
    (folder / "2020").mkdir(parents=True, exist_ok=True)
    (folder / "2020/a.jpg").write_bytes(b"a photo")
    faces = {rows.image(): encodings for encodings in found}
    rows.close()
    return Photos(url, folder, faces)


class Arriving:
    """What a process does the jobs of photos with; `close` ends it."""

    def __init__(self, photos: Photos) -> None:
        self.photos = photos
        self.store = Store.open(photos.url)
        self.library = Library(COHORT)
        self.arrivals = Arrivals(self.store, self.library)
        self.settling = Settling(self.store, self.library, links=True)

    def close(self) -> None:
        self.store.close()

    def follow(self) -> None:
        """Take in what others have committed."""
        with self.store.reading() as transaction:
            self.library.follow(transaction)

    def do(self, image: int) -> None:
        """The job of one image. Threads may do several at once."""
        api = FakeApi(found=list(self.photos.faces[image]))
        with httpx2.Client(transport=httpx2.MockTransport(api), base_url="http://api") as http:
            tools = Tools(
                self.store,
                FaceClient(http),
                Disks.of({"photos": self.photos.folder}),
                Linking(0.6),
                Calibrated(self.library, identities_of(self.store.schema)),
                debug_pictures=False,
                arrivals=self.arrivals,
            )
            process_image(tools, image, Context(skip_done=True))


Work = Callable[[Arriving], None]


def jobs(images: Sequence[int]) -> Work:
    """To do the jobs of these images, one after the other."""
    return partial(_do_all, images)


def _do_all(images: Sequence[int], arriving: Arriving) -> None:
    for image in images:
        arriving.do(image)
        arriving.settling.settle_some()


def settle(arriving: Arriving) -> None:
    """To join groups and ask about all of them."""
    arriving.settling.settle_all()
