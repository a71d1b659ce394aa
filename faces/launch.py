"""Starts a door with the variables of face.env and as the service's own user: what every unit and command begins with.

    python -m faces.launch [--env-file FILE] [--user USER --group GROUP] -- MODULE ARGUMENTS…

becomes `python -m MODULE ARGUMENTS…` in the same process, so that its supervisor knows it by its number.
"""

from __future__ import annotations

import argparse
import grp
import os
import pwd
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from faces.errors import SettingsError
from faces.system import env_file
from faces.system.parent_process import end_with

#: What may be started.
MODULES = ("face_api", "worker")

#: The environment's file of the whole machine, and its name among systemd's credentials.
ENV_FILE = Path("/etc/face-sidecar/face.env")

#: Services and commands share it, whichever user starts them.
_DEFAULTS = {"FACE_STATE_DIR": "/var/lib/face-sidecar"}

#: PHP and we write into the same folders, as two users of one group.
UMASK = 0o002

_ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Become the module. Returns only when that cannot be: exit code 2, and one sentence says why."""
    given = _parser().parse_args(arguments)
    parent = os.getppid()
    try:
        file = given.env_file or _usual_file(os.environ)
        # Only root may read the file: read it before becoming the other user.
        variables = env_file.read(file)
        home = _become(given.user, given.group) if given.user else {}
        if "SUPERVISOR_ENABLED" in os.environ:
            # A new supervisor would start everything a second time. Not needed under systemd, which ends the cgroup.
            end_with(parent)
        os.umask(UMASK)
        _exec(given.module, given.words, _DEFAULTS | variables | dict(os.environ) | home)
    except SettingsError as error:
        print(f"{given.module}: {error}", file=sys.stderr)  # noqa: T201  there is no log yet
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faces.launch", description=__doc__.splitlines()[0])
    parser.add_argument("--env-file", type=Path, help=f"default: systemd's credential face.env, else {ENV_FILE}")
    parser.add_argument("--user", help="who to be from here on, where root starts us")
    parser.add_argument("--group", help="default: the user's own")
    parser.add_argument("module", choices=MODULES)
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="ARGUMENTS")
    return parser


def _usual_file(environment: Mapping[str, str]) -> Path:
    """Systemd hands the service a copy of root's file that its own user can read."""
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    handed = Path(credentials) / ENV_FILE.name if credentials else None
    return handed if handed and os.access(handed, os.R_OK) else ENV_FILE


def _become(user: str, group: str | None) -> dict[str, str]:
    """Stop being root, for good; returns what the environment says of the new user.

    Raises:
        SettingsError: there is no such user or group, or we are neither root nor that user.
    """
    try:
        entry = pwd.getpwnam(user)
        gid = grp.getgrnam(group).gr_gid if group else entry.pw_gid
    except KeyError:
        wanted = f"the user {user} and the group {group}" if group else f"the user {user}"
        raise SettingsError(f"found no such user or group, needed {wanted}") from None
    if os.geteuid() == entry.pw_uid:
        return {}
    if os.geteuid() != 0:
        raise SettingsError(f"found the user number {os.geteuid()}, needed root (sudo) or {user}")
    os.setgroups(sorted({gid, *os.getgrouplist(user, entry.pw_gid)}))
    os.setgid(gid)
    os.setuid(entry.pw_uid)
    return {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user}


def _exec(module: str, words: Sequence[str], environment: dict[str, str]) -> NoReturn:
    """Replace this process. Our code is found from any folder, and from Python 3.11 on nothing of that folder is.

    Raises:
        SettingsError: the user may not run this interpreter.
    """
    environment |= {"PYTHONPATH": str(_ROOT), "PYTHONSAFEPATH": "1"}
    try:
        os.execve(sys.executable, [sys.executable, "-m", module, *words], environment)  # noqa: S606  no shell is wanted
    except OSError as error:
        raise SettingsError(f"{sys.executable} cannot be run by this user: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
