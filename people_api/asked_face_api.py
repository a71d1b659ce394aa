"""The face API as this process asks it: the client is made when it is first needed, behind the fork."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import httpx2

from faces.client.face_client import Encoded, FaceClient, NotEncoded
from faces.client.kept_connections import open_http
from faces.laravel.app_settings import face_api_in_force
from faces.settings import Settings


@dataclass(slots=True)
class AskedFaceApi:
    """Threads may share it."""

    settings: Settings
    _http: httpx2.Client | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def encode(self, photo: Path, filename: str, request_id: str) -> Encoded:
        """The faces of a photo, in the order of the API.

        Raises:
            PhotoError: it cannot be used.
            Unavailable: the API does not answer, or has too much to do.
            EngineError: its answer cannot be read.
            SettingsError: it is not known where it is.
        """
        found = FaceClient(self._opened()).encode(photo, filename, request_id=request_id)
        if isinstance(found, NotEncoded):
            raise found.error
        return found

    def close(self) -> None:
        """Close its connections."""
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None

    def _opened(self) -> httpx2.Client:
        with self._lock:
            if self._http is None:
                key = self.settings.api_key.get_secret_value() if self.settings.api_key else None
                self._http = open_http(face_api_in_force(self.settings), key=key, timeout=self.settings.api_timeout)
            return self._http
