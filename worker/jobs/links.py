"""Whom the faces of a photo are linked to, locked in the transaction that writes it: masters, or else persons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from faces.people.kept_face import KeptFace
from faces.people.linking import Linking, Parent, Person, choose_parents, choose_persons
from faces.people.matching import Candidates, Encodings
from faces.people.reconcile import Plan
from faces.store import faces, persons
from faces.store.candidates import CandidateReader
from faces.store.database import Transaction

Link = Parent | Person


def lock_links(
    transaction: Transaction,
    reader: CandidateReader,
    found: Encodings,
    plan: Plan,
    kept: Mapping[int, KeptFace],
    candidates: Candidates,
    linking: Linking,
) -> Mapping[int, Link]:
    """Choose and lock a master or a person for each place that may get one and has somebody near enough."""
    if transaction.schema.has_persons:
        wanted = {*plan.inserted} | {place for place, row in kept.items() if may_be_suggested(row)}
        return lock_persons(transaction, reader, found, wanted, candidates, linking)
    return lock_parents(transaction, found, wanting_a_parent(plan, kept), kept, candidates, linking)


def columns_of(link: Link | None, ids: Mapping[int, int]) -> dict[str, object]:
    """What a link writes into a face's row; `ids` are those of the photo's faces by place."""
    if link is None:
        return {}
    if isinstance(link, Person):
        return {"person_id": link.person_id, "status": "suggested"}
    return {"parent_id": ids[link.place] if link.place is not None else link.face_id}


def may_be_suggested(row: KeptFace) -> bool:
    """Whether a row may become `suggested`: nobody has decided anything about it, the machine neither."""
    return row.status == "process" and row.person_id is None and not (row.touched or row.deleted)


def wanting_a_parent(plan: Plan, kept: Mapping[int, KeptFace]) -> set[int]:
    """Places that may get a parent: the new ones, and those of untouched rows without one."""
    return {*plan.inserted} | {place for place, row in kept.items() if not row.touched and row.parent_id is None}


def lock_parents(
    transaction: Transaction,
    found: Encodings,
    wanted: set[int],
    kept: Mapping[int, KeptFace],
    candidates: Candidates,
    linking: Linking,
) -> dict[int, Parent]:
    """Choose parents and lock them; where one is no candidate any more, choose again without it."""
    while True:
        parents = choose_parents(found, wanted, kept, candidates, linking)
        chosen = {parent.face_id for parent in parents.values() if parent.face_id is not None}
        if not chosen:
            return parents
        still_candidates, still_roots = faces.lock_parents(transaction, chosen)
        of_this_photo = chosen - set(candidates.ids[candidates.allowed].tolist())
        lost = chosen - still_candidates - (of_this_photo & still_roots)
        if not lost:
            return parents
        candidates = candidates.without(lost)
        kept = {place: row for place, row in kept.items() if row.parent_id not in lost}


def lock_persons(
    transaction: Transaction,
    reader: CandidateReader,
    found: Encodings,
    wanted: set[int],
    candidates: Candidates,
    linking: Linking,
) -> dict[int, Person]:
    """Choose persons and lock them; where a centroid is another by now, or gone, read all again and choose again.

    This ends: a person that is locked does not change, and each round that does not end it locks more of them.
    """
    while True:
        chosen = choose_persons(found, wanted, candidates, linking)
        ids = {person.person_id for person in chosen.values()}
        centroids = persons.lock(transaction, ids) if ids else {}
        matched = dict(zip(candidates.ids.tolist(), candidates.encodings, strict=True))
        if all(one in centroids and np.array_equal(centroids[one], matched[one]) for one in ids):
            return chosen
        candidates = reader.read(transaction)
