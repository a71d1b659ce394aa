"""All that a soak needs: servers behind proxies that spoil connections, an app, and workers that are started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

from tests.servers.app_in_php import cache_in
from tests.servers.mariadb import running_mariadb
from tests.servers.photo_app import PhotoApp
from tests.servers.proxy import Proxy, running_proxy
from tests.servers.rabbitmq import running_rabbitmq
from tests.servers.redis import Redis, running_redis
from tests.servers.scripted_api import running_scripted_api
from tests.servers.waiting import wait_for
from tests.servers.worker_process import ROOT
from worker.queue import status_file

#: The shortest that works: nobody gives back the lock of a worker that was killed.
_LOCK_SECONDS = "5"


class World:
    """Starts everything; `close` ends everything that it started, whatever state it is in."""

    def __init__(self, workers: int, cache: str) -> None:
        self._ending = ExitStack()
        try:
            self._open(workers, cache)
        except BaseException:
            self.close()
            raise

    def _open(self, workers: int, cache: str) -> None:
        enter = self._ending.enter_context
        self.folder = Path(enter(tempfile.TemporaryDirectory(prefix="chaos-")))
        self.mariadb, self.rabbitmq = enter(running_mariadb()), enter(running_rabbitmq())
        self.redis: Redis | None = enter(running_redis()) if cache == "redis" else None
        self.api = enter(running_scripted_api())
        ports = {"database": self.mariadb.port, "broker": self.rabbitmq.port, "api": int(self.api.url.split(":")[-1])}
        if self.redis:
            ports["cache"] = self.redis.port
        self.proxies: dict[str, Proxy] = {name: enter(running_proxy(port)) for name, port in ports.items()}
        self.app = self._new_app()
        self._ending.callback(self.app.end)
        self.workers: list[subprocess.Popen[bytes]] = []
        self._ending.callback(self._kill_workers)
        self._log = enter(closing((self.folder / "log").open("ab")))
        for _ in range(workers):
            self.start_worker()
        wait_for(self._workers_are_idle, 120, "the start of the workers")

    def close(self) -> None:
        self._ending.close()

    # --- workers --------------------------------------------------------------------------------

    def start_worker(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FACE_")}
        environment |= {
            "LARAVEL_ENV_FILE": str(self.app.env_file),
            "FACE_API_URL": self.app.api_url,
            "FACE_DISK_ROOTS": f"photos={self.app.disk}",
            "FACE_STATE_DIR": str(self.folder / "state"),
            "FACE_WORKER_BACKOFF": "1",
            "FACE_LOCK_SECONDS": _LOCK_SECONDS,
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "worker", "run"]
        worker = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=self._log, stderr=self._log)
        self.workers.append(worker)

    def keep_workers(self) -> list[int]:
        """Start those again that have ended, as systemd does; returns their exit codes."""
        ended = [worker for worker in self.workers if worker.poll() is not None]
        for worker in ended:
            self.workers.remove(worker)
            self.start_worker()
        return [worker.returncode for worker in ended]

    def end_workers(self, seconds: float = 60) -> list[int]:
        """Tell all to stop; returns their exit codes, that of a kill for those that did not listen."""
        for worker in self.workers:
            worker.terminate()
        codes = [_end_of(worker, seconds) for worker in self.workers]
        self.workers.clear()
        return codes

    def log(self) -> str:
        """What all workers said."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def _workers_are_idle(self) -> bool:
        reports, _ = status_file.read(self.folder / "state")
        return [report.state for report in reports] == ["idle"] * len(self.workers)

    def _kill_workers(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGKILL)
            worker.wait()

    # --- the app --------------------------------------------------------------------------------

    def _new_app(self) -> PhotoApp:
        variables = cache_in(self.redis) if self.redis else {}
        variables |= {"DB_PORT": str(self.proxies["database"].port), "RABBITMQ_PORT": str(self.proxies["broker"].port)}
        if self.redis:
            variables["REDIS_PORT"] = str(self.proxies["cache"].port)
        url = f"http://127.0.0.1:{self.proxies['api'].port}"
        return PhotoApp(self.mariadb, self.rabbitmq, self.folder / "app", url, variables=variables)


def _end_of(worker: subprocess.Popen[bytes], seconds: float) -> int:
    try:
        return worker.wait(seconds)
    except subprocess.TimeoutExpired:
        worker.kill()
        return worker.wait()
