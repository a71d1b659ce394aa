"""The people and groups of a library in memory, brought up to date with the tables by their change number.

It is changed by following only what was committed: a transaction that is rolled back leaves no trace in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from threading import RLock

import numpy as np
import numpy.typing as npt

from faces.people.calibration import Learned
from faces.people.cohort import MOST_OWN, Cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.groups.group_index import GroupIndex, KeptGroup, NearGroup, NearPair
from faces.people.groups.growing import FIRST, leaders
from faces.people.groups.refusals import Refusals
from faces.people.identify import OFFER, Identification, identify
from faces.people.learning import MOST_PEOPLE, asked_places, learn
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import Matrix, as_matrix
from faces.people.refs import Ref
from faces.photo.face import ENCODING_LENGTH, Encoding
from faces.store.database import Transaction
from faces.store.sidecar import calibrations, group_rows, known_encodings, library_row, never_rows, people_rows
from faces.store.sidecar.group_rows import GroupRow, Offer
from faces.store.sidecar.library_row import LibraryState
from faces.store.sidecar.people_rows import Around

_NOTHING_SEEN = -1


class Library:
    """What is compared with: enrolled people, groups, the neighbourhood in force, what was learned, what was refused.

    Threads may share it. None of its methods locks a row.
    """

    def __init__(self, cohort: Cohort) -> None:
        """Know nothing yet: `follow` reads."""
        self.cohort = cohort
        self.mutex = RLock()
        self._seen = _NOTHING_SEEN
        self._state: LibraryState | None = None
        self.neighbourhood = Neighbourhood(cohort)
        self.people = EnrolledPeople(self.neighbourhood)
        self.groups = GroupIndex(self.neighbourhood)
        self.learned = Learned()
        self.refusals = Refusals()
        self.arrived = 0
        """Faces that this process has put into groups since it followed last, or fewer: groups may be due."""

    @property
    def follows(self) -> bool:
        """Whether it has read anything yet."""
        return self._state is not None

    @property
    def state(self) -> LibraryState:
        """The library's row as it was followed last."""
        if self._state is None:
            raise AssertionError("found a library that follows nothing yet")
        return self._state

    @property
    def is_leading(self) -> bool:
        """Whether some of the first faces still stand in for groups."""
        return self.state.number == 0

    def follow(self, transaction: Transaction) -> None:
        """Take in all that was committed since the last time; one query where nothing was."""
        with self.mutex:
            state = library_row.read(transaction)
            before, self._state, self.arrived = self._state, state, 0
            if state.change != self._seen:
                try:
                    self._take(transaction, state, before)
                except BaseException:
                    # What was not read is looked for again the next time.
                    self._state = before
                    raise
                self._seen = state.change

    def identify(
        self,
        encodings: npt.ArrayLike,
        sizes: Sequence[int] | None = None,
        refused: Sequence[Collection[int]] | None = None,
    ) -> list[Identification | None]:
        """The likeliest person of each face or group, as `faces.people.identify.identify` says."""
        with self.mutex:
            return identify(encodings, self.people, self.learned, sizes, refused)

    def nearest_group(self, encoding: Encoding) -> NearGroup | None:
        """The group that a face, shape (128,), would join, as far as it is known here."""
        with self.mutex:
            row = as_matrix(encoding[None])
            return self.groups.nearest(row, float(self.neighbourhood.around(row)[0]))

    def ask(self, group: int, total: EncodingSum) -> Identification | None:
        """Who a group without a name most likely is, by its mean; of a person who was refused for it nothing."""
        return self.identify(total.middle[None], [total.count], [self.refused_people(Ref("group", group))])[0]

    def offer_for(self, group: int, total: EncodingSum) -> Offer | None:
        """What to offer for a group, where it has a face and a person is likely enough."""
        found = self.ask(group, total) if total.count else None
        if found is None or found.probability < OFFER:
            return None
        return Offer(found.person_id, found.probability)

    def refused_people(self, *refs: Ref) -> set[int]:
        """Of whom a person has said that these, a face and its group for example, are not them."""
        with self.mutex:
            return {other.id for ref in refs for other in self.refusals.of(ref) if other.kind == "person"}

    def pairs(self, changed: Collection[int]) -> list[NearPair]:
        """The pairs of a changed group and any other that are near enough to join, nearest first."""
        with self.mutex:
            return self.groups.pairs(changed)

    def measured_now(self) -> Neighbourhood:
        """The neighbourhood that the groups make as they are now, to be put in force."""
        with self.mutex:
            return Neighbourhood(self.cohort, self.groups.largest_unnamed(MOST_OWN), self.state.alarm.strength)

    def renew(self, most: int, first: Collection[int] = ()) -> int:
        """Measure neighbourhoods anew that were measured with an older one; how many of groups it were.

        Args:
            most: of the groups that wait for it.
            first: groups that do not wait.
        """
        with self.mutex:
            return len(self.groups.renew(most, first))

    def learn(self, first_faces: Mapping[int, Encoding]) -> Learned:
        """What the library teaches about itself now.

        Args:
            first_faces: the first confirmed face of each person at `asked_places`; for who has none the middle stands.
        """
        with self.mutex:
            # Rows that nobody asks for are never touched, and take no memory.
            first = np.zeros((len(self.people), ENCODING_LENGTH))
            asked = asked_places(len(self.people))
            first[asked] = self.people.middles[asked]
            for place, person in zip(asked.tolist(), self.people.ids[asked].tolist(), strict=True):
                if person in first_faces:
                    first[place] = first_faces[person]
            middles, sizes = self.groups.some_unnamed(MOST_PEOPLE)
            return learn(self.people, first, middles.astype(np.float64), sizes.tolist())

    def expect(self, faces: int) -> None:
        """So many faces come into groups as soon as the transaction in hand is committed."""
        self.arrived += faces

    def around(self, total: EncodingSum) -> Around:
        """How crowded it is around the middle of a group, by the neighbourhood in force."""
        with self.mutex:
            return Around(float(self.neighbourhood.around(total.middle[None])[0]), self.groups.number)

    # --- following ---

    def _take(self, transaction: Transaction, state: LibraryState, before: LibraryState | None) -> None:
        if before is None or before.never_change != state.never_change:
            self.refusals = never_rows.read_all(transaction)
        if before is None or before.number != state.number or self.is_leading:
            self._measure_with(self._neighbourhood(transaction, state), state.number)
        if before is None:
            self._read_all(transaction)
        else:
            self._take_changes(transaction)
        self.learned = calibrations.newest(transaction, self.cohort.version)

    def _neighbourhood(self, transaction: Transaction, state: LibraryState) -> Neighbourhood:
        if state.number:
            own: Matrix = library_row.read_own_middles(transaction)
            return Neighbourhood(self.cohort, own, state.alarm_strength)
        first = group_rows.first_faces(transaction, FIRST)
        return Neighbourhood(
            self.cohort, leaders(known_encodings.matrix_of(transaction, first)), state.alarm.strength
        )  # fmt: skip

    def _measure_with(self, neighbourhood: Neighbourhood, number: int) -> None:
        """Rows keep what they were measured with until `renew`; in the first hundred faces all are measured at once."""
        self.neighbourhood = neighbourhood
        self.people.use(neighbourhood, number)
        self.people.measure_all()
        self.groups.use(neighbourhood, number)
        if number == 0:
            self.groups.measure_all()

    def _read_all(self, transaction: Transaction) -> None:
        everybody = {row.id: row.total for row in people_rows.changed_since(transaction, _NOTHING_SEEN)}
        self.people = EnrolledPeople(self.neighbourhood, everybody, self.state.number)
        # While some of the first faces stand in for groups, what a row was measured with may be others than now.
        kept = [
            _kept(row, measured=not self.is_leading) for row in group_rows.changed_since(transaction, _NOTHING_SEEN)
        ]
        self.groups = GroupIndex(self.neighbourhood, kept, self.state.number)

    def _take_changes(self, transaction: Transaction) -> None:
        for person in people_rows.changed_since(transaction, self._seen):
            self.people.put(person.id, person.total)
        for group in group_rows.changed_since(transaction, self._seen):
            if group.is_there:
                self.groups.put(group.id, group.total, named=group.person_id is not None)
            else:
                self.groups.drop(group.id)


def _kept(row: GroupRow, *, measured: bool) -> KeptGroup:
    around = row.around if measured else None
    return KeptGroup(
        row.id,
        row.total,
        row.person_id is not None,
        around.value if around else None,
        around.number if around else 0,
    )
