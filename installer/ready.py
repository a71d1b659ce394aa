"""Waits until the API answers that it is ready."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass

from installer import ports


@dataclass(frozen=True, slots=True)
class Readiness:
    """Where to ask, with which key, and for how long."""

    address: str
    key: str | None = None
    seconds: float = 120

    def wait(self, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Ask until the answer is yes; False after so long, or when the caller gives it up."""
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not given_up():
            if self._is_ready():
                return True
            time.sleep(0.2)
        return False

    def _is_ready(self) -> bool:
        host, port = ports.split(self.address)
        connection = http.client.HTTPConnection(ports.reachable(host), port, timeout=10)
        try:
            connection.request("GET", "/readyz", headers={"X-API-Key": self.key} if self.key else {})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
