"""group: groups the faces without a name and asks who they are, at once instead of as faces come."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from faces.errors import SchemaError
from faces.library.opening import OpenLibrary
from faces.store.database import Store
from faces.store.sidecar import group_rows
from faces.store.sidecar.group_rows import GroupCounts
from worker.commands.invocation import Invocation
from worker.commands.output import Output
from worker.commands.verbs import add_verb

_DETAILS = """\
Faces without a name come into groups as photos are processed, and groups are joined and asked about after every so many
faces. This does it now: takes in the faces that are older than the tables of people and groups, joins groups that look
like one person, and asks of each who of the people known today it is. With FACE_MATCH=calibrated a group that is 0.95
likely or more is linked; from 0.2 on somebody is offered for it (`groups`).

No photo is read and no API is needed. It can be stopped at any moment; run it again."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    add_verb(verbs, "group", run, _DETAILS)


def run(_arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Take in, join and ask; tells in numbers what was done."""
    with invocation.store() as store:
        grouped = group_all(store, invocation.library(store), invocation.output)
        with store.reading() as transaction:
            counts = group_rows.counts(transaction)
    for line in grouped.lines(counts):
        invocation.output.result(line)
    invocation.output.record(grouped.record(counts))
    return 0


@dataclass(frozen=True, slots=True)
class Grouped:
    """What was done."""

    photos: int
    """With faces that were taken in."""
    faces: int
    joined: int
    linked_groups: int
    linked_faces: int

    def lines(self, counts: GroupCounts) -> list[str]:
        """What is printed."""
        return [
            *([f"{self.faces} faces of {self.photos} photos taken in"] if self.photos else []),
            f"{counts.groups} groups; {self.joined} were joined to others",
            f"{self.linked_faces} faces in {self.linked_groups} groups linked; {counts.offered} groups with an offer",
        ]

    def record(self, counts: GroupCounts) -> dict[str, object]:
        """The same for machines."""
        return {
            "photos_taken_in": self.photos,
            "faces_taken_in": self.faces,
            "groups": counts.groups,
            "joined": self.joined,
            "linked_groups": self.linked_groups,
            "linked_faces": self.linked_faces,
            "offered_groups": counts.offered,
        }


def group_all(store: Store, library: OpenLibrary, output: Output, *, everything: bool = True) -> Grouped:
    """Take in what our tables do not know yet, join groups, and ask about all of them or those that have changed.

    Raises:
        SchemaError: there are no tables of ours.
        StoreUnavailable: the database cannot be used; what is done stays.
    """
    if library.arrivals is None or library.settling is None:
        raise SchemaError(f"found no tables of people and groups in {store.name}: `worker tables --create` makes them")
    # Here, and not above: only a database with our tables needs it.
    from faces.library.taking_in import TakingIn

    taking_in = TakingIn(library.arrivals, library.settling)
    images = taking_in.images()
    with output.progress("photos taken in", len(images)) as step:
        joined = taking_in.take_in(images, step)
    # Afterwards: what it finds of older faces would not be told as taken in.
    if library.upkeep:
        library.upkeep.look()
    settled = library.settling.settle_all() if everything else library.settling.settle_rest()
    asked = settled.asked
    return Grouped(len(images), sum(images.values()), joined + settled.joined, asked.groups, asked.faces)
