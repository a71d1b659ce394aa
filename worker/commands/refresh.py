"""refresh: makes anew what is derived of people and groups, and tells what of it was another than it must be."""

from __future__ import annotations

import argparse
from typing import Any

from faces.errors import SchemaError
from faces.library.opening import OpenLibrary
from faces.library.upkeep.refresh import Differences, Refresh
from faces.people.refs import Kind, Ref
from faces.store.database import Store
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

_DETAILS = """\
Makes anew all that is derived of the photos' faces: which person and group each face is listed with, encodings as
numbers, each person's and group's sum, the counters, how crowded it is around each. Names, answers, refusals, groups
and who is in them are kept as they are, but for faces that are no more. Tells what was another than it must be, which
mostly is nothing. Run it after a database was restored or rows were changed by hand; who groups may be is asked anew by
`group`.

It works in batches beside running workers, and can be stopped at any moment. With --dry-run what the app or a worker
changed just then is told, too: look again. Its exit code is 1 where something differs."""

#: So many ids of a kind are told.
_FIRST = 10

#: What is told, in this order, with the word for one, and what its ids are of.
_KINDS: tuple[tuple[str, str, Kind | None], ...] = (
    ("faces", "faces listed otherwise", "face"),
    ("encodings", "encodings", "face"),
    ("memberships", "faces in a group or none", "face"),
    ("persons", "persons of the app, by their ids there", None),
    ("people", "people's sums, counters or best faces", "person"),
    ("groups", "groups' sums", "group"),
)


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = add_verb(verbs, "refresh", run, _DETAILS)
    parser.add_argument("--dry-run", action="store_true", help="only tell what is another than it must be")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Refresh; 1 where a dry run finds a difference."""
    with invocation.store() as store:
        library = invocation.library(store)
        found = _refresh(store, library, arguments)
    for line in _lines(found, dry_run=arguments.dry_run):
        invocation.output.result(line)
    invocation.output.record(_record(found, dry_run=arguments.dry_run))
    return 1 if arguments.dry_run and not found.is_nothing else 0


def _refresh(store: Store, library: OpenLibrary, arguments: argparse.Namespace) -> Differences:
    if library.arrivals is None:
        raise SchemaError(f"found no tables of people and groups in {store.name}: `worker tables --create` makes them")
    if library.upkeep and not arguments.dry_run:
        library.upkeep.look()
    return Refresh(library.arrivals, keep=not arguments.dry_run).run()


def _lines(found: Differences, *, dry_run: bool) -> list[str]:
    if found.is_nothing:
        return ["nothing differs from what rows and facts say"]
    lines = []
    for name, words, kind in _KINDS:
        ids = sorted(getattr(found, name))
        if ids:
            first = ", ".join(str(Ref(kind, one)) if kind else str(one) for one in ids[:_FIRST])
            lines.append(f"{len(ids)} {words}: {first}{', …' if len(ids) > _FIRST else ''}")
    if found.alarm:
        lines.append("the mean of how crowded it is around all faces in groups")
    return [*lines, "nothing was changed" if dry_run else "all of it is made anew"]


def _record(found: Differences, *, dry_run: bool) -> dict[str, object]:
    counts = {name: len(getattr(found, name)) for name, _, _ in _KINDS}
    first = {
        name: [str(Ref(kind, one)) if kind else one for one in sorted(getattr(found, name))[:_FIRST]]
        for name, _, kind in _KINDS
    }
    return {"dry_run": dry_run, "differ": {**counts, "alarm": found.alarm}, "first": first}
