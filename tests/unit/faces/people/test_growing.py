from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faces.people.encoding_sum import EncodingSum
from faces.people.groups.alarm import Alarm
from faces.people.groups.growing import Groups, Placement, next_batch
from faces.people.groups.joining import Merger
from faces.people.groups.members_in_memory import MembersInMemory
from faces.people.groups.memberships import NewFace
from faces.people.refs import Ref
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

COHORT = made_cohort(level=-0.044)

#: People who look so much alike that groups mix and pieces meet, as far from the cohort as others.
ALIKE = made_people(1) + 0.4 * (made_people(12, seed=3) - 0.05)
PHOTOS = np.concatenate([0.25 * ALIKE[seed] + 0.75 * photos_of(person, 14, seed) for seed, person in enumerate(ALIKE)])


def face(number: int, photo: int | None = None, encoding: np.ndarray | None = None) -> NewFace:
    return NewFace(number, number if photo is None else photo, PHOTOS[number] if encoding is None else encoding)


class Library:
    """Groups with their facts, and what must always hold of them."""

    def __init__(self) -> None:
        self.members = MembersInMemory()
        self.groups = Groups(COHORT, self.members)
        self.faces: dict[int, NewFace] = {}
        self.person_of: dict[int, int] = {}
        """Of faces in named groups, after the last step."""

    def arrive(self, faces: list[NewFace]) -> list[Placement]:
        self.faces |= {one.id: one for one in faces}
        return self.groups.arrive(faces)

    def name(self, group: int, person: int) -> None:
        self.members.name(group, person)
        self.groups.take_anew(group)

    def split(self, group: int) -> None:
        """A person takes half of the faces out; nothing forbids that they come together again."""
        faces = self.members.faces_of(group)
        for changed in self.members.regroup(max(self.parts()) + 1, faces[::2]):
            self.groups.take_anew(changed)
        for one in faces[::2]:
            self.person_of.pop(one, None)

    def refuse(self, one: Ref, other: Ref) -> None:
        """Unless they are together already."""
        if all(not {one, other} <= self.refs(group) for group in self.parts()):
            self.members.refusals.add(one, other)

    def parts(self) -> dict[int, list[int]]:
        return self.members.groups()

    def refs(self, group: int) -> set[Ref]:
        refs = {Ref("face", one) for one in self.members.faces_of(group)} | {Ref("group", group)}
        person = self.members.person_of(group)
        return refs if person is None else refs | {Ref("person", person)}

    def check(self) -> None:
        parts = self.parts()
        assert sorted(one for faces in parts.values() for one in faces) == sorted(self.faces)
        assert self.groups.index.ids.tolist() == sorted(parts)
        for group, faces in parts.items():
            photos = [self.faces[one].photo for one in faces]
            assert len(set(photos)) == len(photos)
            self._check_sum(group, faces)
            for one, other in combinations(sorted(self.refs(group)), 2):
                assert (one, other) not in self.members.refusals

    def _check_sum(self, group: int, faces: list[int]) -> None:
        known = self.members.known(group)
        assert known is not None
        assert known.total == EncodingSum.of(np.stack([self.faces[one].encoding for one in faces]))
        named, size, _ = self.groups.index.priority(group)
        assert (named, -size) == (not known.named, len(faces))


#: What happens to a library: photos of some faces, groups that are joined, and what a person says.
PERSONS = st.integers(1, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("photos"), st.lists(st.integers(1, 4), min_size=1, max_size=12)),
        st.tuples(st.just("merge")),
        st.tuples(st.just("name"), st.integers(0, 99), PERSONS),
        st.tuples(st.just("refuse faces"), st.integers(0, 99), st.integers(0, 99)),
        st.tuples(st.just("refuse groups"), st.integers(0, 99), st.integers(0, 99)),
        st.tuples(st.just("refuse person"), st.integers(0, 99), PERSONS),
        st.tuples(st.just("refuse face"), st.integers(0, 99), st.integers(0, 99)),
        st.tuples(st.just("split"), st.integers(0, 99)),
        st.tuples(st.just("renew"), st.integers(1, 9)),
    ),
    max_size=15,
)


