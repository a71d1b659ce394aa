"""Libraries of the same photos on databases of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from faces.store.database import Store
from tests.integration.faces.gold.marked_album import MarkedAlbum
from tests.servers.app_schema import ALL, V1, V5
from tests.servers.sidecar import create_tables

NewAlbum = Callable[..., MarkedAlbum]

#: Rows of the first two have boxes.
_APPS = {"mariadb": ALL, "v1": V1, "v5": V5}


@pytest.fixture(params=["sqlite", *_APPS])
def new_album(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewAlbum]:
    """Makes a library without photos."""
    numbers, made = count(), list[MarkedAlbum]()

    def new(shift: float = 0.0) -> MarkedAlbum:
        number = next(numbers)
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path / f'{number}.db'}"
            Store.open(url, create=True).close()
        else:
            url = request.getfixturevalue("mariadb").new_database(*_APPS[request.param])
            create_tables(url)
        made.append(MarkedAlbum(url, tmp_path / f"photos{number}", shift))
        return made[-1]

    yield new
    for album in made:
        album.close()


@pytest.fixture
def library(new_album: NewAlbum) -> MarkedAlbum:
    """One of them."""
    return new_album()
