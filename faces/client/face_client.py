"""The client of the face API: sends a photo as PHP does, and tells a lost answer from an unavailable API."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from faces.client import face_answer
from faces.client.face_answer import REQUEST_ID, Encoded, NotEncoded
from faces.errors import AnswerLost, FaceApiUnavailable, FacesError, FileMissing
from faces.laravel import last_error

#: Seconds to reach the API, and for `/health` and `/readyz`; its answer to a photo may take `FACE_API_TIMEOUT`.
_CONNECT_SECONDS = 10

#: How a kept connection breaks that the API closes at the very moment, before a byte of answer.
_CLOSED = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError)


#: The quality of a debug picture that is WebP, as the app asks for it.
_WEBP_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Drawing:
    """The debug picture that the API is asked to write, a part of the request."""

    original_path: str
    """Where the original lies for the app; the picture is written beside it."""
    subdir: str = "debug"
    as_webp: bool = False

    @property
    def fields(self) -> dict[str, str]:
        """In the order in which PHP sends them."""
        fields = {"original_path": self.original_path, "image_debug_subdir": self.subdir}
        return fields | ({"webp_quality": str(_WEBP_QUALITY)} if self.as_webp else {})


class KeptConnections(httpx2.BaseTransport):
    """HTTP over connections that are kept for a few seconds, and that can be dropped before.

    For the queue's worker, which has one request at a time and drops its connections where the API may have moved.
    """

    def __init__(self) -> None:
        self._kept = _transport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._kept.handle_request(request)

    def drop(self) -> None:
        """Close them, so that the next request looks the API's address up again. Not while another thread sends."""
        self._kept.close()
        self._kept = _transport()

    def close(self) -> None:
        self._kept.close()


def open_http(
    url: str, *, key: str | None, timeout: float, connections: KeptConnections | None = None
) -> httpx2.Client:
    """A client for the API at `url`; the caller closes it. Proxies of the environment are not used."""
    return httpx2.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=httpx2.Timeout(timeout, connect=_CONNECT_SECONDS),
        transport=connections or KeptConnections(),
        trust_env=False,
    )


def _transport() -> httpx2.HTTPTransport:
    return httpx2.HTTPTransport(limits=httpx2.Limits(max_connections=None), trust_env=False)


class FaceClient:
    """Asks the face API, for the job of an image. Threads may share it.

    `http` has the API's URL as its base, and its caller closes it. `drop_idle` closes the connections that it keeps.
    """

    def __init__(self, http: httpx2.Client, drop_idle: Callable[[], None] = lambda: None) -> None:
        self._http = http
        self.drop_idle = drop_idle
        self._place = str(http.base_url).rstrip("/")

    def encode(
        self,
        photo: Path,
        filename: str,
        drawing: Drawing | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
    ) -> Encoded | NotEncoded:
        """Send a photo and read its faces.

        Args:
            photo: the file to send.
            filename: what to call it, `images.filename`.
            drawing: the debug picture to be written; None: none.
            timeout: seconds to wait for the answer; None: as long as the client does.
            request_id: what the API's log is to call the request, as `face_answer.SANE_ID` has it; None: a new name.

        Raises:
            FileMissing: the file cannot be read.
        """
        fields = drawing.fields if drawing else {}
        request_id = request_id or uuid.uuid4().hex
        try:
            answer = self._post(photo, filename, fields, timeout, request_id)
        except OSError as error:
            raise FileMissing(f"cannot read {photo}: {error.strerror or error}") from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.InvalidURL) as error:
            return _refused(FaceApiUnavailable(f"the face API at {self._place} does not answer: {_why(error)}"))
        except httpx2.HTTPError as error:
            return _refused(self._lost(error), request_id)
        return face_answer.read(answer, self._place, request_id)

    def health(self) -> Mapping[str, Any] | None:
        """What `/health` says; None where nothing answers or it is not a face API."""
        try:
            answer = self._http.get("/health", timeout=_CONNECT_SECONDS)
            body = answer.json() if answer.is_success else None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
            return None
        return body if isinstance(body, dict) and "status" in body and "mode" in body else None

    def is_ready(self) -> bool:
        """Whether `/readyz` says within 10 s that photos are taken."""
        try:
            self.require_ready()
        except FaceApiUnavailable:
            return False
        return True

    def require_ready(self) -> None:
        """Ask `/readyz`, for 10 s at most.

        Raises:
            FaceApiUnavailable: no photos are taken; the sentence says why.
        """
        try:
            answer = self._http.get("/readyz", timeout=_CONNECT_SECONDS)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise FaceApiUnavailable(f"the face API at {self._place} does not answer: {_why(error)}") from error
        if not answer.is_success:
            said = last_error.sentence_of(last_error.of_answer(answer.status_code, answer.content))
            raise FaceApiUnavailable(f"the face API at {self._place} takes no photos now: {said}")

    def _post(
        self, photo: Path, filename: str, fields: dict[str, str], timeout: float | None, request_id: str
    ) -> httpx2.Response:
        """Send it; once more where a kept connection was closed before a byte of answer."""
        events: list[str] = []
        trace = {"trace": lambda event, _info: events.append(event)}
        options: dict[str, Any] = {"extensions": trace, "headers": {REQUEST_ID: request_id}}
        if timeout is not None:
            options["timeout"] = httpx2.Timeout(timeout, connect=_CONNECT_SECONDS)
        with photo.open("rb") as file:
            try:
                return self._http.post("/encode", data=fields, files={"image": (filename, file)}, **options)
            except _CLOSED:
                is_new = any(event.startswith("connection.connect_") for event in events)
                if is_new or "http11.receive_response_headers.complete" in events:
                    raise
            file.seek(0)
            return self._http.post("/encode", data=fields, files={"image": (filename, file)}, **options)

    def _lost(self, error: httpx2.HTTPError) -> FacesError:
        """An API that is ready lost the answer to this photo; one that is not is unavailable, whatever the photo."""
        if self.is_ready():
            sentence = f"the face API at {self._place} is ready, but gave no answer to this photo: {_why(error)}"
            return AnswerLost(sentence, timed_out=isinstance(error, httpx2.TimeoutException))
        return FaceApiUnavailable(f"the face API at {self._place} does not answer any more: {_why(error)}")


def _refused(error: FacesError, request_id: str | None = None) -> NotEncoded:
    """`request_id` where the API may have received the request."""
    error.request_id = request_id
    return NotEncoded(error, last_error.limited(str(error)))


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
