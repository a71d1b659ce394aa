from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from script.benches.people_answers import ANSWERS, FAMILIES, AskedLibrary, Family, judge_answers, of_perfect_groups
from script.benches.people_bars import OTHERS
from script.cohorts.people_file import Faces
from tests.unit.faces.people.made_people import made_cohort, made_people, photos_of

ROOT = Path(__file__).resolve().parents[3]

COHORT = made_cohort(level=-0.044)


def asked(faces: list[np.ndarray], names: list[int], photos: list[int] | None = None) -> AskedLibrary:
    """Each entry's faces are one person's, and arrive one entry after the other; each a photo of its own."""
    person = np.repeat(np.array(names, np.int64), [len(one) for one in faces])
    numbers = np.arange(len(person)) if photos is None else np.array(photos)
    return AskedLibrary(COHORT, np.concatenate(faces).astype(np.float32), person, numbers)


def of_each(counts: list[int]) -> list[np.ndarray]:
    return [
        photos_of(one, count, 100 + at) for at, (one, count) in enumerate(zip(made_people(9), counts, strict=False))
    ]


def test_the_largest_group_without_a_name_is_asked_about_first() -> None:
    library = asked(of_each([3, 9, 5]), [7, 8, 9])
    named = []
    while library.waiting:
        library.answer()
        named.append(library.right)
    assert named == [9, 14, 17]


def test_a_group_is_named_after_whose_most_of_its_faces_are_and_the_others_are_wrong() -> None:
    alike = photos_of(made_people(1)[0], 8)
    library = asked([alike[:6], alike[6:]], [4, 5])
    library.answer()
    assert (library.right, library.wrong) == (6, 2)


def two_pieces(photos_of_second: range) -> AskedLibrary:
    """One person's 12 faces in photos 0 to 11, and 8 in these; a photo holds one face of a group at most."""
    faces = photos_of(made_people(1)[0], 20)
    return asked([faces[:12], faces[12:]], [4, 4], [*range(12), *photos_of_second])


def test_what_has_a_face_in_a_photo_of_the_person_is_not_linked_by_itself() -> None:
    library = two_pieces(range(8))
    library.answer()
    assert library.right == 12


def test_a_yes_names_what_was_not_linked() -> None:
    library = two_pieces(range(8))
    library.answer()
    library.answer()
    assert library.right == 20


@pytest.fixture
def siblings() -> AskedLibrary:
    """Two people who look alike, in the same photos; the first has been named."""
    faces = photos_of(made_people(1)[0], 20)
    library = asked([faces[:11], faces[11:]], [4, 5], [*range(11), *range(9)])
    library.answer()
    return library


def test_a_no_is_an_answer_and_names_nothing(siblings: AskedLibrary) -> None:
    siblings.answer()
    assert (siblings.right, len(siblings.waiting)) == (11, 1)


def test_after_a_no_it_is_not_asked_of_that_person_again(siblings: AskedLibrary) -> None:
    siblings.answer()
    siblings.answer()
    assert (siblings.right, siblings.wrong, siblings.waiting) == (20, 0, [])


def in_pieces() -> AskedLibrary:
    """A person whose last face lies too far off for the group, and not for one who is named."""
    middle = made_people(1)[0]
    near, far = photos_of(middle, 30), middle + 1.8 * (photos_of(middle, 1, 5) - middle)
    return asked([near, far], [4, 4])


def test_what_is_sure_enough_is_linked_by_itself() -> None:
    library = in_pieces()
    assert len(library.waiting) == 2
    library.answer()
    assert (library.right, library.waiting) == (31, [])


def test_perfect_groups_are_named_the_largest_first() -> None:
    person = np.repeat([1, 2, 3, 4], [2, 9, 1, 5])
    assert [of_perfect_groups(person, answers) for answers in (1, 2, 250)] == [9, 14, 17]


def made_faces(counts: list[int]) -> Faces:
    return Faces(
        np.concatenate(of_each(counts)).astype(np.float32), np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    )


def test_a_family_has_the_largest_people_some_with_several_photos_and_some_with_one() -> None:
    faces = made_faces([1, 7, 1, 3, 230, 1, 3, 4])
    rows = Family("", 2, 2, 2).draw(faces, np.random.default_rng(1))
    people, counts = np.unique(faces.person[rows], return_counts=True)
    sizes = dict(zip(people.tolist(), counts.tolist(), strict=True))
    assert (sizes.pop(4), sizes.pop(1)) == (200, 7)
    assert sorted(count > 1 for count in sizes.values()) == [False, False, True, True]


def test_a_small_library_of_people_who_are_far_apart_is_named_wholly() -> None:
    figures = judge_answers(COHORT, made_faces([6, 5, 4, 1]), Family("", 2, 1, 1), np.random.default_rng(1))
    for answers in ANSWERS:
        assert figures[f"share of perfect groups after {answers} answers"] == 100
        assert figures[f"wrong of named after {answers} answers"] == 0


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_page_about_people_asks_for_what_the_bench_asks_for(family: Family) -> None:
    page = (ROOT / "docs/people.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith(f"| *asked for*, {family.name} |"))
    asked = [cell.strip() for cell in row.strip("|").split("|")[1:]]
    bars = [OTHERS.get(f"{family.name}, share of perfect groups after {answers} answers") for answers in ANSWERS]
    assert asked == [f"{bar[1]:g}" if bar else "–" for bar in bars]
