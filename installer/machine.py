"""What this machine is: read once, before the checks; nothing is changed by it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_OS_RELEASE = Path("/etc/os-release")


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts that the checks and the plan need."""

    distribution: str
    version: tuple[int, ...]
    architecture: str
    cpu_flags: frozenset[str]
    cores: int
    memory_mb: int
    is_root: bool
    python: tuple[int, int]
    """Of the machine's own python3, or of the one that it will get."""
    has_python: bool
    has_pip: bool
    """Whether that makes venvs with pip."""
    has_apt: bool
    has_systemd: bool
    """Running as process 1."""
    has_supervisor: bool
    """Answering."""
    knows_supervisor: bool
    """Installed."""

    @classmethod
    def read(cls, private_python: bool = False) -> Machine:
        """Of this machine; `private_python`: the python3 that runs this was unpacked for the checks only."""
        release = _os_release()
        return cls(
            distribution=release.get("ID", "unknown"),
            version=tuple(int(part) for part in release.get("VERSION_ID", "0").split(".") if part.isdigit()),
            architecture=platform.machine(),
            cpu_flags=_cpu_flags(),
            cores=len(os.sched_getaffinity(0)),
            memory_mb=_memory_mb(),
            is_root=os.geteuid() == 0,
            python=sys.version_info[:2],
            has_python=not private_python,
            has_pip=not private_python and importlib.util.find_spec("ensurepip") is not None,
            has_apt=shutil.which("apt-get") is not None,
            has_systemd=Path("/run/systemd/system").is_dir(),
            has_supervisor=_supervisor_answers(),
            knows_supervisor=shutil.which("supervisord") is not None,
        )


def _os_release() -> dict[str, str]:
    try:
        lines = _OS_RELEASE.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name: value.strip("\"'") for name, _, value in (line.partition("=") for line in lines)}


def _cpu_flags() -> frozenset[str]:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


def _memory_mb() -> int:
    """What this machine, or the container that we are in, may use."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = Path(name).read_text(encoding="ascii").strip() if Path(name).exists() else "max"
        limits += [int(text)] if text.isdigit() else []
    return min(limits) // 1024**2


def _supervisor_answers() -> bool:
    if shutil.which("supervisorctl") is None:
        return False
    if os.geteuid() != 0:
        # It answers root alone; any other user can see that it runs.
        return any(_name_of(process) == "supervisord" for process in Path("/proc").glob("[0-9]*"))
    answer = subprocess.run(["supervisorctl", "pid"], capture_output=True, text=True, check=False)
    return answer.stdout.strip().isdigit()


def _name_of(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
