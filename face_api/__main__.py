"""python -m face_api: gunicorn with our conf, as production runs it. Everything is set by FACE_… variables."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

from face_api.engines.crash_register import require_folder
from face_api.http.access import Access
from face_api.server import open_files
from face_api.server.addresses import Addresses
from face_api.server.master import Api
from face_api.server.sockets import inherited, require_same
from faces.errors import EngineError, SettingsError
from faces.photo import models
from faces.settings import load
from faces.system.address import Address
from faces.system.systemd_notify import SystemdNotifier

#: Seconds for which an address may still be held by the service that we take over from.
_PATIENCE = 5.0


def main() -> int:
    """Check what can be checked, then serve. Exit code 2: a setting is wrong; 1: something is missing or in use."""
    # numpy's and OpenCV's algebra library starts threads when it is loaded; a fork would lose them and their locks.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        settings = load()
        access = Access.of(settings)
        require_folder(settings)
        models.find(settings.models_dir)
        _check_places(access.addresses)
    except SettingsError as error:
        return _complain(error, 2)
    except (EngineError, AddressInUse) as error:
        return _complain(error, 1)
    open_files.raise_limit()
    sys.argv = ["face_api", "--config", str(Path(__file__).with_name("server") / "gunicorn.conf.py")]
    Api(SystemdNotifier.take(), usage="%(prog)s [OPTIONS]", prog="face_api").run()
    return 0


class AddressInUse(Exception):
    """Somebody else listens there, or the address is not this machine's."""


def _check_places(addresses: Addresses) -> None:
    """Where systemd holds the sockets, that they are the right ones; else that the addresses can be listened on."""
    if handles := inherited(os.environ):
        require_same(handles, addresses)
        return
    for address in addresses.all():
        _wait_until_free(address)


def _wait_until_free(address: Address) -> None:
    """Try to listen: gunicorn's own words for a failure take ten lines.

    Raises:
        AddressInUse: it did not become free, or it cannot be listened on.
        SettingsError: the host is unknown.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f"the host of {address} is unknown: {error.strerror}") from error
    end = time.monotonic() + _PATIENCE
    while True:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(place)
            except OSError as error:
                if time.monotonic() > end:
                    raise AddressInUse(f"{address} cannot be listened on: {error.strerror}") from error
                time.sleep(0.2)
            else:
                return


def _complain(error: Exception, code: int) -> int:
    print(f"face_api: {error}", file=sys.stderr)  # noqa: T201  the log is not set up yet
    return code


if __name__ == "__main__":
    sys.exit(main())
