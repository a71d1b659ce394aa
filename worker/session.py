"""What every command needs: settings, words, and the database and API opened the same way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from faces.disks import Disks
from faces.linking import Linking
from faces.settings import Settings
from faces.store.database import Store
from worker.find_api import face_api
from worker.output import Output
from worker.process import Tools


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the command line."""

    settings: Settings
    output: Output

    @property
    def linking(self) -> Linking:
        """How faces are linked, as the settings say."""
        return Linking(self.settings.threshold, self.settings.link_within_photo)

    @contextmanager
    def store(self, *, create: bool = False) -> Iterator[Store]:
        """The database of the settings; a SQLite file that is not there is only made with `create`."""
        with closing(Store.open(self.settings.database_url.get_secret_value(), create=create)) as store:
            yield store

    @contextmanager
    def tools(self, store: Store) -> Iterator[Tools]:
        """What the job works with; a private API ends with the block."""
        with face_api(self.settings, self.output.say) as client:
            yield Tools(store, client, Disks.of(self.settings.disk_roots), self.linking)
