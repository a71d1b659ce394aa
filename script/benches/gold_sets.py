"""Measure what gold sets cost, and how boxes of one face and of two overlap: see script/bench-gold."""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import sqlalchemy as sa

from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.client.face_client import FaceClient
from faces.errors import PhotoError
from faces.gold import gold_file
from faces.gold.box_pairs import SAME_FACE, overlap
from faces.gold.comparing import compared
from faces.gold.contents import Contents
from faces.gold.filling import fill, marks_of_faces
from faces.gold.gold_file import GoldMark, GoldPhoto, GoldSet, Says
from faces.gold.updating import updated
from faces.laravel.disks import Disks
from faces.library.arrivals import Arrivals
from faces.library.library import Library
from faces.people.cohort import read_cohort
from faces.photo.decoding import PhotoLimits
from faces.photo.engine import FaceEngine
from faces.photo.face import RatioBox
from faces.photo.open_engine import open_engine
from faces.photo.photo import Photo
from faces.settings import load
from faces.store.database import Store, Transaction
from faces.store.faces import write_box
from faces.store.schema import faces, scan_marks
from script.benches.large_library import fill_library
from tests.servers.app_schema import ALL
from tests.servers.library_rows import tables_at
from tests.servers.mariadb import running_mariadb
from worker.commands.gold_photos import GoldPhotos

#: People with a name and a photo each beside the set, and photos of each person in the set.
_KNOWN, _PHOTOS = 10, 50

#: Every so many marks are of a stranger.
_STRANGERS = 5

_BOX = RatioBox(top=0.25, right=0.5, bottom=0.75, left=0.125)

#: Longest sides that a photo is scanned at, one after the other.
_SIDES = (500, 640, 800, 1100, 1600)

_LIMITS = PhotoLimits(100_000_000, 1 << 30)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GoldFigure:
    """What one step cost."""

    cpu: float
    seconds: float
    statements: int
    megabytes: float


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/bench-gold", description=__doc__)
    parser.add_argument("--photos", type=int, default=20_000, metavar="N", help="photos that the set has")
    parser.add_argument("--boxes", type=Path, metavar="DIR", help="measure how boxes overlap on these photos instead")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    told = parser.parse_args()
    lines = _overlaps(told.boxes) if told.boxes else _costs(told.photos, as_json=told.json)
    for line in lines:
        print(line, flush=True)  # noqa: T201  the answer
    return 0


def _costs(photos: int, *, as_json: bool) -> Iterator[str]:
    with TemporaryDirectory(prefix="bench-gold-") as folder, running_mariadb() as server:
        url = f"sqlite:///{folder}/faces.db"
        Store.open(url, create=True).close()
        for name, database in (("SQLite", url), ("MariaDB", server.new_database(*ALL))):
            found = _measure(database, Path(folder), photos)
            if as_json:
                yield json.dumps({name: {what: asdict(one) for what, one in found.items()}})
                continue
            yield f"{name:24} CPU s   clock s   statements   MB more"
            for what, one in found.items():
                yield f"  {what:20} {one.cpu:9.2f} {one.seconds:9.2f} {one.statements:12} {one.megabytes:9.0f}"


def _measure(url: str, folder: Path, photos: int) -> dict[str, GoldFigure]:
    fill_library(url, tables_at(url), cohort := read_cohort(), people=_KNOWN, groups=photos)
    contents_of = {face: f"photo {face:09}".encode() for face in range(1, _KNOWN + photos + 1)}
    (folder / "made").mkdir(exist_ok=True)
    for face, data in contents_of.items():
        (folder / f"made/{face}.jpg").write_bytes(data)
    file, found = folder / "gold.jsonl", dict[str, GoldFigure]()
    with closing(Store.open(url)) as store:
        store.write(partial(_place, contents=contents_of))
        answers = Answers(Arrivals(store, Library(cohort)))
        answers.arrivals.follow()
        files = GoldPhotos(store, Disks.of({"photos": folder}), _no_api, lambda _: None)
        made = _gold({face: data for face, data in contents_of.items() if face > _KNOWN})
        _cost(found, "write the file", lambda: gold_file.write(file, made))
        gold = _cost(found, "read the file", lambda: gold_file.read(file))
        _cost(found, "compare", lambda: list(compared(gold, Contents(store, files).of_gold(gold))))
        marks = _cost(found, "import: its faces", lambda: marks_of_faces(gold, Contents(store, files).of_gold(gold)))
        done = _cost(found, "import: answers", lambda: list(fill(answers, GivenAnswer("bench"), marks.faces)))
        if sum(len(one.faces) for one in done) != photos:
            raise AssertionError(f"found {sum(len(one.faces) for one in done)} faces answered, needed {photos}")
        _cost(found, "export, a new file", lambda: updated({}, Contents(store, files).answered({})))
        _cost(found, "export, an old one", lambda: updated(gold, Contents(store, files).answered(gold)))
    return found


