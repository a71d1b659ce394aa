"""What the routes work with: one value, made once, handed over in `app.state`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from face_api.engine_process import EngineProcess
from face_api.engines import Engines
from face_api.metrics import Metrics
from faces.disks import Disks
from faces.settings import Settings

#: Comparisons that compute at a time in each process; more wait, so that their matrices do not add up.
COMPARING = 2


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the API."""

    settings: Settings
    engines: Engines
    process: EngineProcess
    metrics: Metrics
    disks: Disks
    comparing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(COMPARING))
