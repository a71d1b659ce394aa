"""python -m face_api: gunicorn with our conf, as production runs it. Everything is set by FACE_… variables."""

from __future__ import annotations

import os
import sys

from face_api.server import startup
from faces.errors import EngineError, SettingsError
from faces.http.server.sockets import AddressInUse
from faces.settings import load


def main() -> int:
    """Check what can be checked, then serve. Exit code 2: a setting is wrong; 1: something is missing or in use."""
    # The algebra library of numpy and OpenCV starts threads when it is loaded; a fork would lose them and their locks.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        startup.check(load())
    except SettingsError as error:
        return _complain(error, 2)
    except (EngineError, AddressInUse) as error:
        return _complain(error, 1)
    startup.serve()
    return 0


def _complain(error: Exception, code: int) -> int:
    print(f"face_api: {error}", file=sys.stderr)  # noqa: T201  the log is not set up yet
    return code


if __name__ == "__main__":
    sys.exit(main())
