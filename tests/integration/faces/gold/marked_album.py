"""A library on a real database with photos that are files, whose faces are at known places; what `gold` does there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from faces.answers import who_it_is, who_it_is_not
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.client.face_client import FaceClient
from faces.gold.comparing import Comparison, compared
from faces.gold.contents import Contents
from faces.gold.filling import Marks, fill, marks_of_faces
from faces.gold.gold_file import GoldSet
from faces.gold.updating import UpdatedGold, updated
from faces.laravel.disks import Disks
from faces.library.upkeep.refresh import Refresh
from faces.people.refs import Ref
from faces.store.database import Store
from tests.servers.fake_api import FakeApi
from tests.servers.rows import Rows
from tests.servers.settled_album import Album
from worker.commands.gold_photos import GoldPhotos

ME = "me"


def refs(*faces: int) -> list[Ref]:
    return [Ref("face", face) for face in faces]


class CountedPhotos(GoldPhotos):
    """Knows which files were read."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.names: list[str] = []

    def read(self, photo: Any) -> Any:
        self.names.append(photo.filename)
        return super().read(photo)


@dataclass
class MarkedAlbum:
    """Photos of a folder, which is a disk of the app's or was scanned."""

    url: str
    folder: Path
    shift: float = 0.0
    """How far to the right of its place each face is found."""
    found: dict[bytes, FakeApi] = field(default_factory=dict)
    """What the API finds in a photo of this content, where rows have no boxes."""
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.store, self.rows = Store.open(self.url), Rows(self.url)
        self.album = Album(self.store, self.rows)
        self.answers = Answers(self.album.arrivals, self.album.settling)
        self.files = CountedPhotos(
            self.store, Disks.of({"photos": self.folder}), lambda: FaceClient(self._http()), self.said.append
        )

    def close(self) -> None:
        self.store.close()
        self.rows.close()

    @property
    def has_persons(self) -> bool:
        return self.store.schema.has_persons

    def add(self, name: str, *people: np.ndarray, content: bytes | None = None, checked: int = 1) -> list[int]:
        """A photo comes, with these people from left to right; its faces' ids. Its content is its name, unless said."""
        data = f"<{name}>".encode() if content is None else content
        (self.folder / name).write_bytes(data)
        ours = self.store.schema.ours
        place = {"disk": None, "path": str(self.folder)} if ours else {"disk": "photos", "path": ""}
        image = self.rows.image(filename=name, faces_checked=checked, **place)
        if ours:
            self.rows.run(
                "INSERT INTO scan_marks (image_id, size, modified_ns, sha256) VALUES (:image, :size, 0, :sha256)",
                **{"image": image, "size": len(data), "sha256": hashlib.sha256(data).digest()},
            )
        boxes = [self.box(number) for number in range(len(people))]
        has_box = "box" in self.store.schema.face_columns
        faces = [
            self.rows.face(image, one, face_index=number, **({"box": json.dumps(boxes[number])} if has_box else {}))
            for number, one in enumerate(people)
        ]
        more = {"faces": [{"box_ratios": box} for box in boxes], "qualities": []}
        self.found[data] = FakeApi(found=list(people), more=more)
        self.album.arrivals.update_images([image])
        self.album.follow()
        return faces

    def box(self, number: int) -> dict[str, float]:
        left = number * 0.3 + self.shift
        return {"top": 0.25, "right": left + 0.2, "bottom": 0.5, "left": left}

    def know(self, *names: str) -> None:
        """The app has persons of these names, where it has persons."""
        if self.has_persons:
            for name in names:
                self.rows.run("INSERT INTO persons (name) VALUES (:name)", name=name)
            Refresh(self.album.arrivals).run()
            self.album.follow()

    def name(self, who: str, *faces: int, **said: Any) -> Answered:
        return who_it_is.name(self.answers, GivenAnswer(ME), refs(*faces), who, **said)

    def stranger(self, *faces: int) -> Answered:
        return who_it_is_not.stranger(self.answers, GivenAnswer(ME), refs(*faces))

    def not_face(self, *faces: int) -> Answered:
        return who_it_is_not.not_face(self.answers, GivenAnswer(ME), refs(*faces))

    # --- gold ---

    def contents(self) -> Contents:
        return Contents(self.store, self.files)

    def export(self, gold: GoldSet | None = None) -> UpdatedGold:
        return updated(gold or {}, self.contents().answered(gold or {}))

    def marks(self, gold: GoldSet) -> Marks:
        return marks_of_faces(gold, self.contents().of_gold(gold))

    def fill(self, gold: GoldSet, answer: GivenAnswer | None = None, **how: Any) -> list[Answered]:
        return list(fill(self.answers, answer or GivenAnswer(ME), self.marks(gold).faces, **how))

    def compare(self, gold: GoldSet) -> Comparison:
        found = [one.comparison for one in compared(gold, self.contents().of_gold(gold))]
        return sum((one for one in found if one is not None), Comparison())

    def who(self, *faces: int) -> list[str | None]:
        """The names of faces, by our index."""
        return [self._who(face) for face in faces]

    def _who(self, face: int) -> str | None:
        query = "SELECT p.name, i.state FROM {face_index} i LEFT JOIN {people} p ON p.id = i.person_id "
        (row,) = self.album.read(query + "WHERE i.face_id = :id", id=face)
        return {4: "a stranger", 5: "no face"}.get(row["state"], row["name"])

    def _http(self) -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(self._answer), base_url="http://api")

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read()
        (api,) = [api for content, api in self.found.items() if content in body]
        return api(request)


def together(gold: GoldSet) -> dict[str, Sequence[str]]:
    """The words of each photo's marks, by its hint."""
    return {photo.hint: [mark.words for mark in photo.marks] for photo in gold.values()}
