"""python -m people_api: gunicorn with our conf, as production runs it. Everything is set by FACE_… variables."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from faces.errors import SettingsError
from faces.http.server.http_connections import raise_limit_of_open_files
from faces.http.server.master import GunicornApplication
from faces.http.server.sockets import AddressInUse, require_sockets
from faces.settings import load
from faces.system.systemd_notify import SystemdNotifier
from people_api.http.access import PeopleAccess


def main() -> int:
    """Check what can be checked, then serve. Exit code 2: a setting is wrong; 1: the address is in use."""
    # The algebra library of numpy starts threads when it is loaded; a fork would lose them and their locks.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        require_sockets(PeopleAccess.of(load()).addresses)
    except SettingsError as error:
        return _complain(error, 2)
    except AddressInUse as error:
        return _complain(error, 1)
    raise_limit_of_open_files()
    sys.argv = ["people_api", "--config", str(Path(__file__).with_name("gunicorn.conf.py"))]
    GunicornApplication(SystemdNotifier.take(), usage="%(prog)s [OPTIONS]", prog="people_api").run()
    return 0


def _complain(error: Exception, code: int) -> int:
    print(f"people_api: {error}", file=sys.stderr)  # noqa: T201  the log is not set up yet
    return code


if __name__ == "__main__":
    sys.exit(main())
