"""The face API that a command uses: the configured one, one at the usual address, or a private one while it runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from faces.client.face_client import FaceClient
from faces.client.kept_connections import open_http
from faces.errors import FaceApiUnavailable
from faces.settings import Settings
from faces.system.parent_process import end_with

#: Seconds that the models may take to load.
_START_SECONDS = 120

#: Seconds for its stop, which has no request left to finish.
_STOP_SECONDS = 10


@contextmanager
def face_api(settings: Settings, url: str | None, say: Callable[[str], None]) -> Iterator[FaceClient]:
    """A client of an API that answers: the one at `url` if that is given, else the usual address's, or a private one.

    A private one ends with the block; `say` is called with a sentence when it starts.

    Raises:
        FaceApiUnavailable: the configured API does not answer, or a private one does not start.
    """
    with ExitStack() as stack:
        if url:
            client = _client(stack, settings, url)
            if client.health() is None:
                raise FaceApiUnavailable(_why_unusable(client, url))
        else:
            client = _client(stack, settings, f"http://{settings.api_address}")
            if client.health() is None or not client.is_ready():
                say(f"no face API answers at {settings.api_address}: starting a private one for this command")
                client = _client(stack, settings, stack.enter_context(running()))
        yield client


def _why_unusable(client: FaceClient, url: str) -> str:
    """What an API that does not tell its health says itself: it wants a key, or does not know the name in its URL."""
    try:
        client.require_ready()
    except FaceApiUnavailable as error:
        if error.answered:
            return str(error)
    return f"no face API answers at {url} (FACE_API_URL): start it there, or unset FACE_API_URL for a private one"


def _client(stack: ExitStack, settings: Settings, url: str) -> FaceClient:
    key = settings.api_key.get_secret_value() if settings.api_key else None
    return FaceClient(stack.enter_context(open_http(url, key=key, timeout=settings.api_timeout)))


@contextmanager
def running(port: int | None = None) -> Iterator[str]:
    """Start `python -m face_api` on loopback with our settings; yields its URL when it takes photos.

    `port` is a free one unless given. The API ends with the block, and also when this process is killed.

    Raises:
        FaceApiUnavailable: it did not start; the sentence has its last line.
    """
    address = f"127.0.0.1:{port or _free_port()}"
    with tempfile.TemporaryFile() as log:
        child = _start(address, log.fileno())
        try:
            with open_http(f"http://{address}", key=None, timeout=_STOP_SECONDS) as http:
                _wait_until_ready(FaceClient(http), child, lambda: _last_line(log.fileno()))
            yield f"http://{address}"
        finally:
            _stop(child)


def _start(address: str, log: int) -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-m", "face_api"],
        env=os.environ | {"FACE_API_ADDRESS": address, "FACE_API_OUTSIDE_ADDRESS": "", "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # A session of its own: Ctrl-C is for us, and we stop it in order.
        start_new_session=True,
        preexec_fn=partial(end_with, os.getpid()),
    )


def _wait_until_ready(client: FaceClient, child: subprocess.Popen[bytes], last_line: Callable[[], str]) -> None:
    end = time.monotonic() + _START_SECONDS
    while not client.is_ready():
        if child.poll() is not None:
            raise FaceApiUnavailable(f"the private face API ended with {child.returncode}: {last_line()}")
        if time.monotonic() > end:
            raise FaceApiUnavailable(f"the private face API was not ready after {_START_SECONDS} s: {last_line()}")
        time.sleep(0.05)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Stop it and all that it started, in order if it can, at once if it does not."""
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _last_line(log: int) -> str:
    lines = os.pread(log, 1 << 20, 0).decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
