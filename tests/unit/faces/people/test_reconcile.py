"""Faces found now against faces kept, rule by rule; then the promises, on many random cases."""

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest

from faces.people.kept_face import KeptFace
from faces.people.reconcile import MOST_ROWS, Plan, reconcile

PEOPLE = np.random.default_rng(5).normal(scale=0.12, size=(400, 128))  # any two are about 1.9 apart
_ids = itertools.count(1)


def near(encoding: np.ndarray, distance: float, seed: int = 0) -> np.ndarray:
    """Another encoding exactly that far away."""
    way = np.random.default_rng(seed).normal(size=128)
    return encoding + distance * way / np.linalg.norm(way)


def row(face_id: int, index: int, encoding: np.ndarray | None, **values: object) -> KeptFace:
    return KeptFace(id=face_id, face_index=index, encoding=encoding, **values)  # type: ignore[arg-type]


def decide(found: list[np.ndarray], rows: list[KeptFace], *, redo: bool = False) -> Plan:
    return reconcile(np.array(found).reshape(-1, 128), rows, redo=redo)


A, B, C, D = PEOPLE[:4]
EMPTY = Plan({}, (), (), {}, ())


def test_nothing_found_and_nothing_kept_is_nothing_to_do() -> None:
    assert decide([], []) == EMPTY


def test_faces_of_a_new_image_are_inserted() -> None:
    assert decide([A, B], []) == replace(EMPTY, inserted=(0, 1))


def test_equal_faces_keep_their_rows() -> None:
    plan = decide([A, B], [row(7, 0, near(A, 0.9e-4)), row(8, 1, B)])
    assert plan == replace(EMPTY, paired={7: 0, 8: 1}, indexes={7: 0, 8: 1})


def test_the_nearest_below_the_limit_keeps_its_row() -> None:
    assert decide([A], [row(7, 0, near(A, 0.34))]).paired == {7: 0}


def test_what_is_not_near_enough_is_another_face() -> None:
    plan = decide([A], [row(7, 0, near(A, 0.36))])
    assert plan.paired == {}
    assert plan.inserted == (0,)
    assert plan.removed == (7,)


def test_equal_comes_before_near() -> None:
    plan = decide([A], [row(7, 0, near(A, 0.1)), row(8, 1, A)])
    assert plan.paired == {8: 0}
    assert plan.removed == (7,)


def test_only_each_others_nearest_are_paired() -> None:
    """Two rows near one face: the farther one does not get the other face, though that is below the limit too."""
    found = [A, near(A, 0.3, seed=1)]
    rows = [row(7, 0, near(A, 0.05, seed=2)), row(8, 1, near(A, 0.1, seed=3))]
    plan = decide(found, rows, redo=True)
    assert plan.paired == {7: 0}
    assert plan.inserted == (1,)


def test_an_old_row_of_a_face_that_has_its_row_does_not_take_the_twin() -> None:
    twin = near(A, 0.3, seed=1)
    rows = [row(7, 0, A), row(8, 1, near(A, 0.1, seed=2), status="ok", name="Ann")]
    plan = decide([A, twin], rows, redo=True)
    assert plan.paired == {7: 0}
    assert plan.inserted == (1,)
    assert plan.indexes == {7: 0, 8: 2}


def test_a_row_without_a_readable_encoding_takes_the_free_face_at_its_number() -> None:
    plan = decide([A, B], [row(7, 0, A), row(8, 1, None)])
    assert plan.paired == {7: 0, 8: 1}


def test_a_row_without_a_readable_encoding_does_not_take_a_face_that_has_a_row() -> None:
    plan = decide([A], [row(7, 3, A), row(8, 0, None)], redo=True)
    assert plan.paired == {7: 0}
    assert plan.indexes == {7: 0, 8: 1}


@pytest.mark.parametrize("redo", [False, True])
def test_of_several_equal_rows_the_smallest_id_wins_and_the_untouched_others_go(redo: bool) -> None:
    plan = decide([A], [row(9, 0, A), row(7, 1, A), row(8, 2, A)], redo=redo)
    assert plan == replace(EMPTY, paired={7: 0}, removed=(8, 9), indexes={7: 0})


