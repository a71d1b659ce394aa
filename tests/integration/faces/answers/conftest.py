"""Answers that are given in a library on a real database."""

from __future__ import annotations

import pytest

from faces.answers.giving import Answers
from tests.servers.settled_album import Album


@pytest.fixture
def answers(album: Album) -> Answers:
    """What answers in the album's library are given with."""
    return Answers(album.arrivals, album.settling)
