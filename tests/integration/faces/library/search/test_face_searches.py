"""What every search answers, ours and a plain one: the nearest faces, exactly, as the tables have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faces.answers.added import DrawnFace, add
from faces.answers.answer import GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.library.search.exact_search import ExactSearch
from faces.library.search.face_search import FaceSearch, NearFace
from faces.library.upkeep.refresh import Refresh
from faces.photo.face import Quality, RatioBox
from faces.store.database import Store
from tests.integration.faces.library.search.made_encodings import PHOTOS, keep, keep_all
from tests.integration.faces.library.search.plain_search import PlainSearch
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people

ANN, BOB, CEM = made_people(3, seed=5)

Make = Callable[[], FaceSearch]


@pytest.fixture(params=["file", "memory", "plain"])
def make(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> Make:
    """Begins to search in the store."""
    makes: dict[str, Make] = {
        "file": lambda: ExactSearch(store, tmp_path / "state"),
        "memory": lambda: ExactSearch(store, None),
        "plain": lambda: PlainSearch(store),
    }
    return makes[request.param]


@pytest.fixture
def search(make: Make) -> FaceSearch:
    return make()


def found(search: FaceSearch, encoding: np.ndarray, count: int = 10) -> list[int]:
    """The nearest faces, with all that was committed."""
    search.follow()
    return [one.face_id for one in search.nearest(encoding[None], count)[0]]


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """As the interface says."""
    apart = one.astype(np.float32).astype(np.float64) - other.astype(np.float32)
    return float(np.sqrt(np.square(apart).sum()))


# --- what is near ---


@pytest.mark.parametrize("count", [1, 10, 10_000])
def test_the_nearest_come_first_with_their_distances(search: FaceSearch, store: Store, count: int) -> None:
    keep(store, {3 * place + 1: photo for place, photo in enumerate(PHOTOS)})
    search.follow()
    asked = PHOTOS[::7] + 0.01
    expected = [
        sorted((distance(one, photo), 3 * place + 1) for place, photo in enumerate(PHOTOS))[:count] for one in asked
    ]
    told = search.nearest(asked, count)
    assert [[(one.distance, one.face_id) for one in faces] for faces in told] == expected


def test_alone_or_beside_others_a_face_is_as_far_to_the_bit(search: FaceSearch, store: Store) -> None:
    keep_all(store, 700)
    search.follow()
    asked = PHOTOS + 0.003
    alone = [search.nearest(one[None], 5)[0] for one in asked]
    assert search.nearest(asked, 5) == alone
    few = {one.face_id for faces in alone for one in faces}
    assert [search.nearest(one[None], 5, among=few)[0] for one in asked] == alone


def test_of_equally_near_faces_those_with_smaller_ids_are_told(search: FaceSearch, store: Store) -> None:
    keep(store, dict.fromkeys([9, 2, 7, 4, 5], ANN))
    assert found(search, ANN, 3) == [2, 4, 5]
    assert search.nearest(ANN[None], 3)[0] == [NearFace(2, 0.0), NearFace(4, 0.0), NearFace(5, 0.0)]


def test_what_is_just_as_far_as_allowed_is_told_and_what_is_farther_is_not(search: FaceSearch, store: Store) -> None:
    keep(store, {1: ANN, 2: BOB, 3: CEM})
    search.follow()
    far = distance(ANN, BOB)
    assert [one.face_id for one in search.nearest(ANN[None], 9, most=far)[0]][-1] == 2
    assert 2 not in [one.face_id for one in search.nearest(ANN[None], 9, most=float(np.nextafter(far, 0)))[0]]
    assert [one.face_id for one in search.nearest(ANN[None], 9, most=0.0)[0]] == [1]


def test_only_some_faces_or_all_but_some_are_looked_for(search: FaceSearch, store: Store) -> None:
    keep_all(store, 500)
    search.follow()
    nearest = [one.face_id for one in search.nearest(PHOTOS[:1], 500)[0]]
    some, others = nearest[3:60:5], nearest[:40]
    assert [one.face_id for one in search.nearest(PHOTOS[:1], 4, among=[*some, 7777])[0]] == some[:4]
    assert [one.face_id for one in search.nearest(PHOTOS[:1], 4, without=[*others, 7777])[0]] == nearest[40:44]
    assert [one.face_id for one in search.nearest(PHOTOS[:1], 99, among=some, without=some[:2])[0]] == some[2:]
    assert search.nearest(PHOTOS[:1], 4, among=[]) == [[]]
    assert search.nearest(PHOTOS[:1], 4, without=nearest) == [[]]


def test_without_faces_nothing_is_found(search: FaceSearch) -> None:
    assert search.nearest(PHOTOS[:2], 3) == [[], []]
    search.follow()
    assert search.nearest(PHOTOS[:2], 3) == [[], []]
    assert search.nearest(PHOTOS[:1], 3, among=[1], without=[2]) == [[]]
    assert search.nearest(np.empty((0, 128)), 3) == []


def test_what_is_no_encoding_is_refused(search: FaceSearch, store: Store) -> None:
    keep(store, {1: ANN})
    search.follow()
    for asked in (np.full((1, 128), number) for number in (np.nan, np.inf, 1.0, 1e300)):
        with pytest.raises(ValueError, match="found an encoding that is longer than 10, or not finite"):
            search.nearest(asked, 1)
    for asked in (ANN, ANN[None, :127]):
        with pytest.raises(ValueError, match="found encodings of shape"):
            search.nearest(asked, 1)


def test_what_is_damaged_in_our_table_is_never_found(search: FaceSearch, store: Store, album: Album) -> None:
    keep_all(store, 50)
    damaged = (b"", b"\0" * 511, np.full(128, np.nan, "<f4").tobytes(), b"\x7f" * 512, b"\xff" * 512)
    for face, data in enumerate(damaged, 46):
        album.run(f"UPDATE {{vectors}} SET encoding = x'{data.hex()}' WHERE face_id = {face}")
    assert sorted(found(search, PHOTOS[0], 99)) == list(range(1, 46))
    assert sorted(one.face_id for one in search.nearest(PHOTOS[:1], 99, among=range(40, 60))[0]) == list(range(40, 46))
    keep(store, {46: PHOTOS[1]})
    assert sorted(found(search, PHOTOS[0], 99)) == list(range(1, 47))


# --- what becomes of faces ---


def test_what_was_committed_is_found_as_soon_as_it_follows(search: FaceSearch, store: Store) -> None:
    keep(store, {1: ANN})
    assert found(search, ANN) == [1]
    keep(store, {2: BOB, 3: CEM})
    assert [one.face_id for one in search.nearest(BOB[None], 9)[0]] == [1]
    assert found(search, BOB, 1) == [2]
    keep(store, {2: CEM}, gone=[1])
    assert set(found(search, BOB)) == {2, 3}
    assert search.nearest(CEM[None], 9)[0] == [NearFace(2, 0.0), NearFace(3, 0.0)]
    keep(store, {1: BOB}, gone=[2, 3])
    assert found(search, CEM) == [1]


def test_a_photos_faces_and_what_a_person_or_php_makes_of_them(search: FaceSearch, album: Album) -> None:
    one, other = album.photo(ANN, BOB)
    assert found(search, BOB, 1) == [other]
    image = album.rows.one("SELECT image_id FROM faces WHERE id = :id", id=one)["image_id"]
    album.rows.run("UPDATE faces SET deleted_at = '2021-01-01 00:00:00' WHERE id = :id", id=one)
    album.arrivals.update_images([image])
    assert found(search, ANN) == [other]
    album.rows.run("UPDATE faces SET deleted_at = NULL WHERE id = :id", id=one)
    album.rows.run("UPDATE faces SET encoding = (SELECT encoding FROM (SELECT * FROM faces) f WHERE f.id = :o)", o=one)
    album.arrivals.update_images([image])
    assert found(search, BOB) == [one, other]
    assert [near.distance for near in search.nearest(ANN[None], 2)[0]] == [0.0, 0.0]
    album.say(other, "not_face")
    assert found(search, ANN) == [one, other]
    album.rows.run("DELETE FROM faces WHERE id = :id", id=other)
    album.arrivals.update_images([image])
    assert found(search, ANN) == [one]


def test_a_face_that_is_added_taken_back_and_brought_back(search: FaceSearch, album: Album) -> None:
    answers = Answers(album.arrivals, album.settling)
    (one,) = album.photo(ANN)
    image = album.rows.one("SELECT image_id FROM faces WHERE id = :id", id=one)["image_id"]
    drawn = DrawnFace(BOB, Quality(60.0, 10.0, 20.0, 20.0, 10.0), RatioBox(0.1, 0.4, 0.3, 0.2))
    added = add(answers, GivenAnswer("me"), image, drawn)
    (face,) = added.faces
    assert found(search, BOB, 1) == [face]
    undone = undo(answers, GivenAnswer("me"), added.entry or 0)
    assert found(search, BOB) == [one]
    undo(answers, GivenAnswer("me"), undone.entry or 0)
    assert found(search, BOB, 1) == [face]


def test_what_refresh_makes_anew_or_forgets(search: FaceSearch, album: Album) -> None:
    one, other, third = (album.photo(person)[0] for person in (ANN, BOB, CEM))
    assert found(search, BOB, 1) == [other]
    album.run(f"UPDATE {{vectors}} SET encoding = x'{'00' * 512}' WHERE face_id = {one}")
    album.rows.run("UPDATE faces SET encoding = '[]' WHERE id = :id", id=other)
    album.rows.run("DELETE FROM faces WHERE id = :id", id=third)
    album.run(f"DELETE FROM {{face_index}} WHERE face_id = {third}")
    Refresh(album.arrivals).run()
    assert found(search, ANN) == [one]
    assert [near.distance for near in search.nearest(ANN[None], 2)[0]] == [0.0]


def test_one_that_begins_later_finds_the_same(make: Make, store: Store) -> None:
    keep_all(store, 300)
    early = make()
    early.follow()
    keep(store, {face: PHOTOS[-face] for face in range(1, 40)}, gone=range(100, 120))
    early.follow()
    late = make()
    late.follow()
    assert early.nearest(PHOTOS, 20) == late.nearest(PHOTOS, 20)
