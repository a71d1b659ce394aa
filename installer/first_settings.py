"""The first face.env: etc/face.env.example with what this machine and its app say. No secret of the app is in it."""

from __future__ import annotations

import re

from installer.api_name import unknown_name
from installer.app import App
from installer.face_env import FaceEnv
from installer.install_paths import Places
from installer.machine import Machine
from installer.machine_share import MachineShare
from installer.options import Options


def values(machine: Machine, options: Options, places: Places, app: App | None) -> dict[str, str]:
    """The variables that are set in it; all others keep their defaults."""
    found = {"FACE_STATE_DIR": str(places.state)}
    share = MachineShare.of(machine.cores, machine.memory_mb, options.api_processes)
    if options.api_processes or share.processes < machine.cores:
        found["FACE_API_PROCESSES"] = str(share.processes)
    if app:
        found["LARAVEL_ENV_FILE"] = str(app.env_file)
        roots = {name: root for name, root in app.disks.roots.items() if root.is_dir()}
        if roots:
            found["FACE_DISK_ROOTS"] = ",".join(f"{name}={root}" for name, root in roots.items())
        if host := unknown_name(app, FaceEnv({})):
            found["FACE_API_HOSTS"] = host
    return found


def filled(example: str, found: dict[str, str]) -> bytes:
    """The example's text with these variables set."""
    for name, value in found.items():
        example, count = re.subn(rf"^#{name}=.*$", lambda _, n=name, v=value: f"{n}={v}", example, flags=re.MULTILINE)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{name} stands {count} times in the example")
    return example.encode()
