"""Two groups of the tables become one: each join a transaction, which sees under its locks that it still may be."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from faces.library.library import Library
from faces.people.groups.group_index import NearPair
from faces.people.groups.joining import Joins, Merger
from faces.people.refs import Ref
from faces.store import face_batches
from faces.store.database import Store, Transaction
from faces.store.sidecar import face_index, group_rows, ledger, library_row, never_rows, unsettled_groups
from faces.store.sidecar.group_rows import GroupRow
from faces.store.sidecar.ledger import NEWEST_FACE, FaceChange


@dataclass(frozen=True, slots=True)
class GroupJoins:
    """Joins the groups of a library. `go_on` is called between two joins, and ends it by raising."""

    store: Store
    library: Library
    go_on: Callable[[], None]
    _compared_at: list[int] = field(default_factory=list)
    """The changes that the library had followed when pairs were looked for."""

    def join(self, changed: Collection[int]) -> int:
        """Join what these groups are near to, nearest first, each join in a transaction; how many went into others.

        Raises:
            StoreUnavailable: the database cannot be used; what is done stays.
        """
        self._compared_at.clear()
        joined = list(Joins(self._pairs, self._may_be_one, self._join).nearest_first(changed))
        compared = {*changed, *(merger.kept for merger in joined)}
        if self._compared_at:
            change = self._compared_at[-1]
            self.store.write(lambda transaction: unsettled_groups.note_joined(transaction, compared, change))
        return len(joined)

    def _pairs(self, changed: Collection[int]) -> list[NearPair]:
        self.go_on()
        with self.store.reading() as transaction:
            self.library.follow(transaction)
        self._compared_at.append(self.library.state.change)
        return self.library.pairs(changed)

    def _may_be_one(self, one: int, other: int) -> bool:
        """As far as it is known without a lock: what may not is no reason to lock anything."""
        with self.store.reading() as transaction:
            return self._permits(transaction, group_rows.read(transaction, [one, other]))

    def _join(self, pair: NearPair) -> Merger | None:
        self.go_on()
        return self.store.write(lambda transaction: self._join_within(transaction, pair))

    def _join_within(self, transaction: Transaction, pair: NearPair) -> Merger | None:
        rows = group_rows.lock(transaction, [pair.one, pair.other])
        if not self._permits(transaction, rows):
            return None
        kept, gone = sorted(rows.values(), key=_priority)
        entry = _moves(transaction, kept, gone)
        group_rows.absorb(transaction, kept, gone, self.library.around(kept.total + gone.total))
        face_index.move_group(transaction, gone.id, kept.id)
        rule = f"groups {kept.id} and {gone.id} s={pair.score:.4f} cohort={self.library.cohort.version}"
        written = ledger.add(transaction, "merged", entry, distance=pair.distance, rule=rule)
        ledger.add_refs(transaction, written, {f"g{gone.id}": joining(transaction, kept.id)})
        refused = never_rows.inherit(transaction, kept.id, gone.id)
        change = library_row.next_change(transaction, refusals=refused)
        group_rows.stamp(transaction, [kept.id, gone.id], change)
        return Merger(kept.id, gone.id, pair.score, pair.distance)

    def _permits(self, transaction: Transaction, rows: dict[int, GroupRow]) -> bool:
        """Both are there, not both have a name, no photo has faces in both, and nothing of them was refused."""
        if len(rows) < 2 or not all(row.is_there for row in rows.values()):
            return False
        if all(row.person_id is not None for row in rows.values()):
            return False
        one, other = rows.values()
        if group_rows.share_an_image(transaction, one.id, other.id):
            return False
        return not self._are_refused(transaction, one, other)

    def _are_refused(self, transaction: Transaction, one: GroupRow, other: GroupRow) -> bool:
        refusals = self.library.refusals
        if library_row.read(transaction).never_change != self.library.state.never_change:
            refusals = never_rows.read_all(transaction)
        named = {ref.id for ref in refusals.named if ref.kind == "face"}
        if not refusals.named:
            return False
        members = group_rows.members_of(transaction, [one.id, other.id]) if named else {}
        refs = [
            {Ref("group", row.id)}
            | ({Ref("person", row.person_id)} if row.person_id is not None else set())
            | {Ref("face", face) for face, _ in members.get(row.id, ()) if face in named}
            for row in (one, other)
        ]
        return refusals.forbid(*refs)


def _priority(row: GroupRow) -> tuple[bool, int, int]:
    """As `GroupIndex.priority`: the named one stays, then the larger, then the older."""
    return row.person_id is None, -row.total.count, row.id


def joining(transaction: Transaction, kept: int) -> FaceChange:
    """What the ledger keeps of a group that goes into another: by the newest face it is known which came later."""
    after = {"joined_to": kept, NEWEST_FACE: face_batches.newest(transaction)}
    return FaceChange({"joined_to": None}, after)


def _moves(transaction: Transaction, kept: GroupRow, gone: GroupRow) -> dict[int, FaceChange]:
    members = group_rows.members_of(transaction, [gone.id])[gone.id]
    return {face: FaceChange({"group_id": gone.id}, {"group_id": kept.id}) for face, _ in members}
