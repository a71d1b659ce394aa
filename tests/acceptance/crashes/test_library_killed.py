"""Real workers that group and link faces of the queue's jobs in one library, killed at any moment and begun again."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.chaos.queued_library import QueuedTold, kill_workers
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ

_log = logging.getLogger(__name__)


@pytest.mark.parametrize(
    "told",
    [
        QueuedTold(seed=1, photos=40, kills=4, workers=2, version="v1"),
        QueuedTold(seed=2, photos=40, kills=3, workers=4, version="v5"),
    ],
    ids=lambda told: told.version,
)
def test_workers_killed_among_jobs_and_settling_leave_a_whole_library(
    mariadb: MariaDB, rabbitmq: RabbitMQ, tmp_path: Path, told: QueuedTold
) -> None:
    soaked = kill_workers(told, mariadb, rabbitmq, tmp_path)
    assert soaked.wrong == [], "\n".join(soaked.wrong)
    assert len(soaked.kills) >= told.kills
    assert soaked.linked > 0
    _log.info("%s: %s", told, soaked)
