"""A face API of our own for as long as a command runs: where none is configured and none answers."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faces.client.face_client import FaceClient, open_http
from faces.errors import FaceApiUnavailable

#: Seconds that the models may take to load.
_START_SECONDS = 120

#: Seconds for a stop that waits for nothing, because nobody asks any more.
_STOP_SECONDS = 10

#: From <sys/prctl.h>: the signal that a process gets when its parent dies, however it dies.
_PR_SET_PDEATHSIG = 1


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
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            os.kill(os.getpid(), signal.SIGTERM)

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
        preexec_fn=die_with_parent,
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
