from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faces.people.encoding_sum import EncodingSum
from faces.people.groups.group_index import GroupIndex, KeptGroup, NearPair
from faces.people.groups.group_limits import join_limits, merge_limits
from faces.people.neighbourhood import Neighbourhood
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

#: People who look alike, so that limits matter.
PEOPLE = 0.05 + 0.6 * (made_people(12) - 0.05)
PHOTOS = np.concatenate([photos_of(person, 5, seed) for seed, person in enumerate(PEOPLE)])

NEIGHBOURHOOD = Neighbourhood(made_cohort(level=-0.044), PHOTOS[::3])

#: Groups by id: which photos; groups may share photos, so that some are equal.
LIBRARIES = st.dictionaries(
    st.integers(1, 2**62), st.lists(st.integers(0, len(PHOTOS) - 1), min_size=1, max_size=6), min_size=1, max_size=20
)


def total(rows: list[int]) -> EncodingSum:
    return EncodingSum.of(PHOTOS[rows])


def made_at_once(library: dict[int, list[int]], neighbourhood: Neighbourhood = NEIGHBOURHOOD) -> GroupIndex:
    return GroupIndex(neighbourhood, [KeptGroup(group, total(rows)) for group, rows in library.items()])


def state(index: GroupIndex) -> list[tuple[int, tuple[float, int], tuple[bool, int, int]]]:
    return [(group, index.around(group), index.priority(group)) for group in index.ids.tolist()]


def pairs_by_the_book(library: dict[int, list[int]], neighbourhood: Neighbourhood, changed: set[int]) -> list[tuple]:
    """Each pair measured in float64."""
    ids = sorted(library)
    middles = np.stack([total(library[group]).middle for group in ids]).astype(np.float32)
    around = neighbourhood.around(middles).astype(float)
    sizes = np.array([len(library[group]) for group in ids])
    found = []
    for left in range(len(ids)):
        for right in range(left + 1, len(ids)):
            apart = float(np.sqrt(np.square(middles[left].astype(float) - middles[right]).sum()))
            score = apart - (around[left] + around[right]) / 2
            limit = merge_limits(sizes[left : left + 1], sizes[right : right + 1], neighbourhood.alarm)[0]
            if score < limit and changed & {ids[left], ids[right]}:
                found.append((score - limit, ids[left], ids[right]))
    return [pair[1:] for pair in sorted(found)]


@given(LIBRARIES, st.sampled_from([0.0, 1.0]), st.data())
def test_the_pairs_are_those_of_all_measured_exactly(
    library: dict[int, list[int]], alarm: float, data: st.DataObject
) -> None:
    neighbourhood = Neighbourhood(made_cohort(level=-0.044), PHOTOS[::3], alarm)
    changed = set(data.draw(st.lists(st.sampled_from(sorted(library)))))
    found = made_at_once(library, neighbourhood).pairs(changed)
    assert [(pair.one, pair.other) for pair in found] == pairs_by_the_book(library, neighbourhood, changed)


@given(LIBRARIES, st.integers(0, len(PHOTOS) - 1))
def test_the_nearest_group_is_that_of_all_measured_exactly_and_of_equals_the_smallest_id(
    library: dict[int, list[int]], photo: int
) -> None:
    face = PHOTOS[photo : photo + 1].astype(np.float32)
    around = float(NEIGHBOURHOOD.around(face)[0])
    ids = sorted(library)
    middles = np.stack([total(library[group]).middle for group in ids]).astype(np.float32)
    apart = np.sqrt(np.square(middles.astype(float) - face).sum(axis=1))
    scores = apart - (NEIGHBOURHOOD.around(middles).astype(float) + around) / 2
    below = scores - join_limits(np.array([len(library[group]) for group in ids]), 0.0)
    found = made_at_once(library).nearest(face, around)
    assert (found.group if found else None) == (ids[int(below.argmin())] if below.min() < 0 else None)


@given(LIBRARIES, LIBRARIES, st.randoms(use_true_random=False))
def test_rows_kept_in_place_equal_those_made_at_once(
    library: dict[int, list[int]], more: dict[int, list[int]], dice: object
) -> None:
    index = made_at_once(more)
    steps = [*library.items(), *((group, None) for group in more.keys() - library.keys())]
    dice.shuffle(steps)  # type: ignore[attr-defined]
    for group, rows in steps:
        if rows is None:
            index.drop(group)
        else:
            index.put(group, total(rows))
    assert state(index) == state(made_at_once(library))
    assert index.pairs(library) == made_at_once(library).pairs(library)


@given(LIBRARIES, st.data())
def test_groups_made_of_ready_rows_are_the_same_groups(library: dict[int, list[int]], data: st.DataObject) -> None:
    index = made_at_once(library)
    for group in data.draw(st.lists(st.sampled_from(sorted(library)))):
        index.drop(group)
    again = GroupIndex.of_rows(NEIGHBOURHOOD, index.rows, 0)
    assert (len(again), again.stale, state(again)) == (len(index), 0, state(index))
    assert again.pairs(library) == index.pairs(library)


