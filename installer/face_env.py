"""What face.env says, as far as checks, units and programs need it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from installer import ports

#: Folders that the units' ProtectHome=yes hides.
_HOMES = ("/home", "/root", "/run/user")

#: What a stop may take beyond the photos in hand: the units' numbers for the settings' defaults.
_STOP_MORE_API = 30
_STOP_MORE_WORKER = 120

#: The settings' defaults, with which the units' numbers fit.
_PHOTO_SECONDS = 240
_TIMEOUT = 300.0

#: Parts of a graceful stop: face_api/server/gunicorn.conf.py.
_SLOW_PHOTOS = 4


@dataclass(frozen=True, slots=True)
class FaceEnv:
    """The variables as they stand there; what is wrong in them is said by the release that reads them."""

    variables: Mapping[str, str]

    @property
    def address(self) -> str:
        """Where PHP asks."""
        return self.variables.get("FACE_API_ADDRESS") or "127.0.0.1:5000"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Everywhere that the API listens."""
        return tuple(filter(None, (self.address, self.variables.get("FACE_API_OUTSIDE_ADDRESS"))))

    @property
    def key(self) -> str | None:
        """One with which the API answers."""
        return self.variables.get("FACE_API_KEYS", "").split(",")[0].strip() or None

    @property
    def processes(self) -> int | None:
        """Engine processes, where it says how many."""
        text = self.variables.get("FACE_API_PROCESSES", "")
        return int(text) if text.isdecimal() else None

    @property
    def disks(self) -> dict[str, Path]:
        """Name -> root below which debug pictures are written."""
        pairs = (part.partition("=") for part in self.variables.get("FACE_DISK_ROOTS", "").split(","))
        return {name.strip(): Path(path.strip()) for name, _, path in pairs if path.strip()}

    @property
    def disk_roots(self) -> tuple[Path, ...]:
        """The roots alone."""
        return tuple(self.disks.values())

    @property
    def requires_pictures(self) -> bool:
        """Whether a photo is refused whose debug picture cannot be written."""
        return (self.variables.get("FACE_DEBUG_PICTURES") or "required") == "required"

    @property
    def is_at_home(self) -> bool:
        """Whether a disk or the app lies where the units' sandbox hides everything."""
        files = (*self.disk_roots, *map(Path, filter(None, [self.variables.get("LARAVEL_ENV_FILE")])))
        places = {place for path in files for place in (path, Path(os.path.realpath(path)))}
        return any(place.is_relative_to(home) for place in places for home in _HOMES)

    @property
    def api_stop_seconds(self) -> int | None:
        """How long a stop of the API may take; None: as long as its unit says."""
        seconds = self._number("FACE_API_PHOTO_SECONDS", _PHOTO_SECONDS)
        return int(seconds * _SLOW_PHOTOS) + _STOP_MORE_API if seconds > _PHOTO_SECONDS else None

    @property
    def worker_stop_seconds(self) -> int | None:
        """How long a stop of a worker may take; None: as long as its unit says."""
        seconds = self._number("FACE_API_TIMEOUT", _TIMEOUT)
        return int(seconds) + _STOP_MORE_WORKER if seconds > _TIMEOUT else None

    def listening(self) -> tuple[str, ...]:
        """The addresses in numbers: systemd knows no names of hosts.

        Raises:
            OSError, SettingsError: a host is unknown; it is no address.
        """
        return tuple(ports.in_numbers(address) for address in self.addresses)

    def _number(self, name: str, default: float) -> float:
        try:
            return float(self.variables.get(name) or default)
        except ValueError:
            return default
