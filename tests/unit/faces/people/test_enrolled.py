from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faces.people.calibration import Learned
from faces.people.encoding_sum import EncodingSum
from faces.people.enrolled import EnrolledPeople
from faces.people.identify import identify
from faces.people.neighbourhood import Neighbourhood
from tests.unit.faces.people.made_people import enrolled, made_cohort, made_people, photos_of

NEIGHBOURHOOD = Neighbourhood(made_cohort(), made_people(60, seed=5))
PEOPLE = made_people(12)
PHOTOS = np.concatenate([photos_of(person, 5, seed) for seed, person in enumerate(PEOPLE)])
FACES = np.concatenate([photos_of(person, 2, 50 + seed) for seed, person in enumerate(made_people(20))])

#: One person's confirmed faces: which of the 60 photos, some of them twice.
CONFIRMED = st.lists(st.integers(0, len(PHOTOS) - 1), min_size=1, max_size=6)

#: A library: which photos are confirmed to be which person; people may share photos, so that some are equal.
LIBRARIES = st.dictionaries(st.integers(-50, 2**62), CONFIRMED, min_size=1, max_size=15)


def state(people: EnrolledPeople) -> list[tuple[int, int, bytes, bytes]]:
    """All of it, to the bit."""
    rows = zip(people.ids.tolist(), people.confirmed.tolist(), people.middles, people.around, strict=True)
    return [(person, count, middle.tobytes(), around.tobytes()) for person, count, middle, around in rows]


def made_at_once(library: dict[int, list[int]]) -> EnrolledPeople:
    return EnrolledPeople(NEIGHBOURHOOD, {person: EncodingSum.of(PHOTOS[rows]) for person, rows in library.items()})


def by_the_book(library: EnrolledPeople, face: np.ndarray, count: int) -> list[int]:
    """Everybody measured exactly, sorted by score, then by id."""
    apart = np.sqrt(np.square(library.middles.astype(float) - face.astype(np.float32).astype(float)).sum(axis=1))
    around = library.neighbourhood.around(face[None])[0].astype(float)
    scores = apart - (around + library.around) / 2
    return library.ids[np.lexsort((library.ids, scores))][:count].tolist()


@given(LIBRARIES)
def test_the_ranking_is_that_of_everybody_measured_exactly_and_of_equals_the_smallest_id_comes_first(
    library: dict[int, list[int]],
) -> None:
    people = made_at_once(library)
    ranking = people.rank(FACES, 3)
    found = [people.ids[places[places >= 0]].tolist() for places in ranking.places]
    assert found == [by_the_book(people, face, 3) for face in FACES]


@given(LIBRARIES, st.permutations(range(len(FACES))), st.integers(1, len(FACES)))
def test_neither_order_nor_batch_changes_an_answer(library: dict[int, list[int]], order: list[int], size: int) -> None:
    people = made_at_once(library)
    together = identify(FACES, people, Learned())
    in_pieces = [
        one
        for start in range(0, len(order), size)
        for one in identify(FACES[order[start : start + size]], people, Learned())
    ]
    assert [in_pieces[order.index(place)] for place in range(len(FACES))] == together


@given(LIBRARIES, st.randoms(use_true_random=False))
def test_people_who_came_one_by_one_equal_those_made_at_once(library: dict[int, list[int]], dice: object) -> None:
    people = EnrolledPeople(NEIGHBOURHOOD)
    arrivals = [(person, row) for person, rows in library.items() for row in rows]
    dice.shuffle(arrivals)  # type: ignore[attr-defined]
    sums = dict.fromkeys(library, EncodingSum.of(np.empty((0, 128))))
    for person, row in arrivals:
        sums[person] += EncodingSum.of(PHOTOS[row : row + 1])
        people.put(person, sums[person])
    assert state(people) == state(made_at_once(library))


@given(LIBRARIES, LIBRARIES, st.randoms(use_true_random=False))
def test_what_was_confirmed_and_undone_leaves_nothing(
    library: dict[int, list[int]], more: dict[int, list[int]], dice: object
) -> None:
    people = made_at_once(library)
    none = EncodingSum.of(np.empty((0, 128)))
    sums = {
        person: EncodingSum.of(PHOTOS[library[person]]) if person in library else none for person in {*library, *more}
    }
    steps = [(person, EncodingSum.of(PHOTOS[rows])) for person, rows in more.items()]
    for person, step in steps:
        sums[person] += step
        people.put(person, sums[person])
    dice.shuffle(steps)  # type: ignore[attr-defined]
    for person, step in steps:
        sums[person] -= step
        people.put(person, sums[person])
    assert state(people) == state(made_at_once(library))


@given(LIBRARIES, st.data())
@settings(max_examples=30)
def test_a_change_of_one_person_changes_no_other(library: dict[int, list[int]], data: st.DataObject) -> None:
    people = made_at_once(library)
    person = data.draw(st.sampled_from(sorted(library)))
    before = [row for row in state(people) if row[0] != person]
    people.put(person, EncodingSum.of(PHOTOS[data.draw(CONFIRMED)]))
    assert [row for row in state(people) if row[0] != person] == before


def test_everybody_can_be_put_in_and_taken_out() -> None:
    people, none = EnrolledPeople(NEIGHBOURHOOD), EncodingSum.of(np.empty((0, 128)))
    for person in range(200, 0, -1):
        people.put(person, EncodingSum.of(PHOTOS[person % 60][None]))
    assert people.ids.tolist() == list(range(1, 201))
    for person in range(1, 201):
        people.put(person, none)
    assert len(people) == 0
    assert identify(FACES, people, Learned()) == [None] * len(FACES)


