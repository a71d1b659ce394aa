"""The worker as systemd starts it: ready whatever is away, alive while a photo takes long, silent when it hangs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.servers.like_systemd import LikeSystemd
from tests.servers.photo_app import PhotoApp
from tests.servers.scripted_api import Answer, running_scripted_api
from tests.servers.worker_process import Worker


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[LikeSystemd]:
    with closing(LikeSystemd(tmp_path, watchdog_seconds=1)) as systemd:
        yield systemd


def test_it_is_ready_without_broker_and_database_and_stops_when_told(systemd: LikeSystemd, tmp_path: Path) -> None:
    settings = {
        "FACE_DATABASE_URL": "mysql+pymysql://nobody@127.0.0.1:1/faces",
        "RABBITMQ_HOST": "127.0.0.1",
        "RABBITMQ_PORT": "1",
        "CACHE_STORE": "database",
        "FACE_STATE_DIR": str(tmp_path / "state"),
    }
    worker = Worker(tmp_path / "home", settings)
    process = worker.start("run", **systemd.variables)
    assert [systemd.hear() for _ in range(3)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
    shown, _ = worker.run("status")
    assert shown.startswith(f"worker {process.pid}, faces, ")
    assert "waiting: the database: " in shown
    process.terminate()
    _, err = worker.end_of(process)
    assert "waiting for the database" in err
    assert worker.run("status", code=1)[0].startswith("0 workers")


def test_it_lives_while_a_photo_takes_long_and_is_silent_when_it_hangs(
    app: PhotoApp, systemd: LikeSystemd, wait_for: Any
) -> None:
    with running_scripted_api() as api:
        image = app.image(b"a photo")
        api.answer(app.rows.read("SELECT filename FROM images")[0]["filename"], Answer(hangs=True))
        app.push(image)
        worker = app.worker(FACE_API_URL=api.url)
        process = worker.start("run", **systemd.variables)
        wait_for(lambda: api.seen)
        while systemd.hear(0.01):
            pass
        assert [systemd.hear() for _ in range(5)] == ["WATCHDOG=1"] * 5
        process.send_signal(signal.SIGSTOP)
        wait_for(lambda: systemd.hear(1.5) == "")
        process.send_signal(signal.SIGCONT)
        api.let_go()
        process.terminate()
        worker.end_of(process)
    assert app.rows.read("SELECT faces_checked FROM images") == [{"faces_checked": 1}]