def run(steps: list[tuple], order: np.ndarray, check: bool = True) -> Library:
    library, waiting, photo = Library(), order.tolist(), 0
    for step, *words in steps:
        before = library.parts()
        if step == "photos":
            arriving = []
            for count in words[0]:
                arriving += [face(number, photo) for number in waiting[:count]]
                waiting, photo = waiting[count:], photo + 1
            library.arrive(arriving)
        elif step == "merge":
            library.groups.merge()
        elif step == "renew":
            library.groups.renew(words[0])
        elif before:
            a_person(library, step, words, before)
        if check:
            library.check()
            check_what_stays(library, before)
    return library


def a_person(library: Library, step: str, words: list[int], before: dict[int, list[int]]) -> None:
    """Says something, unless it contradicts what was said before."""
    faces, groups = sorted(library.faces), sorted(before)
    one, other = groups[words[0] % len(groups)], groups[words[-1] % len(groups)]
    left, right = faces[words[0] % len(faces)], faces[words[-1] % len(faces)]
    if step == "split":
        library.split(one)
        del before[one]
    elif step == "name":
        person = Ref("person", words[1])
        if library.members.person_of(one) is None and not library.members.refusals.forbid(library.refs(one), {person}):
            library.name(one, words[1])
    elif step == "refuse faces" and left != right:
        library.refuse(Ref("face", left), Ref("face", right))
    elif step == "refuse groups" and one != other:
        library.refuse(Ref("group", one), Ref("group", other))
    elif step == "refuse person":
        library.refuse(Ref("group", one), Ref("person", words[1]))
    elif step == "refuse face":
        library.refuse(Ref("face", right), Ref("group", one))


def check_what_stays(library: Library, before: dict[int, list[int]]) -> None:
    """No face leaves the others of its group, and a face with a name keeps it."""
    after = {one: group for group, members in library.parts().items() for one in members}
    for faces in before.values():
        assert len({after[one] for one in faces}) == 1
    named = {one: person for one, group in after.items() if (person := library.members.person_of(group)) is not None}
    assert {one: named.get(one) for one in library.person_of} == library.person_of
    library.person_of = named


