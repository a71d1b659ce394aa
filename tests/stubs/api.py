"""The face API at the client's seam: scripted answers as the tests' small HTTP server has them, without a socket."""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from tests.servers.scripted_api import Answer, Script, filename_in
from tests.stubs.clock import Clock


class StubApi(Script):
    """A transport for `httpx2.Client`. Waits are turned, and an answer that hangs takes as long as it may."""

    url = "http://stub.invalid"

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.away = False
        """Whether connections are refused."""
        self.meanwhile: Callable[[str], None] | None = None
        """Called with a photo's name while its job is in hand."""

    def client(self, timeout: float) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=timeout, transport=httpx2.MockTransport(self._answer))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.away:
            raise httpx2.ConnectError("Connection refused")
        if request.method == "GET":
            return httpx2.Response(200 if self.ready else 503, content=b"{}")
        # As every connection here is: one that was not kept.
        request.extensions["trace"]("connection.connect_tcp.complete", {})
        filename = filename_in(request.read())
        answer = self.next(request.read(), kept=False)
        if self.meanwhile:
            self.meanwhile(filename)
        self._wait(answer, request.extensions["timeout"]["read"])
        if answer.breaks:
            raise httpx2.RemoteProtocolError("Server disconnected without sending a response.")
        return httpx2.Response(answer.status, content=answer.body, headers=dict(answer.headers))

    def _wait(self, answer: Answer, timeout: float) -> None:
        if answer.hangs or answer.seconds > timeout:
            self._clock.turn(timeout)
            raise httpx2.ReadTimeout("timed out")
        self._clock.turn(answer.seconds)