@pytest.mark.parametrize("redo", [False, True])
@pytest.mark.parametrize(
    "touch",
    [{"status": "ok"}, {"status": "unknown"}, {"status": "not_face"}, {"is_reference": True}, {"is_parent": True}],
    ids=str,
)
def test_of_several_equal_rows_a_touched_one_wins(touch: dict[str, object], redo: bool) -> None:
    plan = decide([A], [row(7, 0, A), row(8, 1, A, **touch)], redo=redo)
    assert plan == replace(EMPTY, paired={8: 0}, removed=(7,), indexes={8: 0})


def test_of_several_touched_rows_none_goes() -> None:
    plan = decide([A], [row(7, 0, A, status="ok"), row(8, 1, A, status="ok")])
    assert plan == replace(EMPTY, paired={7: 0}, indexes={7: 0, 8: 1})


def test_doubles_of_a_row_that_is_only_near_go_too() -> None:
    old = near(A, 0.2)
    plan = decide([A], [row(7, 0, old), row(8, 1, old, status="ok"), row(9, 2, old)], redo=True)
    assert plan == replace(EMPTY, paired={8: 0}, removed=(7, 9), indexes={8: 0})


@pytest.mark.parametrize("redo", [False, True])
def test_of_several_unreadable_rows_with_one_number_one_stays(redo: bool) -> None:
    plan = decide([A], [row(7, 0, None), row(8, 0, None, status="ok"), row(9, 0, None)], redo=redo)
    assert plan == replace(EMPTY, paired={8: 0}, removed=(7, 9), indexes={8: 0})


def test_the_same_picture_twice_in_one_photo_keeps_two_rows_in_their_places() -> None:
    plan = decide([A, A], [row(7, 0, A), row(8, 1, A, status="ok")], redo=True)
    assert plan == replace(EMPTY, paired={7: 0, 8: 1}, indexes={7: 0, 8: 1})


def test_the_same_picture_twice_in_one_photo_inserts_what_is_missing() -> None:
    plan = decide([A, A], [row(7, 1, A)], redo=True)
    assert plan.paired == {7: 1}
    assert plan.inserted == (0,)


def test_a_machines_name_is_no_touch() -> None:
    assert decide([], [row(7, 0, A, name="Ann")]).removed == (7,)
    assert decide([], [row(7, 0, A, status="suggested")]).removed == (7,)


def test_untouched_rows_that_are_not_found_go_the_first_time_only() -> None:
    rows = [row(7, 0, A), row(8, 1, B, status="ok"), row(9, 2, None)]
    assert decide([C], rows).removed == (7, 9)
    assert decide([C], rows, redo=True).removed == ()


def test_rows_that_are_not_found_move_behind_the_last() -> None:
    rows = [row(7, 0, A, status="ok"), row(8, 1, B, status="ok"), row(9, 2, C)]
    plan = decide([C, D], rows, redo=True)
    assert plan.indexes == {9: 0, 7: 2, 8: 3}
    assert plan.inserted == (1,)


def test_in_a_redo_a_removed_face_is_not_inserted_again() -> None:
    removed = [row(7, 0, A, deleted=True), row(8, 1, near(B, 0.3), deleted=True)]
    assert decide([A, B, C], removed, redo=True).inserted == (2,)
    assert decide([A, B, C], removed).inserted == (0, 1, 2)


def test_a_removed_double_of_a_kept_face_hides_no_other_face() -> None:
    twin = near(A, 0.3, seed=1)
    rows = [row(7, 0, A), row(8, 0, A, deleted=True), row(9, 0, near(A, 0.1, seed=2), deleted=True)]
    assert decide([A, twin], rows, redo=True).inserted == (1,)


def test_a_removed_row_without_a_readable_encoding_hides_nothing() -> None:
    assert decide([A], [row(7, 0, None, deleted=True)], redo=True).inserted == (0,)


def test_removed_rows_are_never_touched() -> None:
    plan = decide([A], [row(7, 0, A, deleted=True)])
    assert plan == replace(EMPTY, inserted=(0,))


def test_of_more_faces_than_numbers_the_last_have_no_row() -> None:
    plan = decide(list(PEOPLE[:300]), [])
    assert plan.inserted == tuple(range(256))
    assert plan.warnings == ("44 of 300 found faces have no row: an image can have 256",)


