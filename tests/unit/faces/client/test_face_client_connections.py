"""Kept connections that the API closes: one repetition on a new one, and never a photo sent again and again."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from faces.client.face_client import Encoded, FaceClient, NotEncoded
from faces.client.kept_connections import open_http
from faces.errors import AnswerLost, FaceApiUnavailable
from tests.integration.amqp.certificates import Authority

#: What one connection does: the answers that it gives, then it is closed.
Script = list[list[bytes]]

READY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FACES = b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"encodings": []}'
HALF = b"HTTP/1.1 200 OK\r\nContent-Le"


@contextlib.contextmanager
def serving(script: Script) -> Iterator[tuple[FaceClient, list[bytes]]]:
    """A server whose n-th connection answers as the script's n-th entry says; yields what it was asked, too."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, script, asked))
        thread.start()
        with open_http(f"http://127.0.0.1:{listener.getsockname()[1]}", key=None, timeout=30) as http:
            yield FaceClient(http), asked
        thread.join(30)


def _serve(listener: socket.socket, script: Script, asked: list[bytes]) -> None:
    for answers in script:
        connection, _ = listener.accept()
        with connection:
            for answer in answers:
                asked.append(_request(connection))
                connection.sendall(answer)
            if _is_last_wanted(answers):
                asked.append(_request(connection))


def _is_last_wanted(answers: list[bytes]) -> bool:
    """A connection that ends without an answer takes the request first; one that broke off has taken it."""
    return not answers or answers[-1] == READY


def _request(connection: socket.socket) -> bytes:
    """One whole request: a GET's head, or a form up to its last boundary."""
    data = b""
    while not (data.startswith(b"GET") and data.endswith(b"\r\n\r\n")) and not data.endswith(b"--\r\n"):
        part = connection.recv(65536)
        if not part:
            break
        data += part
    return data.split(b" HTTP")[0]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"the photo's bytes")
    return path


def test_a_kept_connection_closed_before_a_byte_of_answer_is_repeated_once(photo: Path) -> None:
    with serving([[READY], [FACES]]) as (client, asked):
        assert client.is_ready()
        assert isinstance(client.encode(photo, "a.jpg"), Encoded)
    assert asked == [b"GET /readyz", b"POST /encode", b"POST /encode"]


@pytest.mark.parametrize("first", [[], [HALF]], ids=["before a byte", "in the middle"])
def test_a_new_connection_that_is_closed_is_not_repeated(photo: Path, first: list[bytes]) -> None:
    with serving([first, [READY]]) as (client, asked):
        answer = client.encode(photo, "a.jpg")
    assert isinstance(answer, NotEncoded)
    assert isinstance(answer.error, AnswerLost)
    assert not answer.error.timed_out
    assert asked[:2] == [b"POST /encode", b"GET /readyz"]


def test_a_repetition_is_not_repeated(photo: Path) -> None:
    with serving([[READY], [], [READY]]) as (client, asked):
        assert client.is_ready()
        answer = client.encode(photo, "a.jpg")
    assert isinstance(answer, NotEncoded)
    assert isinstance(answer.error, AnswerLost)
    assert asked[:4] == [b"GET /readyz", b"POST /encode", b"POST /encode", b"GET /readyz"]


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_an_api_behind_tls_whose_certificate_nobody_trusts_is_not_spoken_to(tmp_path: Path, scheme: str) -> None:
    signed = Authority(tmp_path / "authority").sign("api")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.certificate, signed.key)
    heard: list[str] = []

    def listen(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        try:
            context.wrap_socket(connection, server_side=True).close()
        except ssl.SSLError as error:
            heard.append(error.reason)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,))
        thread.start()
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        with open_http(url, key=None, timeout=30) as http, pytest.raises(FaceApiUnavailable):
            FaceClient(http).require_ready()
        thread.join(30)
    assert heard == ["TLSV1_ALERT_UNKNOWN_CA"]
