"""A good machine with nothing on it, and an app beside which the sidecar goes."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path
from typing import Any

from installer.app import App
from installer.app_disks import FoundDisks
from installer.face_env import FaceEnv
from installer.install_paths import Places
from installer.machine import Machine
from installer.options import Options
from installer.record import Record
from installer.situation import Situation

GOOD = Machine(
    distribution="debian",
    version=(12,),
    architecture="x86_64",
    cpu_flags=frozenset({"avx", "avx2"}),
    cores=4,
    memory_mb=8000,
    is_root=True,
    python=(3, 11),
    has_python=True,
    has_pip=True,
    has_apt=True,
    has_systemd=True,
    has_supervisor=False,
    knows_supervisor=False,
)


USUAL = Options()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def situation(tmp_path: Path, machine: Machine = GOOD, options: Options = USUAL, **changes: Any) -> Situation:
    usual = Situation(
        machine=machine,
        options=options,
        places=Places(root=tmp_path, prefix=tmp_path / "opt/face-sidecar"),
        record=Record(tmp_path / "installed.json"),
        app=None,
        source=Path(__file__).resolve().parents[3],
        settings=FaceEnv({"FACE_API_ADDRESS": f"127.0.0.1:{free_port()}"}),
        holds_ports=False,
    )
    return dataclasses.replace(usual, **changes)


def app_in(folder: Path) -> App:
    disk = folder / "storage"
    disk.mkdir(parents=True, exist_ok=True)
    (folder / ".env").touch()
    return App(folder / ".env", {}, FoundDisks({"local": disk}))