def test_a_middle_that_is_no_encodings_changes_nothing() -> None:
    people = enrolled(PEOPLE)
    before = state(people)
    with pytest.raises(ValueError, match="longer than 10"):
        people.put(99, EncodingSum.of(np.full((1, 128), 9.0)))
    assert state(people) == before


def test_who_is_enrolled_can_be_asked() -> None:
    people = enrolled(PEOPLE[:3], ids=[5, 7, 9])
    assert 7 in people
    assert 8 not in people
    assert people.places_of([9, 8, 5, 10]).tolist() == [2, -1, 0, -1]


def test_a_person_without_a_confirmed_face_is_left_out() -> None:
    none = EncodingSum.of(np.empty((0, 128)))
    assert len(EnrolledPeople(NEIGHBOURHOOD, {1: none})) == 0


def test_new_groups_of_the_library_change_every_neighbourhood() -> None:
    people = enrolled(PEOPLE)
    wider = Neighbourhood(made_cohort(), made_people(60, seed=5))
    people.use(wider)
    people.renew(len(people))
    assert state(people) == state(enrolled(PEOPLE, own=made_people(60, seed=5)))


def test_neighbourhoods_are_measured_anew_in_slices_the_longest_stale_first() -> None:
    people = enrolled(PEOPLE[:10], ids=list(range(1, 11)))
    old = {person: people.measurement(person) for person in range(1, 11)}
    people.use(NEIGHBOURHOOD)
    assert people.renew(3).tolist() == [1, 2, 3]
    assert people.stale == 7
    assert [people.measurement(person)[1] for person in range(1, 11)] == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert people.measurement(5) == old[5]
    people.use(NEIGHBOURHOOD, number=7)
    assert people.renew(8).tolist() == [4, 5, 6, 7, 8, 9, 10, 1]
    people.put(2, EncodingSum.of(PEOPLE[1:2]))
    assert people.measurement(2)[1] == 7
    assert people.renew(100).tolist() == [3]
    assert people.renew(100).tolist() == []
    assert state(people) == state(enrolled(PEOPLE[:10], ids=list(range(1, 11)), own=made_people(60, seed=5)))


def test_a_kept_neighbourhood_is_not_measured_again() -> None:
    sums = {1: EncodingSum.of(PHOTOS[:1]), 2: EncodingSum.of(PHOTOS[1:2])}
    people = EnrolledPeople(NEIGHBOURHOOD, sums, number=8, measured={1: (0.5, 7)})
    assert people.measurement(1) == (0.5, 7)
    assert people.measurement(2) == (float(NEIGHBOURHOOD.around(PHOTOS[1:2].astype(np.float32))[0]), 8)


def test_who_is_not_enrolled_has_no_neighbourhood() -> None:
    with pytest.raises(KeyError):
        enrolled(PEOPLE).measurement(99)


@given(LIBRARIES)
def test_people_made_of_ready_rows_are_the_same_people(library: dict[int, list[int]]) -> None:
    people = made_at_once(library)
    again = EnrolledPeople.of_rows(NEIGHBOURHOOD, people.rows, 0)
    assert state(again) == state(people)
    assert identify(FACES, again, Learned()) == identify(FACES, people, Learned())


def test_many_equal_people_are_ranked_by_id() -> None:
    people = enrolled(np.repeat(PEOPLE[:1], 3000, axis=0), ids=list(range(3000, 0, -1)))
    ranking = people.rank(FACES[:5], 3)
    assert people.ids[ranking.places].tolist() == [[1, 2, 3]] * 5


def test_a_person_takes_less_than_600_bytes() -> None:
    people = enrolled(made_people(5000))
    people.put(-1, EncodingSum.of(PEOPLE[:1]))
    assert people.bytes / len(people) <= 600


# --- sums ---


@given(CONFIRMED, st.randoms(use_true_random=False))
def test_a_sum_does_not_depend_on_order(rows: list[int], dice: object) -> None:
    total = EncodingSum.of(PHOTOS[rows])
    dice.shuffle(rows)  # type: ignore[attr-defined]
    assert EncodingSum.of(PHOTOS[rows]) == total


@given(CONFIRMED, CONFIRMED)
def test_a_sum_forgets_what_is_taken_off(rows: list[int], more: list[int]) -> None:
    total = EncodingSum.of(PHOTOS[rows])
    assert total + EncodingSum.of(PHOTOS[more]) - EncodingSum.of(PHOTOS[more]) == total
    assert total + EncodingSum.of(PHOTOS[more]) == EncodingSum.of(PHOTOS[[*rows, *more]])


def test_a_sum_is_kept_in_1024_bytes() -> None:
    total = EncodingSum.of(PHOTOS[:3])
    assert len(total.to_bytes()) == 1024
    assert EncodingSum.from_bytes(3, total.to_bytes()) == total


def test_its_middle_is_the_plain_mean() -> None:
    assert EncodingSum.of(PHOTOS[:3]).middle == pytest.approx(PHOTOS[:3].mean(axis=0), abs=1e-12)


def test_a_million_encodings_fit() -> None:
    large = EncodingSum.of(np.full((1, 128), 8.0))
    total = EncodingSum(2**20 - 1, large.steps * (2**20 - 1))
    assert total.middle == pytest.approx([8.0] * 128)


@pytest.mark.parametrize("wrong", [np.zeros(128), np.zeros((1, 3)), np.full((1, 128), np.nan), np.full((1, 128), 11.0)])
def test_a_sum_takes_encodings_only(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="found "):
        EncodingSum.of(wrong)
