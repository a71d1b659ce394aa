"""Links faces to our people by probability. How a link is written is up to the masters or persons beneath."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from faces.library.library import Library
from faces.people.groups.not_faces import holds_back
from faces.people.identify import Identification, decide_photo
from faces.people.kept_face import FaceState, KeptFace
from faces.people.linking import Identities, Link, Linking, Named
from faces.people.matching import Candidates, Encodings
from faces.people.products import as_matrix, exact_distances
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.masters import Masters
from faces.store.persons import Persons
from faces.store.sidecar import face_index, known_encodings, people_rows
from faces.store.sidecar.face_index import IndexedFace
from faces.store.who import identities_of

_KEPT_ELSEWHERE = Candidates.of([], [], [])


class Calibrated(Identities[Transaction]):
    """Our people as they are linked by themselves: from p 0.95 on and, where the app suggests persons, from 0.2 on.

    A person that the photo has already, and one of two that are near, is linked by a person's hand only; so is a
    face that is nearer to what was said to be no face than to the likeliest person.
    """

    def __init__(self, library: Library, beneath: Masters | Persons) -> None:
        self._library, self._beneath = library, beneath

    def read(self, transaction: Transaction) -> Candidates:
        """Nothing: the library keeps what faces are compared with, and whoever keeps our tables lets it follow."""
        return _KEPT_ELSEWHERE

    def may_be_linked(self, row: KeptFace) -> bool:
        """As those beneath."""
        return self._beneath.may_be_linked(row)

    def choose(
        self,
        found: Encodings,
        wanted: Collection[int],
        kept: Mapping[int, KeptFace],
        candidates: Candidates,
        linking: Linking,
    ) -> dict[int, Link]:
        """The same without a look at who is in the photo already, and at groups: that takes a transaction."""
        refused = {place: self._library.refused_people(Ref("face", row.id)) for place, row in kept.items()}
        chosen = self._chosen(found, wanted, refused, set())
        return {place: Link(one.distance, found=one) for place, one in chosen.items()}

    def lock(
        self,
        transaction: Transaction,
        found: Encodings,
        wanted: Collection[int],
        kept: Mapping[int, KeptFace],
        candidates: Candidates,
        linking: Linking,
    ) -> dict[int, Link]:
        """Choose people, and share-lock what stands for them; who has nothing that a face can be linked to is left."""
        indexed = face_index.read(transaction, [row.id for row in kept.values()])
        refused = {
            place: self._library.refused_people(*_refs(row.id, indexed.get(row.id))) for place, row in kept.items()
        }
        chosen = self._chosen(found, wanted, refused, _present(indexed))
        return lock_links(transaction, chosen)

    def columns(self, link: Link | None, ids: Mapping[int, int]) -> dict[str, object]:
        """As those beneath."""
        return self._beneath.columns(link, ids)

    def images_with_unlinked(self, transaction: Transaction) -> list[int]:
        """As those beneath."""
        return self._beneath.images_with_unlinked(transaction)

    def link(self, transaction: Transaction, face_id: int, link: Link) -> bool:
        """As those beneath."""
        return self._beneath.link(transaction, face_id, link)

    def require_naming(self, verb: str) -> None:
        """As those beneath."""
        self._beneath.require_naming(verb)

    def followers(self, transaction: Transaction, row: KeptFace) -> int:
        """As those beneath."""
        return self._beneath.followers(transaction, row)

    def name(self, transaction: Transaction, row: KeptFace, name: str) -> Named:
        """As those beneath."""
        return self._beneath.name(transaction, row, name)

    def _chosen(
        self, found: Encodings, wanted: Collection[int], refused: Mapping[int, Collection[int]], present: set[int]
    ) -> dict[int, Identification]:
        places = sorted(wanted)
        if not places:
            return {}
        asked = as_matrix(found[places])
        answers = self._library.identify(asked, refused=[refused.get(place, ()) for place in places])
        answers = [
            None if one and holds_back(like, one.distance) else one
            for one, like in zip(answers, self._library.not_faces.nearest(asked), strict=True)
        ]
        return {
            place: one
            for place, one, decision in zip(places, answers, decide_photo(answers, present), strict=True)
            if one is not None and decision in self._beneath.rule.written
        }


def _refs(face: int, indexed: IndexedFace | None) -> list[Ref]:
    """What a person may have refused: the face, and its group."""
    group = indexed.group_id if indexed else None
    return [Ref("face", face)] if group is None else [Ref("face", face), Ref("group", group)]


def _present(indexed: Mapping[int, IndexedFace]) -> set[int]:
    """Who is linked or confirmed in the photo already."""
    known = (FaceState.LINKED, FaceState.CONFIRMED)
    return {one.person_id for one in indexed.values() if one.state in known and one.person_id is not None}


def lock_links(transaction: Transaction, answers: Mapping[int, Identification]) -> dict[int, Link]:
    """What faces are linked to by these answers, share-locked by id; without who has nothing to be linked to now."""
    rule = transaction.schema.rule
    rows = people_rows.read(transaction, {one.person_id for one in answers.values()})
    targets = {one.id: target for one in rows.values() if (target := one.linked_as(rule)) is not None}
    there = identities_of(transaction.schema).lock_targets(transaction, targets.values()) if targets else set()
    column = "face_id" if rule.has_masters else "person_id"
    return {
        place: Link(one.distance, found=one, **{column: targets[one.person_id]})
        for place, one in answers.items()
        if targets.get(one.person_id) in there
    }


def held_back(transaction: Transaction, library: Library, person_id: int, faces: Collection[int]) -> set[int]:
    """Of these faces those that are nearer to what was said to be no face than to the middle of a person."""
    known = known_encodings.kept_of(transaction, faces)
    if not known:
        return set()
    encodings = as_matrix([one.numbers for one in known.values()])
    likes = library.not_faces.nearest(encodings)
    with library.mutex:
        place = library.people.places_of([person_id])
        middle = library.people.middles[place[place >= 0]]
    if not len(middle):
        return {face for face, like in zip(known, likes, strict=True) if like is not None}
    rows = np.arange(len(encodings))
    distances = exact_distances(encodings, middle, rows, np.zeros_like(rows)).tolist()
    return {face for face, like, distance in zip(known, likes, distances, strict=True) if holds_back(like, distance)}
