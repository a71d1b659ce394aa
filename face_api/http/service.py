"""What the routes work with: one value, made once, handed over in `app.state`."""

from __future__ import annotations

from dataclasses import dataclass

from face_api.engines.asking import Engines
from face_api.engines.engine_process import EngineProcess
from face_api.http.access import Access
from face_api.http.compare import Comparisons
from face_api.http.uploads import Uploads
from face_api.server.metrics import Metrics
from faces.laravel.disks import Disks
from faces.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the API."""

    settings: Settings
    engines: Engines
    process: EngineProcess
    metrics: Metrics
    disks: Disks
    comparisons: Comparisons
    uploads: Uploads
    access: Access
