"""Which of the found faces are wanted, and why the others are left out."""

from __future__ import annotations

from faces.photo.face import Box, Place, Quality
from faces.photo.selection import ALL, Selection


def place(side: int, quality: float = 80.0, left: int = 0) -> Place:
    box = Box(top=0, right=left + side, bottom=side, left=left)
    return Place(box, box, 1.0, Quality(quality, 20, 20, 20, 20))


def test_without_limits_everything_is_wanted_in_its_order() -> None:
    places = [place(10), place(30), place(20)]
    assert ALL.choose(places) == (places, {})


def test_the_largest_faces_win_and_keep_their_order() -> None:
    small, large, middle = places = [place(10), place(30), place(20)]
    kept, left_out = Selection(max_faces=2).choose(places)
    assert kept == [large, middle]
    assert left_out == {"over_max_faces": 1}
    assert small not in kept


def test_of_equally_large_faces_the_first_ones_win() -> None:
    places = [place(10, left=at) for at in (1, 2, 3)]
    assert Selection(max_faces=2).choose(places)[0] == places[:2]


def test_the_shorter_side_counts_and_the_limit_itself_is_large_enough() -> None:
    narrow = Place(Box(0, 9, 40, 0), Box(0, 9, 40, 0), 1.0, Quality(80, 20, 20, 20, 20))
    places = [place(10), narrow]
    assert Selection(min_size=10).choose(places) == (places[:1], {"too_small": 1})


def test_the_least_quality_itself_is_good_enough() -> None:
    places = [place(10, 65.0), place(10, 64.9)]
    assert Selection(min_quality=65.0).choose(places) == (places[:1], {"low_quality": 1})


def test_a_face_is_left_out_for_the_first_reason_only() -> None:
    places = [place(5, 10.0), place(6, 90.0), place(20, 10.0), place(20, 90.0), place(30, 90.0)]
    kept, left_out = Selection(max_faces=1, min_size=10, min_quality=50.0).choose(places)
    assert kept == places[-1:]
    assert left_out == {"too_small": 2, "low_quality": 1, "over_max_faces": 1}
