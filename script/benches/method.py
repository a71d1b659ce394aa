"""One way of finding faces in a process of its own: takes paths, tells what each photo cost."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]

#: A process and the libraries in it use one core, so that CPU seconds compare.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "FACE_API_PROCESSES": "1"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one photo cost: seconds, megabytes of memory at the peak (the whole process), and what was found."""

    cpu: float
    wall: float
    peak_mb: float
    faces: int
    scale: int | None


class Method:
    """`reference` or `ours` in a child process, which loads everything first and works when it is asked."""

    def __init__(self, name: str) -> None:
        """Start it and wait until it is ready."""
        self._process = subprocess.Popen(  # noqa: S603  our own Python
            [sys.executable, "-W", "ignore", "-m", "script.benches.method", name],
            cwd=ROOT,
            env={**os.environ, **_ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()

    def __enter__(self) -> Method:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def cost(self, photo: Path) -> Cost:
        """Have it find the faces of one photo."""
        assert self._process.stdin is not None
        print(photo, file=self._process.stdin, flush=True)
        return Cost(**json.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None
        if not (line := self._process.stdout.readline()):
            raise SystemExit(f"a measured process ended with {self._process.wait()}")
        return line


def main(name: str) -> None:
    """Load, say so, then answer each path with a line of JSON."""
    find = {"reference": _reference, "ours": _ours}[name]()
    print("ready", flush=True)  # noqa: T201  to the parent
    for line in sys.stdin:
        print(json.dumps(asdict(_measured(find, Path(line.rstrip("\n"))))), flush=True)  # noqa: T201


def _measured(find: Callable[[Path], tuple[int, int | None]], photo: Path) -> Cost:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew: proc(5)
    cpu, wall = _cpu(), time.perf_counter()
    faces, scale = find(photo)
    return Cost(_cpu() - cpu, time.perf_counter() - wall, _peak_mb(), faces, scale)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


def _reference() -> Callable[[Path], tuple[int, int | None]]:
    from tests.oracle.reference import face_recognition, reference

    face_recognition()

    def find(photo: Path) -> tuple[int, int | None]:
        found = reference(photo)
        return len(found.boxes), found.scale

    return find


def _ours() -> Callable[[Path], tuple[int, int | None]]:
    from faces.photo.decoding import PhotoLimits
    from faces.photo.open_engine import open_engine
    from faces.settings import load

    settings = load()
    engine, limits = open_engine(settings), PhotoLimits.of(settings)

    def find(photo: Path) -> tuple[int, int | None]:
        found = engine.find(engine.decode(photo.read_bytes(), limits))
        return len(found.faces), found.scale

    return find


if __name__ == "__main__":
    main(sys.argv[1])
