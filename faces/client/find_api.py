"""The face API that a command uses: the configured one, one that answers at the usual address, or a private one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from faces.client import private_api
from faces.client.face_client import FaceClient, open_http
from faces.errors import FaceApiUnavailable
from faces.settings import Settings


@contextmanager
def face_api(settings: Settings, url: str | None, say: Callable[[str], None]) -> Iterator[FaceClient]:
    """A client of an API that answers: the one at `url`, if that is given.

    What is started for it ends with the block, and `say` hears of it.

    Raises:
        FaceApiUnavailable: the configured API does not answer, or a private one does not start.
    """
    with ExitStack() as stack:
        if url:
            client = _client(stack, settings, url)
            if client.health() is None:
                raise FaceApiUnavailable(
                    f"no face API answers at {url} (FACE_API_URL): start it there, "
                    "or unset FACE_API_URL for a private one"
                )
        else:
            client = _client(stack, settings, f"http://{settings.api_address}")
            if client.health() is None or not client.is_ready():
                say(f"no face API answers at {settings.api_address}: starting a private one for this command")
                client = _client(stack, settings, stack.enter_context(private_api.running()))
        yield client


def _client(stack: ExitStack, settings: Settings, url: str) -> FaceClient:
    key = settings.api_key.get_secret_value() if settings.api_key else None
    return FaceClient(stack.enter_context(open_http(url, key=key, timeout=settings.api_timeout)))
