"""A real browser, Debian's Chromium, and the site that serves it a test's page and hears what the page reports."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.servers.waiting import wait_for

CHROMIUM = Path("/usr/bin/chromium")

#: As root, without a screen, and without anything of its own that asks the network.
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
)

#: Seconds for a browser's start, on a machine that is busy.
_PATIENCE = 60


class Site:
    """Another site: serves one page at every path, closes each connection, and keeps what is posted to it."""

    def __init__(self, page: str) -> None:
        self.reports: list[str] = []
        self._asked = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site._answer(self, page.encode())
                site._asked.set()

            def do_POST(self) -> None:
                site.reports.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                site._answer(self, b"")

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait_until_asked(self) -> None:
        """Return when its page was sent."""
        assert self._asked.wait(_PATIENCE), "the browser did not ask for the page"

    def report(self) -> str:
        """The first one; waits for it."""
        wait_for(lambda: self.reports, _PATIENCE, "a report of the page")
        return self.reports[0]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def _answer(request: BaseHTTPRequestHandler, body: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/html; charset=utf-8")
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(body)


@contextlib.contextmanager
def serving(page: str) -> Iterator[Site]:
    """A site for as long as the block."""
    site = Site(page)
    try:
        yield site
    finally:
        site.close()


@contextlib.contextmanager
def browsing(url: str, profile: Path, *names: str) -> Iterator[None]:
    """A browser at this page for as long as the block. To it these names of hosts are addresses of this machine."""
    assert CHROMIUM.exists(), "there is no Chromium: install the package chromium (script/test does it)"
    rules = ", ".join(f"MAP {name} 127.0.0.1" for name in names)
    words = [f"--host-resolver-rules={rules}", f"--user-data-dir={profile}", "--remote-debugging-port=0", url]
    with (profile.parent / "chromium.log").open("wb") as log:
        browser = subprocess.Popen([CHROMIUM, *_FLAGS, *words], stdout=log, stderr=log, start_new_session=True)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
