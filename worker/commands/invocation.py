"""What every command needs: the settings in force, ours or the app's, and its output, database and API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faces.errors import SettingsError
from faces.laravel import app_settings
from faces.laravel.app_database import in_time_zone
from faces.laravel.app_settings import LaravelSettings
from faces.laravel.disks import Disks
from faces.library.opening import OpenLibrary, open_library
from faces.people.linking import Linking
from faces.settings import MatchRule, Settings
from faces.store.database import Store
from worker.commands.output import Output

if TYPE_CHECKING:
    # Not at run time: only a database with our tables needs one, and only what finds faces an HTTP client.
    from faces.people.cohort import Cohort
    from worker.jobs.faces import Tools

#: Variables of which one at least is set where there is an app.
_OF_AN_APP = {"LARAVEL_ENV_FILE", "LARAVEL_STORAGE_PATH", "DB_CONNECTION"}


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of the command line, made in `worker.__main__` and handed to the verb.

    A choice is our own setting where it is set, else the app's where there is an app, else our default.
    """

    settings: Settings
    output: Output

    @property
    def linking(self) -> Linking:
        return Linking(self.threshold, self.settings.link_within_photo)

    @property
    def threshold(self) -> float:
        laravel = None if "threshold" in self.settings.model_fields_set else self._laravel
        return (laravel.recognition_threshold if laravel else None) or self.settings.threshold

    @property
    def debug_subdir(self) -> str:
        laravel = None if "debug_subdir" in self.settings.model_fields_set else self._laravel
        return (laravel.debug_subdir if laravel else None) or self.settings.debug_subdir

    @property
    def database_url(self) -> str:
        """Our own setting, else the app's database where its settings are given, else a file of our own."""
        ours = self.settings.database_url
        laravel = None if "database_url" in self.settings.model_fields_set else self._laravel
        url = (laravel.database_url if laravel else ours).get_secret_value()
        return in_time_zone(url, self.settings.database_timezone)

    @property
    def disks(self) -> Disks:
        """The disks that are set, and the app's own two where its folder is known."""
        laravel = self._laravel
        return Disks.of({**(laravel.disk_roots if laravel else {}), **self.settings.disk_roots})

    @property
    def api_url(self) -> str | None:
        """Where the face API answers, as we or the app have it; None: at its usual address, or a private one."""
        laravel = self._laravel
        return self.settings.api_url or (laravel.face_api_url if laravel else None)

    @property
    def _laravel(self) -> LaravelSettings | None:
        return app_settings.load() if os.environ.keys() & _OF_AN_APP else None

    @contextmanager
    def store(self, *, create: bool = False, any_sidecar: bool = False) -> Iterator[Store]:
        """The database of the settings; a SQLite file that is not there is only made with `create`.

        With `any_sidecar` also where our tables cannot be used.
        """
        tables_database = self.settings.tables_database
        opened = Store.open(self.database_url, create=create, tables_database=tables_database, any_sidecar=any_sidecar)
        with closing(opened) as store:
            yield store

    def match_rule(self, store: Store) -> MatchRule:
        """What links a face by itself: our setting, else what the library says, else the nearest below the threshold.

        Raises:
            SettingsError: calibrated was set, and the database has no tables of ours.
        """
        if self.settings.match == "calibrated" and store.schema.sidecar is None:
            raise SettingsError(
                f"FACE_MATCH: found calibrated, which needs our own tables, and {store.name} has none: `worker tables "
                "--create` makes them beside an app's on MySQL or MariaDB; without them needed nearest"
            )
        return self.settings.match or ("calibrated" if store.schema.match_rule == "calibrated" else "nearest")

    def cohort(self) -> Cohort:
        """The averages to tell people apart by: those of FACE_COHORT, else the ones that come with the product.

        Raises:
            SettingsError: the file is no cohort.
        """
        from faces.people.cohort import read_cohort

        try:
            return read_cohort(self.settings.cohort)
        except SettingsError as error:
            raise SettingsError(f"FACE_COHORT: {error}") from error

    def library(self, store: Store) -> OpenLibrary:
        """What links faces in a database, and keeps our tables of people and groups up to date where it has them.

        Raises:
            SettingsError: as `match_rule` and `cohort` say.
        """
        calibrated = self.match_rule(store) == "calibrated"
        return open_library(store, calibrated=calibrated, cohort=self.cohort, folder=self.settings.state_dir)

    @contextmanager
    def tools(self, store: Store, library: OpenLibrary | None = None) -> Iterator[Tools]:
        """What the job works with; a private API ends with the block. `library` is the one that is open already."""
        # Here, and not above: a worker of the queue starts no API, and most verbs ask none.
        from faces.client.private_api import face_api
        from worker.jobs.faces import Tools

        library = library or self.library(store)
        with face_api(self.settings, self.api_url, self.output.say) as client:
            yield Tools(
                store,
                client,
                self.disks,
                self.linking,
                library.identities,
                debug_subdir=self.debug_subdir,
                pictures_required=self.settings.debug_pictures == "required",
                arrivals=library.arrivals,
                settling=library.settling,
                upkeep=library.upkeep,
            )
