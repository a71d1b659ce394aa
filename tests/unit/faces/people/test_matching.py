import numpy as np
import pytest

from faces.people.matching import Candidates, Match, distances, nearest


def at(*numbers: float) -> np.ndarray:
    encoding = np.zeros(128)
    encoding[: len(numbers)] = numbers
    return encoding


def candidates(*encodings: np.ndarray, image_ids: list[int] | None = None) -> Candidates:
    ids = [10 * (place + 1) for place in range(len(encodings))]
    return Candidates.of(ids, image_ids or [1] * len(ids), list(encodings))


def test_distances_are_euclidean_and_in_order() -> None:
    assert distances(at(0, 0), np.stack([at(3, 4), at(0, 1), at(0)])).tolist() == [5.0, 1.0, 0.0]


def test_distances_of_more_rows_than_one_piece_are_complete() -> None:
    dice = np.random.default_rng(1)
    matrix = dice.normal(size=(20_000, 128))
    one = dice.normal(size=128)
    assert distances(one, matrix) == pytest.approx(np.linalg.norm(matrix - one, axis=1), rel=1e-12)


def test_no_candidates_match_nothing() -> None:
    assert nearest(at(0), candidates(), 0.6) is None


def test_the_nearest_candidate_wins() -> None:
    assert nearest(at(0), candidates(at(0.5), at(0.25), at(0.4)), 0.6) == Match(20, 0.25)


def test_a_candidate_exactly_at_the_threshold_is_no_match() -> None:
    assert nearest(at(0), candidates(at(0.5)), 0.5) is None
    assert nearest(at(0), candidates(at(np.nextafter(0.5, 0))), 0.5) is not None


def test_of_equally_near_candidates_the_smallest_id_wins() -> None:
    assert nearest(at(0), candidates(at(0.6), at(0, 0.3), at(0.3)), 0.6) == Match(20, 0.3)


def test_faces_of_the_image_itself_are_left_out() -> None:
    two = candidates(at(0.1), at(0.2), image_ids=[7, 8])
    assert nearest(at(0), two.outside_image(7), 0.6) == Match(20, 0.2)
    assert nearest(at(0), two.outside_image(8).outside_image(7), 0.6) is None


def test_candidates_can_be_taken_out_by_id() -> None:
    assert nearest(at(0), candidates(at(0.1), at(0.2)).without({10}), 0.6) == Match(20, 0.2)


def test_absurd_numbers_match_nothing_but_themselves() -> None:
    absurd = candidates(at(1e200), at(1e308, 1e308), at(0.1))
    assert nearest(at(0), absurd, 0.6) == Match(30, 0.1)
    assert nearest(at(1e200), absurd, 0.6) == Match(10, 0.0)


def test_the_quick_look_finds_what_all_differences_find() -> None:
    dice = np.random.default_rng(2)
    known = dice.normal(scale=0.06, size=(3000, 128))
    many = Candidates.of(list(range(3000)), [1] * 3000, list(known))
    for _ in range(50):
        one = known[dice.integers(3000)] + dice.normal(scale=0.04, size=128)
        apart = np.sqrt(np.square(known - one).sum(axis=1))
        best = int(apart.argmin())
        assert nearest(one, many, 0.6) == (Match(best, float(apart[best])) if apart[best] < 0.6 else None)
