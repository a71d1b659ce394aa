"""Measure what answers about thousands of faces cost, in a file and on a server: see script/bench-answers."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import sqlalchemy as sa

from faces.answers import joins, people_marks, who_it_is
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.library.arrivals import Arrivals
from faces.library.groups.settling import Settling
from faces.library.library import Library
from faces.people.cohort import read_cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.kept_face import FaceState
from faces.people.refs import Ref
from faces.store.database import Store, Transaction
from faces.store.schema import faces, images
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.tables import SidecarTables
from script.benches.large_library import fill_library
from tests.servers.app_schema import ALL
from tests.servers.library_rows import tables_at
from tests.servers.mariadb import running_mariadb

#: CPU seconds that an answer may take, of this process: the clock is the disk's and the server's, too.
LIMIT = 1.0

#: Seconds of CPU in which all that is unnamed is looked at once more after an answer.
LOOK_LIMIT = 2.0

#: How far two photos of a person are apart on the mean.
_SPREAD = 0.3

_LOOK = "look at all again"

_ME = "bench"


@dataclass(frozen=True, slots=True)
class Figure:
    """What one answer cost."""

    cpu: float
    seconds: float
    statements: int
    faces: int


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="script/bench-answers", description=__doc__)
    parser.add_argument("--faces", type=int, default=4000, metavar="N", help="faces that an answer is about")
    parser.add_argument("--library", type=int, default=200_000, metavar="N", help="faces that there are in all")
    parser.add_argument("--json", action="store_true", help="figures for machines")
    told = parser.parse_args()
    figures = {name: _measure(url, told.faces, told.library) for name, url in _databases()}
    plain = {name: {what: asdict(one) for what, one in found.items()} for name, found in figures.items()}
    print(json.dumps(plain) if told.json else "\n".join(_lines(figures)))  # noqa: T201  the answer
    return 1 if any(one.cpu > _limit(what) for found in figures.values() for what, one in found.items()) else 0


def _databases() -> Iterator[tuple[str, str]]:
    with TemporaryDirectory(prefix="bench-answers-") as folder, running_mariadb() as server:
        url = f"sqlite:///{folder}/faces.db"
        Store.open(url, create=True).close()
        yield "SQLite", url
        yield "MariaDB", server.new_database(*ALL)


def _measure(url: str, count: int, beside: int) -> dict[str, Figure]:
    cohort, tables = read_cohort(), tables_at(url)
    known = fill_library(url, tables, cohort, people=10, groups=max(beside - 2 * count, 2))
    with closing(Store.open(url)) as store:
        fill = partial(_large_group, tables=tables, count=count)
        groups = [store.write(partial(fill, middle=middle)) for middle in known[:2]]
        library = Library(cohort)
        answers = Answers(Arrivals(store, library), Settling(store, library, links=True))
        answers.arrivals.follow()
        found: dict[str, Figure] = {}
        ann = _cost(found, "name a group", lambda: _name(answers, groups[0], "Ann"))
        _cost(found, _LOOK, lambda: _look(answers))
        bob = _name(answers, groups[1], "Bob")
        moved = _cost(found, "move", lambda: who_it_is.move(answers, _said(), [Ref("group", groups[1])], _person(ann)))
        _cost(found, "undo: move", lambda: _undo(answers, moved))
        renamed = _cost(found, "rename", lambda: people_marks.rename(answers, _said(), _person(bob), "Rob"))
        joined = _cost(found, "join two people", lambda: joins.join(answers, _said(), [_person(ann), _person(bob)]))
        _cost(found, "undo: join", lambda: _undo(answers, joined))
        _cost(found, "undo: rename", lambda: _undo(answers, renamed))
        _cost(found, "undo: name", lambda: _undo(answers, ann))
        _cost(found, "forget", lambda: people_marks.forget(answers, _said(), _person(bob)))
        return found


def _name(answers: Answers, group: int, name: str) -> Answered:
    return who_it_is.name(answers, _said(), [Ref("group", group)], name)


def _look(answers: Answers) -> Answered:
    answers.look_again()
    return Answered(None, "")


def _limit(what: str) -> float:
    return LOOK_LIMIT if what == _LOOK else LIMIT


def _undo(answers: Answers, done: Answered) -> Answered:
    return undo(answers, _said(), done.entry or 0)


def _said() -> GivenAnswer:
    return GivenAnswer(_ME)


def _person(done: Answered) -> Ref:
    (person,) = done.people
    return Ref("person", person)


def _large_group(transaction: Transaction, tables: SidecarTables, middle: np.ndarray, count: int) -> int:
    """A group of so many faces of one person, each on a photo of its own, after those that there are; its id."""
    dice = np.random.default_rng(count)
    made = middle + dice.normal(0, _SPREAD / np.sqrt(len(middle)), (count, len(middle)))
    first = int(transaction.connection.execute(sa.select(sa.func.max(faces.c.id))).scalar_one()) + 1
    group = int(transaction.connection.execute(sa.select(sa.func.max(tables.groups.c.id))).scalar_one()) + 1
    texts = [json.dumps(one.tolist()) for one in made]
    known = [one for text in texts if (one := KnownEncoding.of(text)) is not None]
    total = EncodingSum.of(np.stack([one.numbers for one in known]))
    ids = range(first, first + count)
    rows: dict[sa.Table, list[dict[str, Any]]] = {
        images: [{"id": id_, "disk": "photos", "filename": f"{id_}.jpg", "faces_checked": 1} for id_ in ids],
        faces: [
            {"id": id_, "image_id": id_, "face_index": 0, "encoding": text, "quality_score": 60.0, "status": "process"}
            for id_, text in zip(ids, texts, strict=True)
        ],
        tables.vectors: [
            {"face_id": id_, "encoding_crc": one.crc, "encoding": one.numbers.astype("<f4").tobytes()}
            for id_, one in zip(ids, known, strict=True)
        ],
        tables.photos: [{"image_id": id_} for id_ in ids],
        tables.groups: [{"id": group, "size": count, "sum": total.to_bytes(), "change": 1}],
        tables.group_members: [{"face_id": id_, "group_id": group, "image_id": id_} for id_ in ids],
        tables.face_index: [
            {"face_id": id_, "image_id": id_, "group_id": group, "state": int(FaceState.UNKNOWN), "quality": 60.0}
            for id_ in ids
        ],
    }  # fmt: skip
    for table, values in rows.items():
        transaction.connection.execute(sa.insert(table), values)
    return group


def _cost(found: dict[str, Figure], what: str, give: Callable[[], Answered]) -> Answered:
    with _statements() as asked:
        cpu, clock = time.process_time(), time.perf_counter()
        done = give()
        cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    found[what] = Figure(cpu, clock, len(asked), len(done.faces) + len(done.followed))
    return done


@contextmanager
def _statements() -> Iterator[list[str]]:
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    yield asked
    sa.event.remove(sa.Engine, "before_cursor_execute", hear)


def _lines(figures: dict[str, dict[str, Figure]]) -> Iterator[str]:
    for name, found in figures.items():
        yield f"{name:24} CPU s   at most   clock s   statements   faces"
        for what, one in found.items():
            yield f"  {what:20} {one.cpu:9.2f} {_limit(what):9g} {one.seconds:9.2f} {one.statements:12} {one.faces:7}"


if __name__ == "__main__":
    sys.exit(main())
