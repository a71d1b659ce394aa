"""Fixtures of the stubs: a conftest that wants them imports them by name."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stubs.api import StubApi
from tests.stubs.app import StubApp, new_stub_app
from tests.stubs.clock import Clock, clock
from tests.stubs.faults import Faults

__all__ = ["NewStubApp", "api", "app", "clock", "faults", "new_app"]

#: In memory where there is such a place: each commit waits for its disk.
_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  a folder of its own is made there

NewStubApp = Callable[..., StubApp]


@pytest.fixture
def api(clock: Clock) -> StubApi:
    """Finds no face where a test does not say what it answers."""
    return StubApi(clock)


@pytest.fixture
def faults() -> Faults:
    """Exceptions where the test wants them."""
    return Faults()


@pytest.fixture
def new_app(clock: Clock, api: StubApi, faults: Faults) -> Iterator[NewStubApp]:
    """An app with tables, queue and disk of its own; other tables where a test says so."""
    apps: list[StubApp] = []
    with tempfile.TemporaryDirectory(prefix="app-", dir=_FOLDER) as parent:

        def make(**options: Any) -> StubApp:
            folder = Path(parent, f"app{len(apps)}")
            usual = {"rabbitmq": apps[0].server if apps else None}
            apps.append(new_stub_app(folder, clock, api, faults, **(usual | options)))
            return apps[-1]

        yield make
        for one in apps:
            one.end()


@pytest.fixture
def app(new_app: NewStubApp) -> StubApp:
    return new_app()
