"""Tries a finished release before anything is switched to it: as the service's user, with the settings of face.env."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from installer import access
from installer.changes.change import Work
from installer.sentence import Refusal, Sentence, say

#: Reads all settings and opens the engine, as the service does at its start.
_TRIAL = """
import sys
from faces.errors import FacesError
try:
    from faces import settings
    from faces.laravel import app_settings
    found = settings.load()
    app_settings.load()
    from faces.photo.open_engine import open_engine
    open_engine(found)
except FacesError as error:
    sys.exit(str(error))
"""


@dataclass(frozen=True, slots=True)
class TryRelease:
    """Changes nothing; refuses a release that could not serve."""

    folder: Path
    is_served_already: Callable[[], bool]
    """Nothing will be restarted: neither the release nor what face.env says to the units is new."""
    settings: Callable[[], Mapping[str, str]]

    def describe(self) -> list[Sentence]:
        """Trying is no change."""
        return []

    def do(self, work: Work) -> None:
        """Open its engine once."""
        if self.is_served_already():
            return
        work.tell(say("trying the release with the settings of face.env"))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/",
            "PYTHONPATH": str(self.folder),
            "OPENBLAS_NUM_THREADS": "1",
        }
        uid, gid = access.ids()
        who = {"user": uid, "group": gid, "extra_groups": [gid]} if os.geteuid() == 0 else {}
        ended = subprocess.run(  # type: ignore[call-overload]
            [str(self.folder / ".venv/bin/python"), "-c", _TRIAL],
            env=environment | dict(self.settings()),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            **who,
        )
        if ended.returncode:
            lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
            raise Refusal(
                say("the release {folder} cannot serve: {why}; nothing was switched", folder=self.folder, why=lines[-1])
            )
