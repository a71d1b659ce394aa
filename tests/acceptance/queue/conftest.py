"""The worker on a real queue: RabbitMQ, MariaDB, the face API, and messages as the app publishes them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.photo_app import NewApp, PhotoApp
from tests.servers.rabbitmq import RabbitMQ, running_rabbitmq


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    with running_rabbitmq() as server:
        yield server


@pytest.fixture
def new_app(tmp_path: Path, disk: Path, mariadb: MariaDB, rabbitmq: RabbitMQ, api: Any) -> Iterator[NewApp]:
    """An app with tables, queue and disk of its own; other servers and tables where a test says so."""
    apps: list[PhotoApp] = []

    def make(**options: Any) -> PhotoApp:
        # Below the API's disk, so that it draws the debug pictures without which no image is done.
        folder = disk / f"{tmp_path.name}-{len(apps)}"
        usual = {"mariadb": mariadb, "rabbitmq": rabbitmq, "folder": folder, "api_url": api.url}
        apps.append(PhotoApp(**(usual | options)))
        return apps[-1]

    yield make
    for app in apps:
        app.end()


@pytest.fixture
def app(new_app: NewApp) -> PhotoApp:
    return new_app()


@pytest.fixture(scope="session")
def portrait(samples: Path) -> bytes:
    """A small photo with one face, some hundred milliseconds of work."""
    file = io.BytesIO()
    with Image.open(samples / "known/Barack Obama.jpg") as picture:
        small = picture.convert("RGB")
        small.thumbnail((220, 220))
        small.save(file, "JPEG", quality=90)
    return file.getvalue()
