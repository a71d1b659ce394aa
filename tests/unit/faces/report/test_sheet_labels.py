"""Labels stay on the photo and do not hide each other."""

from __future__ import annotations

from faces.report.sheet_labels import labels


def test_a_label_is_centred_at_its_box() -> None:
    (label,) = labels([((40, 20, 20, 20), "Ann")], 1.5)
    assert label.name == "Ann"
    assert not label.above
    assert 0 < label.shift < 50


def test_a_label_at_the_edge_begins_on_the_photo() -> None:
    (label,) = labels([((0, 20, 10, 20), "Somebody with a long name")], 0.5)
    assert label.shift == 0


def test_a_label_at_the_lower_edge_stands_above_the_box() -> None:
    (label,) = labels([((40, 70, 20, 25), "Ann")], 1.5)
    assert label.above


def test_of_two_names_that_would_overlap_the_larger_face_keeps_its_name() -> None:
    small, large = labels([((40, 20, 5, 10), "Ann Smith"), ((46, 15, 10, 15), "Bob Smith")], 1.5)
    assert small.name == ""
    assert large.name == "Bob Smith"


def test_faces_far_apart_keep_their_names() -> None:
    names = [label.name for label in labels([((10, 20, 10, 20), "Ann"), ((70, 20, 10, 20), "Bob")], 1.5)]
    assert names == ["Ann", "Bob"]


def test_an_empty_box_has_a_label_too() -> None:
    (label,) = labels([((100, 100, 0, 0), "Ann")], 1.5)
    assert label.shift == 0
