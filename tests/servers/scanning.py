"""Scans of folders as the verb does them, with an API that a test answers for, and what is listed afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from faces.errors import FileMissing
from faces.sources import inventory
from faces.sources.folder import FoundFiles, PhotoFile, find_photos
from faces.sources.inventory import Inventory
from faces.sources.seen_files import Known
from faces.store.database import Store
from faces.store.listing import list_faces, list_images
from tests.servers.fake_api import FakeApi
from worker.commands.scanner import Outcome, Scanned, Scanner
from worker.jobs.faces import Tools


@dataclass
class Scan:
    """Scans as the verb does, and remembers what the last one did."""

    tools: Tools
    api: FakeApi
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    encoded: int = 0
    found: FoundFiles = field(default_factory=FoundFiles)
    stock: Inventory | None = None

    def __call__(self, *places: Path) -> dict[str, Outcome]:
        """What became of the files that were not as they were, by their names."""
        before = len(self.api.requests)
        self.outcomes = {}
        self.found = find_photos(*places)
        self.stock = inventory.take_stock(self.tools.store, self.found, self._tell, self.tools.arrivals)
        Scanner(self.tools, 2, self._note).scan(self.stock.to_be_looked_at)
        self.encoded = len(self.api.requests) - before
        return self.outcomes

    @property
    def gone(self) -> list[str]:
        assert self.stock
        return [row.name for row in self.stock.missing.gone]

    @property
    def not_seen(self) -> list[str]:
        assert self.stock
        return [row.name for rows in self.stock.missing.uncertain.values() for row in rows]

    def _tell(self, file: PhotoFile, known: Known | FileMissing) -> None:
        self._note(Scanned.of(file, known))

    def _note(self, scanned: Scanned) -> None:
        self.outcomes[scanned.path.name] = scanned.outcome


def places(store: Store) -> dict[int, str]:
    """The listed images by id."""
    with store.reading() as transaction:
        return {image.id: f"{image.path}/{image.filename}" for image in list_images(transaction)}


def shown(store: Store) -> list[tuple[str, str | None]]:
    """The photo's place and the name, of each listed face."""
    with store.reading() as transaction:
        files = {image.id: f"{image.path}/{image.filename}" for image in list_images(transaction)}
        return [(files[face.image_id], face.name) for face in list_faces(transaction)]


def names(store: Store) -> dict[str, str | None]:
    """The names by the photo's place, where each photo shows one face."""
    return dict(shown(store))
