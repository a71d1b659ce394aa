"""Print the lines of a lock that one Python on one machine takes, without their markers: wanted.py LOCK 3.11.2 x86_64.

Pip reads markers as the Python that runs it, also where it downloads for another one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.markers import Marker


def main(lock: Path, python: str, machine: str) -> None:
    """Each requirement with its hashes, one a line."""
    around = {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "extra": "",
    }
    for line in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        words, _, hashes = line.partition("--hash=")
        requirement, _, marker = (part.strip() for part in words.partition(";"))
        if hashes and (not marker or Marker(marker).evaluate(around)):
            print(f"{requirement} --hash={hashes.strip()}")  # noqa: T201  the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:4])
