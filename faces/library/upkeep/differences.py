"""Which images our tables must be brought up to date with: their faces' rows say something else than the tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from faces.library.people_tally import UNNAMED
from faces.people import names
from faces.people.kept_face import FaceState, KeptFace, RowRule
from faces.store.database import Transaction
from faces.store.sidecar import face_index, group_rows, known_encodings, people_rows
from faces.store.sidecar.face_index import IndexedFace
from faces.store.sidecar.group_rows import GroupRow
from faces.store.sidecar.people_rows import PersonRow
from faces.store.sidecar.upkeep import watched_rows
from faces.store.sidecar.upkeep.watched_rows import WatchedRow


def images_that_differ(transaction: Transaction, rows: Sequence[WatchedRow]) -> list[int]:
    """The images that are to be brought up to date because of these rows; where a face was moved its old one first.

    Some that need nothing may be among them: bringing those up to date changes nothing.
    """
    known = _Known.read(transaction, rows)
    found: dict[int, None] = {}
    for row in rows:
        for image_id in known.images_to_update(row):
            found[image_id] = None
    return list(found)


def faces_that_differ(transaction: Transaction, rows: Collection[KeptFace]) -> set[int]:
    """Which of these rows say something else of who they are than our tables; encodings and groups are not compared."""
    parents = {row.parent_id for row in rows if row.parent_id is not None}
    index = face_index.read(transaction, {row.id for row in rows} | parents)
    people = {one.person_id for one in index.values() if one.person_id is not None}
    known = _Known(transaction.schema.rule, index, {}, people_rows.read(transaction, people))
    return {row.id for row in rows if known.says_another(row)}


@dataclass(frozen=True, slots=True)
class _Known:
    """What our tables have of some rows' faces, and of those that they hang on; read at once."""

    rule: RowRule
    index: dict[int, IndexedFace]
    crcs: dict[int, int]
    people: dict[int, PersonRow] = field(default_factory=dict)
    groups: dict[int, GroupRow] = field(default_factory=dict)

    @classmethod
    def read(cls, transaction: Transaction, rows: Sequence[WatchedRow]) -> _Known:
        ids = watched_rows.ids_of(rows)
        parents = {row.face.parent_id for row in rows if row.face.parent_id is not None}
        index = face_index.read(transaction, ids | parents)
        people = {one.person_id for one in index.values() if one.person_id is not None}
        groups = {one.group_id for one in index.values() if one.group_id is not None}
        return cls(
            transaction.schema.rule,
            index,
            known_encodings.crcs_of(transaction, ids),
            people_rows.read(transaction, people),
            group_rows.read(transaction, groups),
        )

    def says_another(self, row: KeptFace) -> bool:
        """Whether a row says something else of who it is."""
        one = self.index.get(row.id)
        if row.deleted or one is None:
            return row.deleted != (one is None)
        state = self.rule.state(row)
        is_offered = state is FaceState.UNKNOWN and one.state is FaceState.SUGGESTED
        return not (one.state is state or is_offered) or self._person_differs(row, state, one)

    def images_to_update(self, row: WatchedRow) -> Iterator[int]:
        one = self.index.get(row.face.id)
        if one is not None and (not row.is_live or one.image_id != row.image_id):
            yield one.image_id
        if row.is_live and row.image_id is not None and (one is None or self._differs(row, one)):
            yield row.image_id

    def _differs(self, row: WatchedRow, one: IndexedFace) -> bool:
        state = self.rule.state(row.face)
        is_offered = state is FaceState.UNKNOWN and one.state is FaceState.SUGGESTED
        return (
            one.image_id != row.image_id
            or one.quality != row.face.quality_score
            or not (one.state is state or is_offered)
            or self._encoding_differs(row)
            or self._person_differs(row.face, state, one)
            or self._master_differs(row, one)
            or self._group_differs(row, state, one)
        )

    def _encoding_differs(self, row: WatchedRow) -> bool:
        crc = self.crcs.get(row.face.id)
        return row.encoding is not None if crc is None else crc != row.crc

    def _person_differs(self, face: KeptFace, state: FaceState, one: IndexedFace) -> bool:
        is_answered = self.rule.is_confirmed_by_answer(face)
        if state is FaceState.LINKED or is_answered:
            parent = self.index.get(face.parent_id or 0)
            is_known = parent is not None and parent.state is FaceState.CONFIRMED and parent.person_id is not None
            said = face.answer.person_id if is_answered and face.answer else None
            return one.person_id != (parent.person_id if parent and is_known else said)
        if state in (FaceState.CONFIRMED, FaceState.SUGGESTED):
            return not self._is_person(face, None if one.person_id is None else self.people.get(one.person_id))
        return one.state is not FaceState.SUGGESTED and one.person_id is not None

    def _master_differs(self, row: WatchedRow, one: IndexedFace) -> bool:
        """Whether the face is its person's master and cannot be, or could be and there is none."""
        person = None if one.person_id is None else self.people.get(one.person_id)
        if not self.rule.has_masters or person is None or person.is_nameless or one.state is not FaceState.CONFIRMED:
            return False
        may_be = row.face.parent_id is None and row.face.status == "ok" and row.text is not None
        return person.master_face_id is None if may_be else person.master_face_id == row.face.id

    def _is_person(self, face: KeptFace, person: PersonRow | None) -> bool:
        """Whether a face that is confirmed, or suggested by the app, is this person."""
        name = names.canonical(self.rule.name_of(face) or "")
        if name:
            is_named_so = person is not None and names.key(person.name or "") == names.key(name)
            is_spelled_so = person is not None and (person.master_face_id != face.id or person.name == name)
            return is_named_so and is_spelled_so and person is not None and person.app_person_id is None
        root = self.rule.root_of(face)
        if root is None or face.person_id is not None:
            return (person.app_person_id if person else None) == face.person_id
        return person is not None and person.is_nameless and person.master_face_id == root

    def _group_differs(self, row: WatchedRow, state: FaceState, one: IndexedFace) -> bool:
        if state in UNNAMED:
            return one.group_id is None and row.face.id in self.crcs
        if one.group_id is None:
            return False
        group = self.groups.get(one.group_id)
        is_another = state is FaceState.CONFIRMED and one.person_id != (group.person_id if group else None)
        return is_another or state in (FaceState.STRANGER, FaceState.NOT_FACE)
