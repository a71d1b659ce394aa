"""Measure what a job costs in libraries of several sizes: see script/bench-job."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median

from PIL import Image, ImageEnhance

from faces.client.face_client import FaceClient
from faces.client.kept_connections import open_http
from faces.laravel.disks import Disks
from faces.library.arrivals import Arrivals
from faces.library.calibrated import Calibrated
from faces.library.library import Library
from faces.people.cohort import Cohort, read_cohort
from faces.people.linking import Linking
from faces.store.database import Store
from faces.store.who import identities_of
from script.benches.large_library import new_library
from tests.servers.mariadb import MariaDB, running_mariadb
from tests.servers.rows import Rows
from tests.servers.running_api import RunningApi
from worker.jobs.context import ALONE
from worker.jobs.faces import Tools, process_image

ROOT = Path(__file__).resolve().parents[2]

#: By how much a job may cost more in the largest library than in the smallest.
_MOST = 1.10

#: How many bytes a person or a group may take in a process.
_MOST_BYTES = 614

#: Sizes of the photos: as telephones take them, and as they are sent.
_PHOTOS = {"large": (4000, 3000), "small": (1600, 1200)}

#: Sample photos, and the part of each that shows one face: left, upper, right, lower, as parts of its width and height.
_PORTRAITS = {
    "photos/astronaut.png": (0.1, 0.0, 0.7, 0.6),
    "known/Barack Obama.jpg": (0.1, 0.0, 0.9, 0.8),
    "known/Joe Biden.jpg": (0.1, 0.0, 0.9, 0.8),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one job."""

    wall: float
    api: float
    worker: float
    database: float

    @property
    def job(self) -> float:
        """CPU seconds of API and worker together."""
        return self.api + self.worker


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench-job", description=__doc__)
    parser.add_argument("--people", default="1000,10000,100000", metavar="N,N", help="people, and as many groups, each")
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="jobs in each library (default: 15)")
    parser.add_argument("--photo", choices=sorted(_PHOTOS), default="large", help="12 or 2 megapixels")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    told = parser.parse_args()
    sizes = [int(size) for size in told.people.split(",")]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mariadb = stack.enter_context(running_mariadb("--innodb-buffer-pool-size=1G", "--innodb-log-file-size=256M"))
        api = RunningApi(folder / "api", {"FACE_API_PROCESSES": "1", "FACE_DISK_ROOTS": f"photos={folder}"})
        stack.callback(api.stop)
        api.wait_until_ready()
        cohort = read_cohort()
        libraries = {size: _Filled(stack, mariadb, cohort, size, folder, api) for size in sizes}
        found: dict[int, list[Cost]] = {size: [] for size in sizes}
        # The first job of each reads the library; it is a worker's start, and counts for nothing.
        for number in range(told.rounds + 1):
            photo = _photo(folder / f"{number}.jpg", _PHOTOS[told.photo], number)
            order = sizes if number % 2 else sizes[::-1]
            costs = {size: libraries[size].do(photo) for size in order}
            for size in sizes if number else ():
                found[size].append(costs[size])
        each = _bytes_each(libraries[sizes[-1]].url)
    figures = {size: asdict(_median(costs)) | {"job": _median(costs).job} for size, costs in found.items()}
    # The API knows of no library: how it differs between them is chance.
    api = median(cost.api for costs in found.values() for cost in costs)
    first, last = (figures[size]["worker"] for size in (sizes[0], sizes[-1]))
    ratio = (api + last) / (api + first)
    words = json.dumps(figures | {"ratio": ratio, "bytes": each}) if told.json else _words(figures, ratio, each)
    print(words)  # noqa: T201  the answer
    return 1 if ratio > _MOST or each > _MOST_BYTES else 0


class _Filled:
    """A library of a size, and what does a job in it."""

    def __init__(
        self, stack: ExitStack, mariadb: MariaDB, cohort: Cohort, size: int, folder: Path, api: RunningApi
    ) -> None:
        self.url = url = new_library(mariadb, cohort, size)
        self._mariadb, self._api = mariadb, api
        store = stack.enter_context(closing(Store.open(url)))
        self._rows = stack.enter_context(closing(Rows(url)))
        http = stack.enter_context(open_http(api.url, key=None, timeout=120))
        library = Library(cohort)
        self._tools = Tools(
            store,
            FaceClient(http),
            Disks.of({"photos": folder}),
            Linking(0.6),
            Calibrated(library, identities_of(store.schema)),
            debug_pictures=False,
            arrivals=Arrivals(store, library),
        )

    def do(self, photo: Path) -> Cost:
        """The job of a new image with this photo."""
        image = self._rows.image(path="", filename=photo.name)
        before = self._now()
        done = process_image(self._tools, image, ALONE)
        after = self._now()
        assert done.found == len(_PORTRAITS), f"found {done.found} faces"
        return Cost(*(float(end - start) for start, end in zip(before, after, strict=True)))

    def _now(self) -> tuple[float, ...]:
        """Wall seconds, and CPU seconds of the API's processes, of this one and of the database."""
        api = [self._api.master.pid, *(process.pid for process in self._api.processes())]
        return time.perf_counter(), _cpu(api), time.process_time(), _cpu([self._mariadb.pid])


def _cpu(processes: Iterable[int]) -> float:
    """Of all their threads that live; the kernel's other figures are whole hundredths of a second."""
    tasks = (task for process in processes for task in Path(f"/proc/{process}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _median(costs: list[Cost]) -> Cost:
    return Cost(*(median(getattr(cost, field.name) for cost in costs) for field in fields(Cost)))


def _photo(file: Path, size: tuple[int, int], number: int) -> Path:
    """Three portraits beside each other; each number's are a little brighter, so that its faces are others."""
    wall = Image.new("RGB", size, (120, 130, 140))
    for place, (name, part) in enumerate(_PORTRAITS.items()):
        with Image.open(ROOT / ".cache/samples" / name) as opened:
            edges = [round(edge * length) for edge, length in zip(part, opened.size * 2, strict=True)]
            one = opened.convert("RGB").crop((edges[0], edges[1], edges[2], edges[3]))
        one = ImageEnhance.Brightness(one).enhance(0.9 + 0.01 * number)
        one = one.resize((size[0] // 3, one.height * size[0] // 3 // one.width), Image.Resampling.LANCZOS)
        wall.paste(one, (place * size[0] // 3, 7 * number))
    wall.save(file, quality=90)
    return file


def _bytes_each(url: str) -> float:
    """Of a person or group, in a process that has read all."""
    command = [sys.executable, "-m", "script.benches.library_memory", url]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout  # noqa: S603  ours
    more, rows = told.split()
    return int(more) / int(rows)


def _words(figures: dict[int, dict[str, float]], ratio: float, each: float) -> str:
    lines = [f"{size:8d} people and groups: " + _line(one) for size, one in figures.items()]
    return "\n".join(
        [
            "CPU ms of a job with three faces (medians)",
            *lines,
            f"API and worker, largest to smallest: {ratio:.3f}",
            f"bytes a person or group: {each:.0f}",
        ]
    )


def _line(one: dict[str, float]) -> str:
    return ", ".join(f"{name} {1000 * seconds:.1f}" for name, seconds in one.items())


if __name__ == "__main__":
    sys.exit(main())
