"""The whole product: a running API, and an app whose jobs a worker does."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.servers.mariadb import MariaDB
from tests.servers.photo_app import NewApp, PhotoApp
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.running_api import RunningApi
from tests.servers.waiting import wait_for

Wait = Callable[..., None]


@pytest.fixture(scope="session", name="wait_for")
def waiting() -> Wait:
    """Wait until a condition holds, for a bounded time."""
    return wait_for


StartApi = Callable[..., RunningApi]


@pytest.fixture
def start_api(tmp_path: Path) -> Iterator[StartApi]:
    """Start an API with settings of its own; it ends with the test."""
    running: list[RunningApi] = []

    def start(**settings: str) -> RunningApi:
        api = RunningApi(tmp_path / f"api{len(running)}", settings)
        running.append(api)
        api.wait_until_ready()
        return api

    yield start
    for api in running:
        api.stop()


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the disk `photos` of the shared API."""
    return tmp_path_factory.mktemp("disk")


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[RunningApi]:
    """One API for all tests that leave it as it was."""
    running = RunningApi(tmp_path_factory.mktemp("api"), {"FACE_DISK_ROOTS": f"photos={disk}"})
    running.wait_until_ready()
    yield running
    running.stop()


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
def small_photo() -> bytes:
    """A photo without a face that takes an engine a few milliseconds."""
    picture = Image.new("RGB", (160, 120), (90, 120, 150))
    ImageDraw.Draw(picture).ellipse((40, 30, 100, 90), fill=(200, 180, 20))
    return _jpeg(picture)


@pytest.fixture(scope="session")
def slow_photo() -> bytes:
    """A photo without a face that takes an engine about a second, with FACE_FAST=none three: three scans of noise."""
    noise = np.random.default_rng(5).integers(0, 256, (500, 500, 3), dtype=np.uint8)
    return _jpeg(Image.fromarray(noise).resize((2400, 2400)))


@pytest.fixture(scope="session")
def portrait(samples: Path) -> bytes:
    """A small photo with one face, some hundred milliseconds of work."""
    with Image.open(samples / "known/Barack Obama.jpg") as picture:
        small = picture.convert("RGB")
    small.thumbnail((220, 220))
    return _jpeg(small, 90)


def _jpeg(picture: Image.Image, quality: int = 85) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()
