"""link by probability: all groups without a name are asked about again, with the people known today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from faces.library.groups.group_questions import ProbableGroup
from faces.library.groups.settling import Settling
from faces.library.opening import OpenLibrary
from faces.store.database import Store, Transaction
from faces.store.sidecar import group_rows, ledger, people_rows
from faces.store.sidecar.people_rows import PersonRow
from worker.commands.group import group_all
from worker.commands.invocation import Invocation


def link_groups(session: Invocation, store: Store, library: OpenLibrary, settling: Settling, *, dry_run: bool) -> int:
    """Link and offer as `group` does, or with `dry_run` only tell of the groups as they are now.

    Raises:
        StoreUnavailable: the database cannot be used; what is done stays.
    """
    found = _would_be_found(store, settling) if dry_run else _found(session, store, library)
    for line in found.lines(dry_run=dry_run):
        session.output.result(line)
    session.output.record(
        {
            "dry_run": dry_run,
            "linked": [one.record() for one in found.linked],
            "offered": [one.record() for one in found.offered],
        }
    )
    return 0


@dataclass(frozen=True, slots=True)
class _Probable:
    """A face that was linked, or a group that somebody is offered for."""

    ref: str
    faces: int
    person: PersonRow
    probability: float
    more: Mapping[str, Any]

    @property
    def who(self) -> str:
        name = f' "{self.person.name}"' if self.person.name else ""
        return f"p{self.person.id}{name}"

    def record(self) -> dict[str, Any]:
        return {
            "ref": self.ref,
            "person": f"p{self.person.id}",
            "name": self.person.name,
            "probability": self.probability,
            **self.more,
        }


@dataclass(frozen=True, slots=True)
class _Found:
    linked: list[_Probable]
    offered: list[_Probable]

    def lines(self, *, dry_run: bool) -> Iterable[str]:
        """What is printed; the sum last."""
        would = "would be " if dry_run else ""
        for one in self.linked:
            yield f"{one.ref} {would or 'is '}linked to {one.who}, p {one.probability:.2f}"
        for one in self.offered:
            yield f"{one.ref}, {one.faces} faces: is it {one.who}? p {one.probability:.2f}"
        if self.offered:
            faces = sum(one.faces for one in self.offered)
            yield f"{faces} faces in {len(self.offered)} groups {would or 'are '}offered to be named"
        yield f"{len(self.linked)} faces {would}linked"


def _found(session: Invocation, store: Store, library: OpenLibrary) -> _Found:
    """Ask about all groups, and read what was linked, and what is offered now."""
    with store.reading() as transaction:
        newest = ledger.newest(transaction)
    group_all(store, library, session.output)
    with store.reading() as transaction:
        linked = ledger.linked_since(transaction, newest)
        offered = list(group_rows.offered(transaction))
        ids = {one.person_id for one in linked} | {one.offer.person_id for one in offered if one.offer}
        people = people_rows.read(transaction, {person for person in ids if person is not None})
    return _Found(
        [
            _Probable(
                f"f{one.face_id}",
                1,
                people[one.person_id],
                one.probability,
                {"face_id": one.face_id, "image_id": one.image_id, "distance": one.distance, **one.after},
            )
            for one in linked
            if one.person_id in people
        ],
        [
            _Probable(f"g{one.id}", one.total.count, people[one.offer.person_id], one.offer.probability, {})
            for one in offered
            if one.offer and one.offer.person_id in people
        ],
    )


def _would_be_found(store: Store, settling: Settling) -> _Found:
    probable = list(settling.look())
    with store.reading() as transaction:
        people = people_rows.read(transaction, {one.found.person_id for one in probable})
        linkable = {person for person, row in people.items() if _can_be_linked(transaction, row)}
        # What is offered is suggested in the app's rows, as its own job does it.
        linked = transaction.schema.rule.written
    links, offers = list[_Probable](), list[_Probable]()
    for one in probable:
        person = people[one.found.person_id]
        if one.decision in linked and person.id in linkable:
            links += [_linked(one, face, person) for face in sorted(one.faces)]
        else:
            offers.append(_Probable(f"g{one.group_id}", len(one.faces), person, one.found.probability, {}))
    return _Found(links, sorted(offers, key=lambda one: (-one.probability, one.ref)))


def _can_be_linked(transaction: Transaction, person: PersonRow) -> bool:
    return person.linked_as(transaction.schema.rule) is not None


def _linked(group: ProbableGroup, face: int, person: PersonRow) -> _Probable:
    image = group.faces[face].image_id
    columns = {"parent_id": person.master_face_id, "person_id": person.app_person_id}
    more = {"face_id": face, "image_id": image, "distance": group.found.distance, **columns}
    return _Probable(f"f{face}", 1, person, group.found.probability, more)