def _no_api() -> FaceClient:
    raise AssertionError("found a face without a box, needed none")


def _gold(contents: dict[int, bytes]) -> GoldSet:
    found: GoldSet = {}
    for face, data in contents.items():
        is_stranger = face % _STRANGERS == 0
        person = None if is_stranger else f"Marked {face // _PHOTOS}"
        mark = GoldMark(_BOX, Says.STRANGER if is_stranger else Says.PERSON, person)
        sha256 = hashlib.sha256(data).hexdigest()
        found[sha256] = GoldPhoto(sha256, len(data), f"{face}.jpg", (mark,))
    return found


def _place(transaction: Transaction, contents: dict[int, bytes]) -> None:
    """Give faces their places and, in a file of our own, photos their contents."""
    transaction.connection.execute(sa.update(faces).values(box=write_box(_BOX)))
    if transaction.schema.ours:
        rows = [
            {"image_id": face, "size": len(data), "modified_ns": 0, "sha256": hashlib.sha256(data).digest()}
            for face, data in contents.items()
        ]
        transaction.connection.execute(sa.insert(scan_marks), rows)


def _cost(found: dict[str, GoldFigure], what: str, work: Callable[[], T]) -> T:
    with _count_statements() as asked:
        highest, cpu, clock = _highest_memory(), time.process_time(), time.perf_counter()
        done = work()
        cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    found[what] = GoldFigure(cpu, clock, len(asked), _highest_memory() - highest)
    return done


def _highest_memory() -> float:
    """Of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def _count_statements() -> Iterator[list[str]]:
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    yield asked
    sa.event.remove(sa.Engine, "before_cursor_execute", hear)


# --- boxes ---


def _overlaps(folder: Path) -> Iterator[str]:
    """Of each two sizes that a photo is scanned at; a face's nearest box at the other size is taken for its own."""
    engine, same, others, photos = open_engine(load()), list[float](), list[float](), 0
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        try:
            photo = engine.decode(file.read_bytes(), _LIMITS)
            found = [_scan(engine, photo, size, side) for side, size in _sizes(photo).items()]
        except PhotoError:
            continue
        photos += 1
        for boxes in found:
            others += [overlap(one, other) for one, other in combinations(boxes, 2)]
        for ones, at_other in combinations(found, 2):
            for one in ones:
                near = sorted(overlap(one, other) for other in at_other)
                same += [near[-1]] if near and near[-1] > 0 else []
                others += near[:-1]
    yield f"{photos} photos, each scanned with a longest side of {', '.join(map(str, _SIDES))} pixels, never enlarged"
    shares = ", ".join(f"{share:g} % {np.quantile(same, share / 100):.2f}" for share in (0, 1, 5, 50))
    below = sum(value < SAME_FACE for value in same)
    yield f"one face at two sizes: {len(same)} pairs, {below} below {SAME_FACE}; quantiles {shares}"
    yield f"two faces of a photo: {len(others)} pairs, the most {max(others, default=0):.2f}"


def _sizes(photo: Photo) -> dict[int, tuple[int, int]]:
    """The sides that show different pixels, with width and height."""
    sizes = {photo.size_at(side): side for side in reversed(_SIDES)}
    return {side: size for size, side in sizes.items()}


def _scan(engine: FaceEngine, photo: Photo, size: tuple[int, int], side: int) -> list[RatioBox]:
    return [one.box.ratios(*size) for one in engine.detect(photo.scaled(side))]


if __name__ == "__main__":
    sys.exit(main())
