import numpy as np

from faces.people.kept_face import KeptFace
from faces.people.linking import Link, Linking, Unlinked, choose_parents, choose_persons
from faces.people.matching import Candidates


def at(*numbers: float) -> np.ndarray:
    encoding = np.zeros(128)
    encoding[: len(numbers)] = numbers
    return encoding


def choose(
    found: list[np.ndarray],
    known: dict[int, np.ndarray] | None = None,
    kept: dict[int, KeptFace] | None = None,
    *,
    within_photo: bool = False,
) -> dict[int, Link]:
    known, kept = known or {}, kept or {}
    wanted = {place for place in range(len(found)) if place not in kept or kept[place].parent_id is None}
    wanted -= {place for place, row in kept.items() if row.touched}
    candidates = Candidates.of(list(known), [1] * len(known), list(known.values()))
    return choose_parents(np.array(found), wanted, kept, candidates, Linking(0.6, within_photo))


def row(face_id: int, **values: object) -> KeptFace:
    return KeptFace(id=face_id, face_index=0, encoding=None, **values)  # type: ignore[arg-type]


def test_each_face_gets_the_nearest_master() -> None:
    assert choose([at(0.1), at(9)], {4: at(0), 5: at(0.3)}) == {0: Link(0.1, face_id=4)}


def test_touched_rows_and_rows_with_a_parent_get_none() -> None:
    kept = {0: row(7, status="ok"), 1: row(8, parent_id=3)}
    assert choose([at(0.1), at(0.1)], {4: at(0)}, kept) == {}


def test_an_untouched_row_without_a_parent_gets_what_a_new_face_would_get() -> None:
    assert choose([at(0.1)], {4: at(0)}, {0: row(7)}) == {0: Link(0.1, face_id=4)}


def test_faces_of_one_photo_are_not_linked_to_each_other() -> None:
    assert choose([at(0), at(0)]) == {}


def test_faces_of_one_photo_are_linked_to_the_first_of_them_where_that_is_set() -> None:
    chosen = choose([at(0), at(0.25), at(9), at(0.5)], within_photo=True)
    assert chosen == {1: Link(0.25, place=0), 3: Link(0.25, place=0)}, "1 is nearer to 3, but its root is 0"


def test_within_a_photo_the_parent_is_the_others_master() -> None:
    found = [at(0.5), at(1.0)]
    chosen = choose(found, {4: at(0)}, within_photo=True)
    assert chosen == {0: Link(0.5, face_id=4), 1: Link(0.5, face_id=4)}


def test_within_a_photo_the_parent_is_the_kept_rows_parent() -> None:
    assert choose([at(0), at(0.1)], {}, {0: row(7, parent_id=3)}, within_photo=True) == {1: Link(0.1, face_id=3)}


def test_within_a_photo_a_kept_root_is_the_parent() -> None:
    assert choose([at(0), at(0.1)], {}, {0: row(7)}, within_photo=True) == {1: Link(0.1, face_id=7)}


def test_within_a_photo_nobody_is_linked_to_what_is_no_face() -> None:
    for status in ("not_face", "unknown"):
        assert choose([at(0), at(0.1)], {}, {0: row(7, status=status)}, within_photo=True) == {}


def test_as_near_a_known_master_comes_before_a_new_face() -> None:
    chosen = choose([at(0.25), at(0)], {4: at(-0.25)}, {0: row(7, status="ok")}, within_photo=True)
    assert chosen == {1: Link(0.25, face_id=4)}


def test_each_wanted_face_gets_the_nearest_person() -> None:
    persons = Candidates.of([4, 5, 6], [0, 0, 0], [at(0), at(0.3), at(0.3)])
    found = np.array([at(0.3), at(0.1), at(9), at(0)])
    chosen = choose_persons(found, {0, 1, 2}, persons, Linking(0.6))
    assert chosen == {0: Link(0.0, person_id=5), 1: Link(0.1, person_id=4)}
    assert choose_persons(found, {0}, persons, Linking(1e-9)) == {0: Link(0.0, person_id=5)}
    assert choose_persons(found[:0], set(), persons, Linking(0.6)) == {}


def test_a_person_beside_process_was_a_persons_word_one_beside_suggested_a_machines() -> None:
    assert row(1, person_id=4).touched
    assert not row(1, person_id=4, status="suggested").touched


def test_an_images_own_faces_are_eligible_only_where_faces_of_one_photo_are_linked() -> None:
    candidates = Candidates.of([4, 5], [1, 2], [at(0), at(1)])
    eligible = Linking(0.6).eligible(candidates, 2)
    assert eligible.ids[eligible.allowed].tolist() == [4]
    assert Linking(0.6, within_photo=True).eligible(candidates, 2) is candidates


def test_persons_are_of_no_image_and_always_eligible() -> None:
    eligible = Linking(0.6).eligible(Candidates.of([4, 5], [0, 0], [at(0), at(1)]), 1)
    assert eligible.ids[eligible.allowed].tolist() == [4, 5]


def test_only_undecided_rows_may_be_linked() -> None:
    unlinked = Unlinked("person_id", frozenset({"process"}))
    assert row(1) in unlinked
    assert row(1, parent_id=4) in unlinked, "another column"
    decided = ({"person_id": 4}, {"status": "suggested"}, {"status": "ok"}, {"deleted": True}, {"is_parent": True})
    for values in decided:
        assert row(1, **values) not in unlinked, values
