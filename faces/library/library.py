"""The people and groups of a library in memory, brought up to date with the tables by their change number.

It is changed by following only what was committed: a transaction that is rolled back leaves no trace in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from threading import RLock

import numpy as np
import numpy.typing as npt

from faces.library.index_file import Saved
from faces.library.shared_rows import SharedRows
from faces.people.calibration import Learned
from faces.people.cohort import MOST_OWN, Cohort
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.groups.alarm import Alarm
from faces.people.groups.group_index import GroupIndex, NearGroup, NearPair
from faces.people.groups.growing import FIRST, SLICE, leaders
from faces.people.groups.not_faces import NotFaces
from faces.people.groups.refusals import Refusals
from faces.people.identify import OFFER, Identification, identify
from faces.people.learning import MOST_PEOPLE, first_or_middle, learn
from faces.people.matching import Encodings
from faces.people.neighbourhood import Neighbourhood
from faces.people.products import Matrix, as_matrix
from faces.people.refs import Ref
from faces.photo.face import ENCODING_LENGTH, Encoding
from faces.store.database import Transaction
from faces.store.sidecar import calibrations, group_rows, known_encodings, library_row, never_rows, people_rows
from faces.store.sidecar.group_rows import Offer
from faces.store.sidecar.library_row import LibraryState
from faces.store.sidecar.not_face_rows import read_not_faces
from faces.store.sidecar.people_rows import Around, TableSum
from faces.store.sidecar.unsettled_people import read_unsettled

_NOTHING_SEEN = -1

#: Nobody is offered above this score. A person of one face is offered for a face below t = 0.03, with more of either
#: below less; that is a score of 0.15 where the second person's is 0.5, and of less where anybody is nearer.
_MAY_BE_OFFERED = 0.15

#: Looks whether the rows of the index file and what follows them are what the tables have.
_LOOKS = 3


class Library:
    """What is compared with: enrolled people, groups, the neighbourhood in force, what was learned, what was refused.

    Threads may share it. None of its methods locks a row.
    """

    def __init__(self, cohort: Cohort, shared: SharedRows | None = None) -> None:
        """Know nothing yet: `follow` reads.

        Args:
            cohort: what neighbourhoods are measured with.
            shared: the machine's index file; None: this process measures all by itself.
        """
        self.cohort, self._shared = cohort, shared
        self.mutex = RLock()
        self._seen = _NOTHING_SEEN
        self._state: LibraryState | None = None
        self.neighbourhood = Neighbourhood(cohort)
        self.people = EnrolledPeople(self.neighbourhood)
        self.groups = GroupIndex(self.neighbourhood)
        self.learned = Learned()
        self.refusals = Refusals()
        self.not_faces = NotFaces()
        self.changed_people: set[int] = set()
        """Whose confirmed faces have changed, since this was emptied or when nobody asked: groups near them are due."""
        self._first_faces = as_matrix(np.empty((0, ENCODING_LENGTH)))
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

    @property
    def is_stale(self) -> bool:
        """Whether neighbourhoods wait to be measured anew."""
        return bool(self.groups.stale or self.people.stale)

    def follow(self, transaction: Transaction) -> None:
        """Take in all that was committed since the last time; one query where nothing was."""
        with self.mutex:
            state = library_row.read(transaction)
            before, self._state, self.arrived = self._state, state, 0
            try:
                if state.change != self._seen:
                    self._take(transaction, state, before)
                elif self._map_what_is_renewed():
                    self._take_changes(transaction)
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
        around: npt.NDArray[np.float32] | None = None,
        least: float = 0.0,
    ) -> list[Identification | None]:
        """The likeliest person of each face or group, as `faces.people.identify.identify` says."""
        with self.mutex:
            if not len(self.people):
                return [None] * len(as_matrix(encodings))
            return identify(encodings, self.people, self.learned, sizes, refused, around, least)

    def nearest_groups(self, encodings: Encodings) -> list[NearGroup | None]:
        """The groups that a photo's new faces, shape (n, 128), would join, as far as they are known here.

        Among the first faces these are those that may stand in for groups, too.
        """
        with self.mutex:
            faces = as_matrix(encodings)
            measured = self._measured_for(faces)
            around = measured.around(faces)
            try:
                self._measure_groups(measured, self.groups.number)
                return self.groups.nearest_of_each(faces, around.tolist())
            finally:
                self._measure_groups(self.neighbourhood, self.groups.number)

    def offers_for(self, totals: Mapping[int, EncodingSum]) -> dict[int, Offer | None]:
        """What to offer for each of these groups, where it has a face and a person is likely enough, by its mean."""
        asked = {group: total for group, total in totals.items() if total.count}
        if not asked:
            return dict.fromkeys(totals)
        found = self.identify(
            np.stack([total.middle for total in asked.values()]),
            [total.count for total in asked.values()],
            [self.refused_people(Ref("group", group)) for group in asked],
        )
        return dict.fromkeys(totals) | {
            group: Offer(one.person_id, one.probability) if one and one.probability >= OFFER else None
            for group, one in zip(asked, found, strict=True)
        }

    def refused_people(self, *refs: Ref) -> set[int]:
        """Of whom a person has said that these, a face and its group for example, are not them."""
        with self.mutex:
            return {other.id for ref in refs for other in self.refusals.of(ref) if other.kind == "person"}

    def pairs(self, changed: Collection[int]) -> list[NearPair]:
        """The pairs of a changed group and any other that are near enough to join, nearest first."""
        with self.mutex:
            return self.groups.pairs(changed)

    def groups_near(self, people: Collection[int]) -> list[int]:
        """The groups without a name that any of these people might be offered for, and some more."""
        with self.mutex:
            places = self.people.places_of(sorted(people))
            places = places[places >= 0]
            middles, around = self.people.middles[places], self.people.around[places]
            found: list[int] = self.groups.unnamed_near(middles, around, _MAY_BE_OFFERED).tolist()
            return found

    def likely(self, groups: Sequence[int]) -> set[int]:
        """Of these groups those that somebody is to be offered for, by their means; refusals are not looked at."""
        with self.mutex:
            rows = self.groups.measured(groups)
            found = self.identify(rows.middles, rows.counts.tolist(), around=rows.around, least=OFFER)
        return {group for group, one in zip(rows.ids.tolist(), found, strict=True) if one is not None}

    def measured_now(self) -> Neighbourhood:
        """The neighbourhood that the groups make as they are now, to be put in force."""
        with self.mutex:
            return Neighbourhood(self.cohort, self.groups.largest_unnamed(MOST_OWN), self.state.alarm.strength)

    def renew(self, most: int, first: Collection[int] = ()) -> int:
        """Measure neighbourhoods anew that were measured with an older one, of `most` people and groups.

        Returns how many it were: 0 when there are no more, or while another process of the machine does it.

        Args:
            most: how many.
            first: groups that do not wait.
        """
        with self.mutex:
            self.groups.renew(0, first)
            if not self.is_stale or not self._renews():
                return 0
            done = len(self.groups.renew(most))
            done += len(self.people.renew(most - done))
            if not self.is_stale:
                self._share()
            return done

    def learn(self, first_faces: Mapping[int, Encoding]) -> Learned:
        """What the library teaches about itself now.

        Args:
            first_faces: the first confirmed face of each person at `asked_places`; for who has none the middle stands.
        """
        with self.mutex:
            first = first_or_middle(self.people, first_faces)
            middles, sizes = self.groups.some_unnamed(MOST_PEOPLE)
            return learn(self.people, first, middles.astype(np.float64), sizes.tolist())

    def expect(self, faces: int) -> None:
        """So many faces come into groups as soon as the transaction in hand is committed."""
        self.arrived += faces

    def around(self, total: EncodingSum) -> Around:
        """How crowded it is around the middle of a group, by the neighbourhood in force."""
        return self.around_each({0: total})[0]

    def around_each(self, totals: Mapping[int, EncodingSum]) -> dict[int, Around]:
        """The same of several, of those that have a face."""
        middles = {group: total.middle for group, total in totals.items() if total.count}
        with self.mutex:
            measured = self.neighbourhood.around(list(middles.values())).tolist() if middles else []
            return {group: Around(one, self.groups.number) for group, one in zip(middles, measured, strict=True)}

    # --- following ---

    def _take(self, transaction: Transaction, state: LibraryState, before: LibraryState | None) -> None:
        if before is None or before.never_change != state.never_change:
            self.refusals = never_rows.read_all(transaction)
        if before is None or before.not_face_change != state.not_face_change:
            self.not_faces = read_not_faces(transaction, state.not_face_change)
        if before is None or before.number != state.number or self.is_leading:
            self._measure_with(self._neighbourhood(transaction, state), state.number)
        if before is None:
            self._read_all(transaction)
            self.changed_people |= read_unsettled(transaction).keys()
        else:
            self._map_what_is_renewed()
            self._take_changes(transaction)
        self.learned = calibrations.newest(transaction, self.cohort.version)

    def _neighbourhood(self, transaction: Transaction, state: LibraryState) -> Neighbourhood:
        if state.number:
            own: Matrix = library_row.read_own_middles(transaction)
            return Neighbourhood(self.cohort, own, state.alarm_strength)
        self._first_faces = known_encodings.first_in_groups(transaction, FIRST)
        return Neighbourhood(self.cohort, leaders(self._first_faces), state.alarm.strength)

    def _measured_for(self, faces: Matrix) -> Neighbourhood:
        """The neighbourhood in force; until there are `FIRST` faces with these among them."""
        if not self.is_leading or self.state.alarm.faces >= FIRST:
            return self.neighbourhood
        alarm = self.state.alarm + Alarm.of(self.neighbourhood.shipped_alone(faces))
        return Neighbourhood(self.cohort, leaders(np.concatenate([self._first_faces, faces])), alarm.strength)

    def _measure_with(self, neighbourhood: Neighbourhood, number: int) -> None:
        """Rows keep what they were measured with until `renew`; in the first hundred faces all are measured at once."""
        self.neighbourhood = neighbourhood
        self.people.use(neighbourhood, number)
        if number == 0 or len(self.people) <= SLICE:
            self.people.measure_all()
        self._measure_groups(neighbourhood, number)

    def _measure_groups(self, neighbourhood: Neighbourhood, number: int) -> None:
        if self.groups.neighbourhood is neighbourhood:
            return
        self.groups.use(neighbourhood, number)
        if number == 0:
            self.groups.measure_all()

    def _read_all(self, transaction: Transaction) -> None:
        if self._shared and not self.is_leading and self._take_over(self._shared.load(self.state, self.cohort.version)):
            # Others may commit between these queries: then what they changed is taken, too.
            for _ in range(_LOOKS):
                self._take_changes(transaction)
                if self._is_whole(transaction):
                    return
        everybody = {row.id: row.total for row in people_rows.changed_since(transaction, _NOTHING_SEEN)}
        self.people = EnrolledPeople(self.neighbourhood, everybody, self.state.number)
        # While some of the first faces stand in for groups, what a row was measured with may be others than now.
        rows = group_rows.changed_since(transaction, _NOTHING_SEEN)
        kept = [row.kept(measured=not self.is_leading) for row in rows]
        self.groups = GroupIndex(self.neighbourhood, kept, self.state.number)

    def _take_changes(self, transaction: Transaction) -> None:
        for person in people_rows.changed_since(transaction, self._seen):
            if not self.people.is_as(person.id, person.total):
                self.changed_people.add(person.id)
                self.people.put(person.id, person.total)
        for group in group_rows.changed_since(transaction, self._seen):
            if group.is_there:
                self.groups.put(group.id, group.total, named=group.person_id is not None)
            else:
                self.groups.drop(group.id)

    # --- the machine's index file ---

    def _take_over(self, saved: Saved | None) -> bool:
        """Go on with rows of the file, as they were at a change; whether there are any."""
        if saved is None:
            return False
        self.people = EnrolledPeople.of_rows(self.neighbourhood, saved.people, self.state.number)
        self.groups = GroupIndex.of_rows(self.neighbourhood, saved.groups, self.state.number)
        self._seen = saved.change
        return True

    def _is_whole(self, transaction: Transaction) -> bool:
        """Whether what was taken over and followed is what the tables have: they may be those of a copy put back."""
        groups = TableSum(len(self.groups), int(self.groups.ids.sum()), self.groups.faces)
        people = TableSum(len(self.people), int(self.people.ids.sum()), int(self.people.confirmed.sum()))
        return (group_rows.table_sum(transaction), people_rows.table_sum(transaction)) == (groups, people)

    def _map_what_is_renewed(self) -> bool:
        """Take over what another process has measured with the neighbourhood in force; whether there was anything."""
        if self._shared is None or not self.is_stale or not self._shared.is_renewed(self.state, self.cohort.version):
            return False
        return self._take_over(self._shared.load(self.state, self.cohort.version))

    def _renews(self) -> bool:
        """Whether this process measures anew: alone, or for all of the machine."""
        return self._shared is None or not self._is_worth_sharing or self._shared.begin()

    @property
    def _is_worth_sharing(self) -> bool:
        return self._shared is not None and self._shared.is_worth(len(self.groups) + len(self.people))

    def _share(self) -> None:
        if self._shared is None or not self._is_worth_sharing:
            return
        rows = Saved(self._seen, self.state.number, self.cohort.version, self.groups.rows, self.people.rows)
        self._shared.end(rows)
        # The same rows, from now on in memory that all processes have in common.
        shared = self._shared.load(self.state, self.cohort.version)
        if shared and (shared.change, shared.number) == (rows.change, rows.number):
            self._take_over(shared)
