"""What is told of a person's photo: the faces that are wanted, with what our tables have of them, and who it may be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from faces.errors import RequestError
from faces.library.search.exact_search import ExactSearch
from faces.library.search.face_finder import FaceFinder, SearchedFace
from faces.people.kept_face import FaceState
from faces.store.database import Store
from faces.store.sidecar.face_filter import FaceFilter
from tests.integration.faces.library.search.plain_search import PlainSearch
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people, photos_of

ANN, BOB, CEM = made_people(3, seed=5)

#: Ann's photos.
PHOTOS = photos_of(ANN, 12, seed=4)


@pytest.fixture(params=["exact", "plain"])
def finder(request: pytest.FixtureRequest, album: Album, store: Store, tmp_path: Path) -> FaceFinder:
    search = ExactSearch(store, tmp_path) if request.param == "exact" else PlainSearch(store)
    return FaceFinder(store, search, album.library)


@pytest.fixture
def of_ann(album: Album) -> list[int]:
    """Ann's confirmed face, then such as nobody has named: of better quality the later they came. And one of Bob's."""
    first = album.master(PHOTOS[0], "Ann")
    album.master(BOB, "Bob")
    return [first, *(album.photo(photo, quality_score=10.0 * at)[0] for at, photo in enumerate(PHOTOS[1:8], 1))]


def ids(found: list[SearchedFace]) -> list[int]:
    return [one.face_id for one in found]


def test_faces_are_told_with_image_person_state_and_group(finder: FaceFinder, album: Album, of_ann: list[int]) -> None:
    found = finder.faces(PHOTOS[0], 8)
    assert set(ids(found)) == set(of_ann)
    first = found[0]
    row = album.read("SELECT * FROM {face_index} WHERE face_id = :id", id=first.face_id)[0]
    assert (first.face_id, first.distance, first.indexed.state) == (of_ann[0], 0.0, FaceState.CONFIRMED)
    assert (first.indexed.person_id, first.indexed.image_id) == (row["person_id"], row["image_id"])
    groups = {one.indexed.group_id for one in found[1:]}
    assert groups == {row["group_id"] for row in album.read("SELECT DISTINCT group_id FROM {group_members}")}


def test_only_those_that_are_wanted_are_told(finder: FaceFinder, album: Album, of_ann: list[int]) -> None:
    (ann,) = [row["id"] for row in album.read("SELECT id FROM {people} WHERE name = 'Ann'")]
    confirmed = FaceFilter(states=frozenset({FaceState.CONFIRMED}))
    assert ids(finder.faces(PHOTOS[0], 1, FaceFilter(person_id=ann))) == of_ann[:1]
    assert len(finder.faces(PHOTOS[0], 9, confirmed)) == 2
    assert set(ids(finder.faces(PHOTOS[0], 9, FaceFilter(min_quality=50.0)))) == set(of_ann[5:])
    assert finder.faces(PHOTOS[0], 9, FaceFilter(source_id=77)) == []
    source = album.read("SELECT DISTINCT source_id FROM {face_index}")[0]["source_id"]
    assert len(finder.faces(PHOTOS[0], 99, FaceFilter(source_id=source))) == len(of_ann) + 1
    near = finder.faces(PHOTOS[0], 9)[2].distance
    assert len(finder.faces(PHOTOS[0], 9, most=near)) == 3
    assert set(ids(finder.faces(PHOTOS[0], 9, most=near, without=of_ann[:1]))) < set(of_ann[1:])


def test_many_wanted_faces_are_asked_for_or_read_with_the_same_answer(finder: FaceFinder, of_ann: list[int]) -> None:
    wanted = FaceFilter(min_quality=20.0)
    few = finder.faces(PHOTOS[0], 3, wanted)
    assert len(few) == 3
    assert replace(finder, few_wanted=1).faces(PHOTOS[0], 3, wanted) == few
    assert replace(finder, few_wanted=1, most_asked=3).faces(PHOTOS[0], 3, wanted) == few


def test_a_face_that_php_has_removed_is_not_told_before_our_tables_follow(
    finder: FaceFinder, album: Album, of_ann: list[int]
) -> None:
    gone = ids(finder.faces(PHOTOS[0], 3))
    for face in gone:
        album.rows.run("UPDATE faces SET deleted_at = '2021-01-01 00:00:00' WHERE id = :id", id=face)
    found = finder.faces(PHOTOS[0], 3)
    assert len(found) == 3
    assert not set(ids(found)) & set(gone)
    with pytest.raises(RequestError, match=f"found no face f{gone[0]} with an encoding"):
        finder.faces_like(gone[0], 3)


def test_faces_like_one_are_told_without_it(finder: FaceFinder, of_ann: list[int]) -> None:
    assert set(ids(finder.faces_like(of_ann[0], 7))) == set(of_ann[1:])
    with pytest.raises(RequestError, match="found no face f7777 with an encoding"):
        finder.faces_like(7777, 3)


def test_people_are_ranked_as_the_library_identifies(finder: FaceFinder, album: Album, of_ann: list[int]) -> None:
    album.photo(CEM)
    ranked = finder.people(PHOTOS[9], 5)
    (likeliest,) = album.library.identify(PHOTOS[9][None])
    assert likeliest is not None
    assert ranked[0].person_id == likeliest.person_id
    assert ranked[0].probability == pytest.approx(likeliest.probability)
    assert len(ranked) == 2


def test_in_a_library_without_people_nobody_is_told(finder: FaceFinder) -> None:
    assert finder.people(ANN, 5) == []
    assert finder.faces(ANN, 5) == []
