"""What `gold` asks of photos' files and of the face API: contents that no scan has read, places that no row has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from faces.client.face_client import FaceClient, NotEncoded
from faces.errors import EngineError, FileMissing, OutsideDisks, PhotoError
from faces.gold.contents import ReadFile
from faces.laravel.disks import Disks
from faces.people.reconcile import reconcile
from faces.photo.face import ENCODING_LENGTH, RatioBox
from faces.sources.seen_files import sha256_of
from faces.store import faces
from faces.store.database import Store
from faces.store.sidecar.marked_photos import StoredPhoto


class GoldPhotos:
    """The files of a database's photos; the API is only asked, and a private one started, where it is needed."""

    def __init__(
        self, store: Store, disks: Disks, open_api: Callable[[], FaceClient], say: Callable[[str], None]
    ) -> None:
        """`open_api` is called once at most; `say` with a sentence on what takes long."""
        self._store, self._disks, self._open_api, self._say = store, disks, open_api, say
        self._client: FaceClient | None = None
        self._reads = False

    def size(self, photo: StoredPhoto) -> int | None:
        """The bytes of the photo's file; None where it cannot be read."""
        path = self._path(photo)
        try:
            return None if path is None else path.stat().st_size
        except OSError:
            return None

    def read(self, photo: StoredPhoto) -> ReadFile | None:
        """What the file is; None where it cannot be read."""
        path, size = self._path(photo), self.size(photo)
        if path is None or size is None:
            return None
        if not self._reads:
            self._reads = True
            self._say("reading photos: this database does not know what is in their files")
        try:
            return ReadFile(sha256_of(path), size)
        except FileMissing:
            return None

    def boxes(self, photo: StoredPhoto) -> Mapping[int, RatioBox]:
        """Where the photo's faces are, by id, as far as the face API finds them there."""
        path = self._path(photo)
        if path is None:
            return {}
        answered = self._api().encode(path, photo.filename)
        if isinstance(answered, NotEncoded):
            if isinstance(answered.error, PhotoError | EngineError):
                return {}
            raise answered.error
        with self._store.reading() as transaction:
            rows = faces.of_image(transaction, photo.image_id)
        found = np.array([face.encoding for face in answered.faces]).reshape(-1, ENCODING_LENGTH)
        places = reconcile(found, rows, redo=True).paired
        return {row: box for row, place in places.items() if (box := answered.faces[place].box) is not None}

    def _api(self) -> FaceClient:
        if self._client is None:
            self._say("asking the face API: this database does not know where in a photo its faces are")
            self._client = self._open_api()
        return self._client

    def _path(self, photo: StoredPhoto) -> Path | None:
        try:
            scanned = self._store.schema.ours
            return self._disks.file(photo.disk, photo.path, photo.filename, scanned=scanned).real
        except (OutsideDisks, FileMissing):
            return None