def test_a_number_that_is_told_is_the_one_that_groups_have_then() -> None:
    index = made_at_once({1: [0], 2: [1]})
    index.use(NEIGHBOURHOOD, number=9)
    index.renew(1)
    assert (index.around(1)[1], index.around(2)[1], index.stale) == (9, 0, 1)


def test_what_was_dropped_is_near_nothing_and_can_come_back() -> None:
    index = made_at_once({1: [0, 1], 2: [0, 1]})
    pair = index.pairs([1])
    index.drop(2)
    assert (len(index), 2 in index, index.pairs([1])) == (1, False, [])
    index.put(2, total([0, 1]))
    assert (len(index), 2 in index, index.pairs([1])) == (2, True, pair)


def test_dead_rows_are_closed_up() -> None:
    index = made_at_once({group: [group % 60] for group in range(1, 2001)})
    for group in range(1, 2001, 2):
        index.drop(group)
    assert index.ids.tolist() == list(range(2, 2001, 2))
    for group in range(2, 2001, 2):
        index.drop(group)
    assert (len(index), index.ids.tolist(), index.pairs([2])) == (0, [], [])


def test_a_group_takes_less_than_600_bytes() -> None:
    index = made_at_once({group: [group % 60] for group in range(1, 5001)})
    index.put(5001, total([0]))
    assert index.bytes / len(index) <= 600


def test_of_two_groups_the_named_stays_then_the_larger_then_the_older() -> None:
    index = made_at_once({1: [0], 2: [1, 2], 3: [3, 4], 4: [5]})
    index.put(4, total([5]), named=True)
    assert sorted([1, 2, 3, 4], key=index.priority) == [4, 2, 3, 1]
    index.put(4, total([5, 6]))
    assert index.priority(4)[0] is False  # a name stays until it is taken off


def test_neighbourhoods_are_measured_anew_in_slices_and_until_then_a_row_keeps_the_old_one() -> None:
    index = made_at_once({group: [group] for group in range(1, 11)})
    old = {group: index.around(group) for group in range(1, 11)}
    index.use(Neighbourhood(made_cohort(level=-0.044)))
    assert index.renew(3, first=[9]).tolist() == [9, 1, 2, 3]
    assert [index.around(group)[1] for group in range(1, 11)] == [1, 1, 1, 0, 0, 0, 0, 0, 1, 0]
    assert index.around(5) == old[5]
    index.use(Neighbourhood(made_cohort(level=-0.044)))
    assert index.renew(5).tolist() == [4, 5, 6, 7, 8]
    assert index.stale == 5
    assert index.renew(100).tolist() == [10, 1, 2, 3, 9]
    assert index.renew(100).tolist() == []


def test_a_kept_neighbourhood_is_not_measured_again() -> None:
    index = GroupIndex(NEIGHBOURHOOD, [KeptGroup(1, total([0]), around=0.5, cohort=7), KeptGroup(2, total([1]))], 8)
    assert (index.around(1), index.around(2)[1]) == ((0.5, 7), 8)


def test_a_middle_that_is_no_encodings_changes_nothing() -> None:
    index = made_at_once({1: [0]})
    before = state(index)
    with pytest.raises(ValueError, match="longer than 10"):
        index.put(2, EncodingSum.of(np.full((1, 128), 9.0)))
    assert state(index) == before


def test_a_group_that_is_not_there_has_no_neighbourhood() -> None:
    with pytest.raises(KeyError):
        made_at_once({1: [0]}).around(2)


def test_a_pair_that_changed_on_both_sides_is_found_once() -> None:
    found = made_at_once({5: [0, 1], 3: [0, 1]}).pairs([3, 5])
    assert [(pair.one, pair.other, pair.distance) for pair in found] == [(3, 5, 0.0)]
    assert isinstance(found[0], NearPair)


# --- limits ---


@pytest.mark.parametrize(("size", "limit"), [(1, -0.08), (2, -0.09), (10**6, -0.10)])
def test_a_large_group_asks_more_of_a_face(size: int, limit: float) -> None:
    assert join_limits(np.array([size]), 0.0) == pytest.approx([limit], abs=1e-6)
    assert join_limits(np.array([size]), 1.0) == pytest.approx([limit - 0.02], abs=1e-6)


@pytest.mark.parametrize(
    ("one", "other", "limit"), [(1, 1, -0.10), (1, 2, -0.11), (2, 1, -0.11), (1, 10**6, -0.12), (10**6, 10**6, -0.09)]
)
def test_two_large_groups_ask_less_of_each_other_than_a_large_one_of_a_face(one: int, other: int, limit: float) -> None:
    assert merge_limits(np.array([one]), np.array([other]), 0.0) == pytest.approx([limit], abs=1e-6)
    assert merge_limits(np.array([one]), np.array([other]), 0.5) == pytest.approx([limit - 0.01], abs=1e-6)
