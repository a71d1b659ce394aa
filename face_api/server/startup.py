"""What happens before gunicorn serves: everything that can be checked is, so that a wrong setting is one sentence."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from face_api.engines.crash_register import require_folder
from face_api.http.access import Access
from faces.http.server.http_connections import raise_limit_of_open_files
from faces.http.server.master import GunicornApplication
from faces.http.server.sockets import require_sockets
from faces.photo import models
from faces.settings import Settings, risk_of
from faces.system.systemd_notify import SystemdNotifier

_log = logging.getLogger(__name__)


def check(settings: Settings) -> None:
    """Refuse what gunicorn would refuse later and at length.

    Raises:
        SettingsError: a setting is wrong, or does not fit systemd's sockets.
        ModelMissing: a model file is missing.
        AddressInUse: an address cannot be listened on.
    """
    access = Access.of(settings)
    require_folder(settings)
    models.find(settings.models_dir)
    require_sockets(access.addresses)


def serve() -> None:
    """Run gunicorn with our conf, until a signal ends it."""
    raise_limit_of_open_files()
    sys.argv = ["face_api", "--config", str(Path(__file__).with_name("gunicorn.conf.py"))]
    GunicornApplication(SystemdNotifier.take(), usage="%(prog)s [OPTIONS]", prog="face_api").run()


def warn_of_pictures(settings: Settings) -> None:
    """Log what may cost photos their debug pictures, and names: the setting, and disks that cannot be written.

    Called once in the master, so that it is not the first user's photo that tells.
    """
    if risk := risk_of(settings.debug_pictures):
        _log.warning("%s", risk)
    if settings.debug_pictures != "off":
        warn_of_unwritable(settings.disk_roots)


def warn_of_unwritable(roots: Mapping[str, Path]) -> None:
    """Log each disk's root below which no debug picture can be written."""
    for name, root in roots.items():
        if reason := _why_unwritable(root):
            _log.warning(
                "FACE_DISK_ROOTS: no debug picture can be written to the disk %s: %s %s; needed a folder that this "
                "user may write, and under systemd a line ReadWritePaths=%s for face-api",
                name,
                root,
                reason,
                root,
            )


def _why_unwritable(root: Path) -> str | None:
    if not root.is_dir():
        return "is not there, or is no folder"
    return None if os.access(root, os.W_OK | os.X_OK) else "is not writable"
