"""The API with an engine that ends its thread: what no engine of ours does, and a native library might."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from face_api.main import create_app
from faces.http.server.master import GunicornApplication
from faces.photo.engine import FaceEngine
from faces.photo.open_engine import open_engine
from faces.photo.photo import Photo
from faces.settings import load
from faces.system.systemd_notify import SystemdNotifier

#: A photo so wide ends the thread.
FATAL_WIDTH = 13

CONF = """
from pathlib import Path
exec(Path("face_api/server/gunicorn.conf.py").read_text())
wsgi_app = "tests.servers.failing_engine:production()"
"""


class _Failing:
    """The real engine up to that photo."""

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def decode(self, *words: Any) -> Photo:
        photo = self._engine.decode(*words)
        if photo.width == FATAL_WIDTH:
            raise SystemExit("the thread is told to end")
        return photo


def production() -> FastAPI:
    settings = load()
    return create_app(settings, _Failing(open_engine(settings)))  # type: ignore[arg-type]  # what it does not do, the real one does


def main(folder: str) -> None:
    conf = Path(folder) / "gunicorn.conf.py"
    conf.write_text(CONF, encoding="utf-8")
    sys.argv = ["face_api", "--config", str(conf)]
    GunicornApplication(SystemdNotifier.take(), usage="", prog="face_api").run()


if __name__ == "__main__":
    main(sys.argv[1])
