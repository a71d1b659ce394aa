"""Measure jobs a minute of our worker and of one of PHP's shape: see script/bench-queue."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
from PIL import Image

from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.photo_app import PhotoApp
from tests.servers.rabbitmq import RabbitMQ, free_port, running_rabbitmq

ROOT = Path(__file__).resolve().parents[2]

#: Longest side of the sample portrait: its one face costs the API about a tenth of a second.
_SIDE = 220

#: Lines of a worker's log that are kept, to be told should it end.
_LAST_LINES = 20

_Start = Callable[[PhotoApp, int], "subprocess.Popen[str]"]


@dataclass(frozen=True, slots=True)
class _Servers:
    """What both workers work with."""

    mariadb: MariaDB
    rabbitmq: RabbitMQ
    folder: Path
    api: str


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench-queue", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100, metavar="N", help="jobs of each worker (default: 100)")
    parser.add_argument("--candidates", type=int, default=2000, metavar="N", help="verified faces (default: 2000)")
    parser.add_argument("--photo", type=Path, metavar="FILE", help="a JPEG (default: a small sample portrait)")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    told = parser.parse_args()
    photo = told.photo.read_bytes() if told.photo else _portrait()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_mariadb() as mariadb,
        running_rabbitmq() as rabbitmq,
        _running_api(Path(folder)) as api,
    ):
        servers = _Servers(mariadb, rabbitmq, Path(folder), api)
        ours, php = (
            _rate(_new_app(servers, name, photo, told.jobs, told.candidates), told.jobs, start)
            for name, start in (("ours", _start_ours), ("php", _start_php_shaped))
        )
    figures = {"jobs": told.jobs, "candidates": told.candidates, "ours": ours, "php_shaped": php, "ratio": ours / php}
    if told.json:
        print(json.dumps(figures))  # noqa: T201  the answer
    else:
        print(  # noqa: T201  the answer
            f"jobs a minute, one process each, {told.jobs} jobs, {told.candidates} candidates\n"
            f"  python -m worker run   {ours:7.1f}\n"
            f"  of PHP's shape         {php:7.1f}\n"
            f"  ratio                  {ours / php:7.2f}"
        )
    return 0


def _new_app(servers: _Servers, name: str, photo: bytes, jobs: int, candidates: int) -> PhotoApp:
    """An app with verified faces, and a queue of images."""
    app = PhotoApp(servers.mariadb, servers.rabbitmq, servers.folder / name, servers.api)
    for person in np.random.default_rng(3).normal(scale=0.12, size=(candidates, 128)):
        app.rows.master(person)
    for _ in range(jobs):
        app.push(app.image(photo))
    return app


def _rate(app: PhotoApp, jobs: int, start: _Start) -> float:
    """Jobs a minute from the first one's end to the last one's: no worker's start is measured."""
    process = start(app, jobs)
    said: deque[str] = deque(maxlen=_LAST_LINES)
    # A pipe holds 64 KB, the lines of some 180 jobs: a worker whose log is not read waits for ever.
    reading = [threading.Thread(target=said.extend, args=(stream,)) for stream in (process.stdout, process.stderr)]
    for thread in reading:
        thread.start()
    try:
        _wait(app, 1, process, said)
        first = time.monotonic()
        _wait(app, jobs, process, said)
        seconds = time.monotonic() - first
    finally:
        process.kill()
        process.wait()
        for thread in reading:
            thread.join()
        app.end()
    return (jobs - 1) / seconds * 60


def _wait(app: PhotoApp, jobs: int, process: subprocess.Popen[str], said: deque[str]) -> None:
    query = "SELECT count(*) AS done FROM images WHERE faces_checked AND filename <> 'master.jpg'"
    while app.rows.one(query)["done"] < jobs:
        if process.poll() not in {None, 0}:
            sys.exit(f"a worker ended with {process.returncode}: {''.join(said)}")
        time.sleep(0.01)


def _start_ours(app: PhotoApp, jobs: int) -> subprocess.Popen[str]:
    return app.worker().start("run", "--max-jobs", jobs)


def _start_php_shaped(app: PhotoApp, jobs: int) -> subprocess.Popen[str]:
    places = {"port": app.rabbitmq.port, "queue": app.queue, "database": app.url, "api": app.api_url, "disk": app.disk}
    options = [f"--{name}={value}" for name, value in (places | {"jobs": jobs}).items()]
    command = [sys.executable, str(ROOT / "script/benches/php_shaped_worker.py"), *options]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  our own


@contextlib.contextmanager
def _running_api(folder: Path) -> Iterator[str]:
    """A face API that may draw below the folder."""
    address = f"127.0.0.1:{free_port()}"
    settings = {"FACE_API_ADDRESS": address, "FACE_DISK_ROOTS": f"photos={folder}"}
    settings |= {"FACE_STATE_DIR": str(folder / "state")}
    command = [sys.executable, "-m", "face_api"]
    with (folder / "api.log").open("wb") as log:
        api = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=log, stderr=log)  # noqa: S603  ours
    try:
        while not _is_ready(f"http://{address}"):
            if api.poll() is not None:
                sys.exit((folder / "api.log").read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield f"http://{address}"
    finally:
        api.terminate()
        api.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz").is_success
    except httpx2.TransportError:
        return False


def _portrait() -> bytes:
    file = io.BytesIO()
    with Image.open(ROOT / ".cache/samples/known/Barack Obama.jpg") as picture:
        small = picture.convert("RGB")
        small.thumbnail((_SIDE, _SIDE))
        small.save(file, "JPEG", quality=90)
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(main())