def test_kept_rows_come_before_found_faces() -> None:
    kept = [row(1000 + n, n, PEOPLE[300 + n], status="ok") for n in range(10)]
    plan = decide(list(PEOPLE[:250]), kept)
    assert plan.inserted == tuple(range(246))
    assert [plan.indexes[1000 + n] for n in range(10)] == list(range(246, 256))
    assert len(plan.warnings) == 1


def test_a_kept_row_whose_place_has_no_number_gets_another() -> None:
    plan = decide(list(PEOPLE[:300]), [row(7, 5, PEOPLE[280], status="ok")])
    assert plan.paired == {7: 280}
    assert plan.indexes == {7: 255}
    assert plan.inserted == tuple(range(255))


def test_more_kept_rows_than_numbers_are_told() -> None:
    kept = [row(1000 + n, min(n, 255), PEOPLE[n], status="ok") for n in range(260)]
    plan = decide([], kept)
    assert plan.removed == ()
    assert sorted(plan.indexes.values()) == list(range(256))
    assert plan.warnings == ("the image has 260 faces, but only 256 numbers",)


def random_case(dice: random.Random) -> tuple[list[np.ndarray], list[KeptFace]]:
    people = dice.sample(range(40), dice.randint(1, 8))
    found = [
        near(PEOPLE[who], dice.choice([0, 0, 0.05, 0.2]), dice.randrange(99)) for who in people if dice.random() < 0.7
    ]
    rows = []
    for face_id in dice.sample(range(1, 99), dice.randint(0, 10)):
        encoding = near(PEOPLE[dice.choice(people)], dice.choice([0, 0, 5e-5, 0.1, 0.3, 0.5]), dice.randrange(99))
        rows.append(
            row(
                face_id,
                dice.randint(0, 9),
                encoding if dice.random() < 0.85 else None,
                status=dice.choice(["process", "process", "process", "suggested", "ok", "unknown", "not_face"]),
                is_reference=dice.random() < 0.05,
                is_parent=dice.random() < 0.1,
                deleted=dice.random() < 0.2,
            )
        )
    return found, rows


def carried_out(plan: Plan, found: list[np.ndarray], rows: list[KeptFace]) -> list[KeptFace]:
    """The rows as they are when the job has written the plan."""
    after = []
    for one in rows:
        encoding = found[plan.paired[one.id]] if one.id in plan.paired and one.encoding is None else one.encoding
        index = plan.indexes.get(one.id, one.face_index)
        after.append(replace(one, encoding=encoding, face_index=index, deleted=one.deleted or one.id in plan.removed))
    first = 1 + max((one.id for one in rows), default=0)
    after += [row(first + number, place, found[place]) for number, place in enumerate(plan.inserted)]
    return after


@pytest.mark.parametrize("seed", range(300))
def test_the_promises_hold_whatever_was_there(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  the same case every time
    found, rows = random_case(dice)
    redo = dice.random() < 0.5
    plan = decide(found, rows, redo=redo)
    by_id = {one.id: one for one in rows}

    assert not any(by_id[face_id].touched or by_id[face_id].deleted for face_id in plan.removed)
    assert not any(by_id[face_id].deleted for face_id in [*plan.paired, *plan.indexes])
    assert len(set(plan.paired.values())) == len(plan.paired), "one row a face"
    assert not {*plan.paired.values()} & {*plan.inserted}
    kept = [one for one in rows if not one.deleted and one.id not in plan.removed]
    assert {one.id for one in kept} == set(plan.indexes)
    numbers = [*plan.indexes.values(), *plan.inserted]
    assert len(set(numbers)) == len(numbers) <= MOST_ROWS
    assert all(0 <= number < MOST_ROWS for number in numbers)
    assert all(plan.indexes[face_id] == place for face_id, place in plan.paired.items())
    assert all(plan.indexes[one.id] >= len(found) for one in kept if one.id not in plan.paired)
    if not redo:
        assert {*plan.paired.values()} | {*plan.inserted} == {*range(len(found))}, "every face has a row"

    after = carried_out(plan, found, rows)
    again = decide(found, after, redo=True)
    assert again.inserted == ()
    assert again.removed == ()
    assert all(one.face_index == again.indexes[one.id] for one in after if one.id in again.indexes)
    assert again.paired.items() >= plan.paired.items()