@given(STEPS, st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_no_photo_is_twice_in_a_group_no_face_leaves_and_nothing_confirmed_changes(
    steps: list[tuple], seed: int
) -> None:
    run(steps, np.random.default_rng(seed).permutation(len(PHOTOS)))


@given(STEPS, st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_the_same_steps_make_the_same_groups(steps: list[tuple], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(PHOTOS))
    one, other = run(steps, order, check=False), run(steps, order, check=False)
    assert one.parts() == other.parts()
    assert one.groups.alarm == other.groups.alarm


@given(st.integers(0, 9), st.lists(st.integers(1, 60), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_in_whatever_batches_faces_arrive_the_sums_and_the_alarm_are_those_made_anew(
    seed: int, sizes: list[int]
) -> None:
    order = np.random.default_rng(seed).permutation(len(PHOTOS)).tolist()
    library = Library()
    for size in sizes:
        library.arrive([face(number) for number in order[:size]])
        library.groups.merge()
        order = order[size:]
    library.check()
    alone = library.groups.index.neighbourhood.shipped_alone(PHOTOS)
    assert library.groups.alarm == Alarm.of(alone[sorted(library.faces)])


@given(st.integers(0, 9), st.data())
@settings(max_examples=30, deadline=None)
def test_a_join_that_is_undone_leaves_members_and_sums_as_they_were(seed: int, data: st.DataObject) -> None:
    order = np.random.default_rng(seed).permutation(len(PHOTOS)).tolist()
    library = Library()
    library.groups.grow([face(number) for number in order[:60]])
    library.faces = {number: face(number) for number in order[:60]}
    groups = sorted(library.parts())
    kept, gone = data.draw(st.sampled_from(groups)), data.draw(st.sampled_from(groups))
    before, faces = state(library), library.parts()[gone]
    if kept == gone:
        return
    library.members.absorb(kept, gone)
    library.members.regroup(gone, faces)
    for group in (kept, gone):
        library.groups.take_anew(group)
    assert state(library) == before
    library.check()


def state(library: Library) -> list[tuple[int, list[int], bytes, float]]:
    parts = library.parts()
    totals = {group: known.total for group in parts if (known := library.members.known(group))}
    return [(group, sorted(parts[group]), totals[group].to_bytes(), len(parts[group])) for group in sorted(parts)]


# --- one by one ---


def near(person: int, count: int, apart: float = 0.05) -> np.ndarray:
    """Faces of one person, so near that they join."""
    middle = made_people(30)[person]
    return middle + np.random.default_rng(person).normal(0, apart / 16, (count, 128))


def grown(encodings: np.ndarray, photos: list[int] | None = None) -> Library:
    library = Library()
    library.groups.grow([face(at, photos[at] if photos else at, one) for at, one in enumerate(encodings)])
    return library


def test_photos_of_one_person_are_one_group_and_those_of_others_are_not() -> None:
    library = grown(np.concatenate([near(1, 4), near(2, 4)]))
    assert sorted(library.parts().values()) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_a_second_face_of_the_photo_begins_a_group_and_is_not_given_to_the_second_best() -> None:
    first, second = near(1, 2), near(1, 1, apart=0.3)
    library = grown(np.concatenate([first[:1], second]), [1, 2])
    library.members.regroup(9, [1])
    for group in (1, 9):
        library.groups.take_anew(group)
    placed = library.groups.arrive([face(5, 1, first[1])])
    assert placed[0].near is None
    assert library.parts()[placed[0].group] == [5]


def test_what_joined_is_told_with_score_and_distance() -> None:
    library = grown(near(1, 1))
    one, other = near(1, 2)
    placed = library.groups.arrive([face(1, 1, other)])[0]
    assert (placed.face, placed.group) == (1, 1)
    assert placed.near is not None
    assert placed.near.distance == pytest.approx(np.linalg.norm(one - other), abs=1e-6)
    assert placed.near.score < -0.08


def test_the_named_group_absorbs_although_it_is_smaller_and_younger() -> None:
    library = grown(np.concatenate([near(1, 3), near(2, 1)]))
    library.members.regroup(9, [0])
    library.name(9, 7)
    library.groups.take_anew(1)
    assert library.groups.merge() == [Merger(9, 1, pytest.approx(-0.5, abs=0.2), pytest.approx(0, abs=0.1))]
    assert sorted(library.parts()[9]) == [0, 1, 2]
    assert library.members.person_of(9) == 7


def test_groups_with_faces_of_one_photo_are_never_joined() -> None:
    library = grown(near(1, 4), [0, 1, 2, 2])
    assert library.groups.merge() == []
    assert sorted(library.parts().values()) == [[0, 1, 2], [3]]


def test_what_has_been_joined_is_looked_at_again_at_once() -> None:
    library = grown(near(1, 6))
    for group, faces in ((8, [0, 1]), (9, [2])):
        library.members.regroup(group, faces)
    for group in (1, 8, 9):
        library.groups.take_anew(group)
    assert len(library.groups.merge()) == 2
    assert {group: sorted(faces) for group, faces in library.parts().items()} == {1: [0, 1, 2, 3, 4, 5]}


def test_two_groups_with_names_are_never_joined_not_even_with_one_name() -> None:
    library = grown(near(1, 4))
    library.members.regroup(9, [0])
    for group in (1, 9):
        library.name(group, 7)
    assert library.groups.merge() == []
    assert len(library.parts()) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Ref("group", 1), Ref("group", 9)),
        (Ref("face", 0), Ref("group", 1)),
        (Ref("face", 0), Ref("face", 2)),
        (Ref("face", 2), Ref("person", 7)),
        (Ref("group", 1), Ref("person", 7)),
    ],
)
def test_what_a_person_has_refused_is_never_joined(one: Ref, other: Ref) -> None:
    library = grown(near(1, 4))
    library.members.regroup(9, [0])
    library.members.refusals.add(other, one)
    library.name(9, 7)
    library.groups.take_anew(1)
    assert library.groups.merge() == []


def test_a_refusal_of_a_group_holds_for_the_one_that_has_its_faces_now() -> None:
    library = grown(near(1, 6))
    for group, faces in ((8, [0, 1]), (9, [2])):
        library.members.regroup(group, faces)
    library.members.refusals.add(Ref("group", 9), Ref("group", 8))
    library.members.absorb(1, 9)
    for group in (1, 8, 9):
        library.groups.take_anew(group)
    assert library.groups.merge() == []
    assert sorted(library.parts().values()) == [[0, 1], [2, 3, 4, 5]] or len(library.parts()) == 2


def test_a_face_that_was_refused_begins_a_group() -> None:
    library = grown(near(1, 3))
    library.members.refusals.add(Ref("face", 5), Ref("group", 1))
    assert library.groups.arrive([face(5, 5, near(1, 6)[5])])[0].near is None


def test_a_group_that_another_process_has_absorbed_is_looked_for_again() -> None:
    library = grown(near(1, 4))
    library.members.regroup(9, [0, 1])
    library.groups.take_anew(9)
    library.groups.take_anew(1)
    library.members.absorb(9, 1)
    placed = library.groups.arrive([face(5, 5, near(1, 4)[2:].mean(axis=0))])[0]
    assert placed.group == 9
    assert library.groups.index.ids.tolist() == [9]


def test_a_pair_that_another_process_has_joined_is_taken_as_it_is() -> None:
    library = grown(near(1, 4))
    library.members.regroup(9, [0, 1])
    library.groups.take_anew(9)
    library.groups.take_anew(1)
    library.members.absorb(9, 1)
    assert library.groups.merge() == []
    assert library.groups.index.priority(9) == (True, -4, 9)
    assert library.groups.index.ids.tolist() == [9]


def test_own_groups_are_those_without_a_name() -> None:
    library = grown(np.concatenate([near(person, 3) for person in range(1, 9)]))
    first = library.groups.index.largest_unnamed(10)
    library.name(min(library.parts()), 7)
    assert len(library.groups.index.largest_unnamed(10)) == len(first) - 1 == 7


def test_groups_go_on_where_they_were_kept() -> None:
    order = np.random.default_rng(3).permutation(len(PHOTOS)).tolist()
    one = Library()
    one.groups.grow([face(number) for number in order[:120]])
    index = one.groups.index
    kept = []
    for group in index.ids.tolist():
        known = one.members.known(group)
        assert known is not None
        around, number = index.around(group)
        kept.append(replace(known, around=around, cohort=number))
    other = Groups(COHORT, one.members, kept, alarm=one.groups.alarm, number=index.number)
    assert other.index.ids.tolist() == index.ids.tolist()
    assert [other.index.around(group) for group in index.ids.tolist()] == [
        index.around(group) for group in index.ids.tolist()
    ]
    assert other.index.pairs(index.ids.tolist()) == index.pairs(index.ids.tolist())


@pytest.mark.parametrize(("faces", "batch"), [(0, 25), (25, 25), (50, 50), (100, 100), (499, 499), (501, 500)])
def test_a_batch_is_as_many_as_there_are_within_bounds(faces: int, batch: int) -> None:
    assert next_batch(faces) == batch


def test_no_faces_change_nothing() -> None:
    library = Library()
    assert library.groups.arrive([]) == []
    assert library.groups.merge() == []
    assert len(library.groups.renew()) == 0
