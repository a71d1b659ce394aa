"""HTTP to the face API: connections that are kept for a few seconds, and the client that is made of them."""

from __future__ import annotations

import httpx2

#: Seconds to reach the API, and for `/health` and `/readyz`; its answer to a photo may take `FACE_API_TIMEOUT`.
CONNECT_SECONDS = 10


class KeptConnections(httpx2.BaseTransport):
    """HTTP over connections that are kept for a few seconds, and that can be dropped before.

    For the queue's worker, which has one request at a time and drops its connections where the API may have moved.
    """

    def __init__(self, url: str) -> None:
        """To the API at `url`."""
        self._tls = not url.lower().startswith("http:")
        self._kept = _transport(tls=self._tls)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._kept.handle_request(request)

    def drop(self) -> None:
        """Close them, so that the next request looks the API's address up again. Not while another thread sends."""
        self._kept.close()
        self._kept = _transport(tls=self._tls)

    def close(self) -> None:
        self._kept.close()


def open_http(
    url: str, *, key: str | None, timeout: float, connections: KeptConnections | None = None
) -> httpx2.Client:
    """A client for the API at `url`; the caller closes it. Proxies of the environment are not used."""
    return httpx2.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=httpx2.Timeout(timeout, connect=CONNECT_SECONDS),
        transport=connections or KeptConnections(url),
        trust_env=False,
    )


def _transport(*, tls: bool) -> httpx2.HTTPTransport:
    # Without TLS nobody is verified, and the certificates of all authorities, which take 20 ms of CPU, are not read.
    return httpx2.HTTPTransport(verify=tls, limits=httpx2.Limits(max_connections=None), trust_env=False)
