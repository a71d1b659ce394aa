"""The people API as installed: `python -m people_api` on a free port, over a database of the test's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.servers.running_api import ROOT, free_port
from tests.servers.waiting import wait_for

#: One of each scope.
KEYS = {scope: f"the-{scope}-key-of-a-test" for scope in ("read", "answer", "admin")}


class RunningPeople:
    """One `python -m people_api`, of one process where a test does not say otherwise."""

    def __init__(self, home: Path, database_url: str, settings: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = home / "people.log"
        home.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("FACE_", "DB_"))}
        environment |= {"FACE_PEOPLE_ADDRESS": f"127.0.0.1:{self.port}", "FACE_DATABASE_URL": database_url}
        environment |= {"FACE_PEOPLE_KEYS": ",".join(f"{scope}:{key}" for scope, key in KEYS.items())}
        environment |= {"FACE_STATE_DIR": str(home / "state"), "FACE_PEOPLE_PROCESSES": "1"} | settings
        with self._log.open("ab") as log:
            self.master = subprocess.Popen(
                [sys.executable, "-m", "people_api"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        self.client = self._client(KEYS["read"])

    def asked_with(self, key: str | None) -> httpx2.Client:
        """A client that shows this key, or none; to be closed."""
        return self._client(key)

    def get(self, path: str, **query: Any) -> Any:
        """The reply to the `read` key, which must be a success."""
        reply = self.client.get(f"/v1{path}", params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def all_pages(self, path: str, **query: Any) -> list[Any]:
        """The items of all pages, one after the other."""
        page = self.get(path, **query)
        items: list[Any] = page["items"]
        while page["next"]:
            page = self.get(path, cursor=page["next"], **query)
            items += page["items"]
        return items

    def wait_until_alive(self) -> None:
        wait_for(self._is_alive, what=f"/livez (log: {self.log()})")

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def processes(self) -> list[psutil.Process]:
        """Those that serve."""
        return psutil.Process(self.master.pid).children()

    def stop(self) -> None:
        self.client.close()
        if self.master.poll() is None:
            self.master.send_signal(signal.SIGTERM)
            self.master.wait(30)

    def _client(self, key: str | None) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=60, headers={} if key is None else {"X-API-Key": key})

    def _is_alive(self) -> bool:
        assert self.master.poll() is None, self.log()
        try:
            return self.client.get("/livez").status_code == 200
        except httpx2.TransportError:
            return False
