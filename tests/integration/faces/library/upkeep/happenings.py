"""Sequences of what the app and our workers do, and the databases in which they do it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st

from faces.store.database import Store
from faces.store.sidecar.tables import PREFIX, sidecar_tables
from tests.integration.faces.library.upkeep.changing_app import ChangingApp, Process

numbers = st.integers(0, 47)

#: What happens, each with two numbers that choose.
DOINGS: dict[str, Callable[[ChangingApp, Process, int, int], object]] = {
    "photo by PHP": lambda app, _, a, b: app.new_photo(a, b, a * b),
    "linked photo by PHP": lambda app, _, a, b: app.new_photo(a, b, linked_to=b),
    "settle": lambda _, process, a, b: process.settling.settle_all(),
    "photo without a time": lambda app, _, a, b: app.new_photo(a, b, timed=False),
    "our job": lambda app, process, a, b: app.our_job(process, a, b),
    "our job links": lambda app, process, a, b: app.our_job(process, a, linked_to=b),
    "metadata": lambda app, _, a, b: app.metadata(a, b),
    "name": lambda app, _, a, b: app.name(a, b),
    "ok": lambda app, _, a, b: app.say(a, "ok"),
    "unknown": lambda app, _, a, b: app.say(a, "unknown"),
    "no face": lambda app, _, a, b: app.say(a, "not_face"),
    "open": lambda app, _, a, b: app.say(a, "process"),
    "remove": lambda app, _, a, b: app.remove(a),
    "restore": lambda app, _, a, b: app.restore(a),
    "force-delete": lambda app, _, a, b: app.force_delete(a),
    "force-delete image": lambda app, _, a, b: app.force_delete_image(a),
    "move parent": lambda app, _, a, b: app.move_parent(a, b),
    "new encoding": lambda app, _, a, b: app.new_encoding(a, b),
    "reference": lambda app, _, a, b: app.reference(a),
    "new person": lambda app, _, a, b: app.new_person(a, b),
    "change person": lambda app, _, a, b: app.change_person(a, b, a + b),
    "remove person": lambda app, _, a, b: app.remove_person(a),
}
LOOKS = {"look": 0.0, "short look": 0.03, "very short look": 0.2}

#: What most is done with.
OFTEN = ("name", "name", "name", "move parent", "remove", "restore")

Step = tuple[str, int, int]

#: There is something to be changed: persons, named faces, faces that hang on them, groups.
BEGINNING: list[Step] = [
    *[("new person", 0, 1), ("new person", 2, 12), ("photo by PHP", 1, 14), ("photo by PHP", 2, 15)],
    *[("name", 0, 0), ("name", 1, 2), ("linked photo by PHP", 3, 0), ("linked photo by PHP", 16, 1)],
    *[("our job", 25, 26), ("our job", 27, 40), ("our job", 28, 41)],
]
steps = st.lists(
    st.tuples(st.sampled_from([*DOINGS, *DOINGS, *LOOKS, *OFTEN]), numbers, numbers), min_size=3, max_size=30
)


def do(app: ChangingApp, processes: list[Process], step: Step) -> None:
    """One step, by one of the processes."""
    what, one, other = step
    process = processes[one % len(processes)]
    if what in DOINGS:
        DOINGS[what](app, process, one, other)
    else:
        app.half_a_minute_later()
        process.clock.step = LOOKS[what]
        process.clock.now += 1e6
        process.changes.look_if_due()
        process.clock.step = 0.0


def run(app: ChangingApp, store: Store, sequence: list[Step], looks: bool = True) -> Process:
    """Do it all, with looks in between or only at the end."""
    processes = [Process.start(store), Process.start(store)]
    for step in [*BEGINNING, *sequence]:
        if looks or step[0] in DOINGS:
            do(app, processes, step)
    processes[0].changes.look()
    return processes[0]


@contextmanager
def opened(template: Path, name: str = "faces.db") -> Iterator[tuple[ChangingApp, Store]]:
    file = template.parent / f"{name}-{template.name}"
    shutil.copy(template, file)
    store = Store.open(f"sqlite:///{file}")
    if not store.schema.ours:
        # Beside an app on SQLite the product makes no tables: there it is only a quicker server to prove the same on.
        store.schema = replace(store.schema, sidecar=sidecar_tables(PREFIX))
    app = ChangingApp(f"sqlite:///{file}", store)
    try:
        yield app, store
    finally:
        app.close()
        store.close()
        for one in file.parent.glob(f"{file.name}*"):
            one.unlink()


@contextmanager
def emptied(url: str) -> Iterator[tuple[ChangingApp, Store]]:
    """A server's database without a row, but for the library's."""
    store = Store.open(url)
    app = ChangingApp(url, store)
    try:
        app.empty()
        yield app, store
    finally:
        app.close()
        store.close()
