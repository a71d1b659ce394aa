"""`python -m worker` as installed: from any folder, with its own database, against a real API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

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
