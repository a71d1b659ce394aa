"""What an installation begins with: the machine, what was asked for, what is there already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from installer.app import App
from installer.changes.release import BuildRelease
from installer.face_env import FaceEnv
from installer.install_paths import Places
from installer.machine import Machine
from installer.options import Options
from installer.record import Record


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the checks and the plan look at."""

    machine: Machine
    options: Options
    places: Places
    record: Record
    app: App | None
    source: Path
    """The checkout or unpacked release that install.sh lies in."""
    settings: FaceEnv
    """What face.env says now; no variables where there is none."""
    holds_ports: bool
    """Whether our own service listens already."""

    @property
    def supervisor(self) -> bool:
        """Whether supervisor starts the service; systemd does where it runs and nothing else was said."""
        chosen = self.options.choices.supervisor
        return chosen if chosen is not None else not self.machine.has_systemd

    @property
    def release(self) -> BuildRelease:
        """The release that this checkout makes on this machine."""
        python = "{}.{}".format(*self.machine.python)
        return BuildRelease(self.source, self.places, python, self.options.offline, bool(self.options.choices.native))
