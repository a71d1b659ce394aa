"""A small real HTTP server in the place of the face API: it answers to each photo what a test wants."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

_FILENAME = re.compile(rb'filename="([^"]+)"')
_FIELD = re.compile(rb'; name="([^"]+)"\r\n\r\n([^\r]*)\r\n')


#: Where any photo's debug picture lies, unless a test says otherwise: no answer is without one.
PICTURE = "/photos/2020/debug/debug_a.jpg"


@dataclass(frozen=True)
class Answer:
    """What is sent for a photo; `hangs` sends it after `let_go`, `breaks` closes the connection instead."""

    status: int = 200
    body: bytes = json.dumps({"encodings": [], "debug_image_path": PICTURE}).encode()
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    breaks: bool = False
    seconds: float = 0
    """How long it takes."""
    only_on_kept: bool = False
    """Break only a connection that has served before; on a new one the next answer is given."""


def says(status: int, headers: Mapping[str, str] | None = None, **fields: Any) -> Answer:
    """An answer of these JSON fields."""
    return Answer(status, json.dumps(fields).encode(), headers or {})


def finds(*people: np.ndarray, **more: Any) -> Answer:
    """An answer with these encodings, and a debug picture."""
    return says(200, **({"encodings": [one.tolist() for one in people], "debug_image_path": PICTURE} | more))


@dataclass(frozen=True)
class Seen:
    """A photo that came: its file's name, when (monotonic seconds), and the form's fields in their order."""

    filename: str
    at: float
    fields: Mapping[str, str]


def filename_in(body: bytes) -> str:
    """The name of the file in a form."""
    found = _FILENAME.search(body)
    return found[1].decode() if found else ""


class Script:
    """Photos without a script get the answer "no faces"; of a script's answers the last one stays."""

    def __init__(self) -> None:
        self.ready = True
        self.seen: list[Seen] = []
        self._scripts: dict[str, list[Answer]] = {}
        self._guard = threading.Lock()

    def answer(self, filename: str, *answers: Answer) -> None:
        """What to say to the file of this name, one after the other."""
        self._scripts[filename] = list(answers)

    def times(self, filename: str) -> list[float]:
        """When this photo came."""
        return [seen.at for seen in self.seen if seen.filename == filename]

    def next(self, body: bytes, *, kept: bool) -> Answer:
        """What is said to a form that has come; `kept`: on a connection that has served before."""
        fields = {name.decode(): value.decode() for name, value in _FIELD.findall(body)}
        with self._guard:
            self.seen.append(Seen(filename_in(body), time.monotonic(), fields))
            script = self._scripts.get(filename_in(body)) or [Answer()]
            while True:
                answer = script.pop(0) if len(script) > 1 else script[0]
                if kept or not answer.only_on_kept:
                    return answer


class _Server(ThreadingHTTPServer):
    """A client that is killed in the middle of a request is nothing to tell of."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class ScriptedApi(Script):
    """The server of a script."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self._let_go = threading.Event()
        self._server = _Server(("127.0.0.1", port), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def let_go(self) -> None:
        """End the hanging answers."""
        self._let_go.set()

    def close(self) -> None:
        self._let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(api) -> type[BaseHTTPRequestHandler]:  # noqa: N805  the handler's own `self` stands inside
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            served = 0

            def do_GET(self) -> None:
                self._send(Answer(200 if api.ready else 503, b"{}"))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = api.next(body, kept=self.served > 0)
                if answer.hangs or answer.seconds:
                    api._let_go.wait(None if answer.hangs else answer.seconds)
                if answer.breaks:
                    self.close_connection = True
                    return
                self.served += 1
                self._send(answer)

            def _send(self, answer: Answer) -> None:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.send_response(answer.status)
                    for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@contextlib.contextmanager
def running_scripted_api(port: int = 0) -> Iterator[ScriptedApi]:
    """A server for as long as the block."""
    api = ScriptedApi(port)
    try:
        yield api
    finally:
        api.close()
