"""`python -m worker` as installed: from any folder, with its own database, against a real API."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from PIL import Image

from tests.servers.worker_process import Worker


class HasUrl(Protocol):
    """An API that runs."""

    url: str


@pytest.fixture
def worker(tmp_path: Path, api: HasUrl) -> Iterator[Worker]:
    """A worker with the shared API."""
    worker = Worker(tmp_path / "home", {"FACE_API_URL": api.url})
    yield worker
    worker.end()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """An empty folder for photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def slow_photo() -> bytes:
    """A photo without a face that takes an engine about a second: one scan of noise."""
    noise = np.random.default_rng(5).integers(0, 256, (1000, 1200, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", quality=85)
    return file.getvalue()
