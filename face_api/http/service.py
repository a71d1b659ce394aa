"""What the routes work with: one value, made once in `create_app`, in `app.state.service`."""

from __future__ import annotations

from dataclasses import dataclass

from face_api.engines.engine_process import EngineProcess
from face_api.engines.photo_submitter import PhotoSubmitter
from face_api.http.access import Access
from face_api.http.compare import Comparisons
from face_api.http.debug_pictures import PicturePlaces
from face_api.http.uploads import Uploads
from face_api.server.metrics import Metrics
from faces.http.accepted_keys import AcceptedKeys
from faces.settings import Settings


@dataclass(frozen=True, slots=True)
class FaceService:
    """The parts of the API. Made in the master before the fork, so each process has a copy of its own.

    Shared by all processes are the photo queue (behind `photos`) and the counters (behind `metrics`).
    """

    settings: Settings
    photos: PhotoSubmitter
    process: EngineProcess
    metrics: Metrics
    pictures: PicturePlaces
    comparisons: Comparisons
    uploads: Uploads
    access: Access

    @property
    def figures(self) -> Metrics:
        """What is counted, as gunicorn's processes look for it."""
        return self.metrics

    @property
    def keys(self) -> AcceptedKeys:
        """The accepted keys."""
        return self.access.keys

    @property
    def idle_seconds(self) -> float:
        """How long a client may be silent."""
        return self.settings.api_idle_seconds
