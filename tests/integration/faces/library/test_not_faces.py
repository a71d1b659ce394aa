"""A person says of a find that it is no face: others like it are asked about, and no machine links them by itself."""

from __future__ import annotations

import numpy as np
import pytest

from faces.library.upkeep.older_finds import OlderFinds
from faces.library.upkeep.refresh import Refresh
from faces.people.linking import Linking
from faces.people.refs import Ref
from faces.store.sidecar import not_face_rows
from tests.servers.library_verdict import unlike_a_fresh_one
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people, photos_of

PATTERN, ANN, BOB = made_people(3, seed=21)


def shots(point: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Shots of one pattern: 0.2 apart on the mean."""
    found: np.ndarray = point + np.random.default_rng(seed).normal(0, 0.2 / 16, (count, 128))
    return found


def like(album: Album) -> dict[int, int]:
    """Which faces are asked about, and which that is none each is like."""
    rows = album.read("SELECT face_id, like_not_face FROM {face_index} WHERE like_not_face IS NOT NULL")
    return {row["face_id"]: row["like_not_face"] for row in rows}


def no_face(album: Album, point: np.ndarray = PATTERN) -> int:
    (face,) = album.photo(point)
    album.say(face, "not_face")
    return face


def test_a_later_find_like_it_is_asked_about_and_another_is_not(album: Album) -> None:
    none = no_face(album)
    (near,) = album.photo(shots(PATTERN, 1)[0])
    (far,) = album.photo(ANN)
    assert like(album) == {near: none}
    assert near in {face for faces in album.groups() for face in faces}
    with album.store.reading() as transaction:
        assert list(not_face_rows.page(transaction)) == [near]
    assert far not in like(album)
    album.settling.settle_some()
    assert album.wrong() == []
    assert unlike_a_fresh_one(album.store, album.library) == []


def test_older_finds_like_it_are_found_when_groups_settle(album: Album) -> None:
    older = [album.photo(shot)[0] for shot in shots(PATTERN, 3)]
    album.photo(ANN)
    none = no_face(album)
    album.settling.settle_some()
    assert like(album) == dict.fromkeys(older, none)
    assert album.library.state.not_face_looked == album.library.state.not_face_change
    assert album.wrong() == []


def test_when_it_is_taken_back_nothing_is_asked_any_more(album: Album) -> None:
    older = [album.photo(shot)[0] for shot in shots(PATTERN, 2)]
    none = no_face(album)
    album.settling.settle_some()
    assert set(like(album)) == set(older)
    album.say(none, "process")
    album.settling.settle_some()
    assert like(album) == {}
    assert album.wrong() == []


def test_of_several_the_nearest_is_told_and_with_it_gone_the_next(album: Album) -> None:
    far, near = shots(PATTERN, 2, seed=4)
    first, second = no_face(album, far), no_face(album, near)
    (face,) = album.photo(near)
    assert like(album) == {face: second}
    album.rows.run("UPDATE faces SET deleted_at = '2026-01-01' WHERE id = :id", id=second)
    image = album.rows.one("SELECT image_id FROM faces WHERE id = :id", id=second)["image_id"]
    album.arrivals.update_images([image])
    album.settling.settle_some()
    assert like(album) == {face: first}
    assert album.wrong() == []


@pytest.mark.parametrize("status", ["not_face", "unknown", "ok"])
def test_an_answer_ends_the_question(album: Album, status: str) -> None:
    no_face(album)
    (face,) = album.photo(shots(PATTERN, 1)[0])
    assert face in like(album)
    album.say(face, status)
    album.settling.settle_some()
    assert face not in like(album)
    assert album.wrong() == []


def test_it_is_not_linked_with_its_group(album: Album) -> None:
    master = album.master(ANN, "Ann")
    no_face(album, ANN + (PATTERN - ANN) * 0.2)
    # Nearer to what is none than to Ann, and to Ann near enough to be linked.
    (held,) = album.photo(ANN + (PATTERN - ANN) * 0.15)
    linked = [album.photo(photo)[0] for photo in photos_of(ANN, 3, seed=3)]
    assert held in like(album)
    album.settling.settle_all()
    assert [row["parent_id"] for row in album.face_rows(linked)] == [master] * 3
    assert album.face_rows([held])[0]["parent_id"] is None
    assert album.wrong() == []


def test_a_person_who_is_nearer_wins(album: Album) -> None:
    master = album.master(ANN, "Ann")
    no_face(album, ANN + (PATTERN - ANN) * 0.3)
    (face,) = album.photo(ANN + (PATTERN - ANN) * 0.05)
    assert face in like(album)
    album.settling.settle_all()
    assert album.face_rows([face])[0]["parent_id"] == master
    # It is linked, and still asked about: nobody has answered.
    assert face in like(album)
    assert album.wrong() == []


def test_a_photo_that_comes_is_not_linked_either(album: Album) -> None:
    album.master(ANN, "Ann")
    no_face(album, ANN + (PATTERN - ANN) * 0.2)
    calibrated = album.calibrated()
    found = np.stack([ANN + (PATTERN - ANN) * 0.15, ANN + (PATTERN - ANN) * 0.05])
    with album.store.reading() as transaction:
        for place, expected in ((0, set()), (1, {1})):
            links = calibrated.lock(transaction, found, [place], {}, calibrated.read(transaction), Linking(0.6))
            assert set(links) == expected


def test_a_find_that_came_unseen_while_one_was_said_to_be_none_is_compared_with_it(album: Album) -> None:
    """Its process has not followed since."""
    other = Album(album.store, album.rows)
    other.photo(BOB)
    none = no_face(album)
    album.settling.settle_some()
    image = other.rows.image()
    face = other.rows.face(image, shots(PATTERN, 1)[0])
    other.arrivals.write(lambda transaction: other.arrivals.bring_up_to_date(transaction, image))
    assert like(album) == {face: none}
    assert album.wrong() == []


def test_refresh_finds_and_mends_what_is_another(album: Album) -> None:
    none = no_face(album)
    (near,), (far,) = album.photo(shots(PATTERN, 1)[0]), album.photo(ANN)
    album.settling.settle_some()
    assert Refresh(album.arrivals, keep=False).run().is_nothing
    album.run(f"UPDATE {{face_index}} SET like_not_face = CASE face_id WHEN {far} THEN {near} END")
    assert Refresh(album.arrivals, keep=False).run().faces == {near, far}
    assert Refresh(album.arrivals).run().faces == {near, far}
    assert like(album) == {near: none}
    assert album.wrong() == []


def test_a_refused_person_is_an_answer_for_the_pair_alone(album: Album) -> None:
    none = no_face(album)
    master = album.master(ANN, "Ann")
    (face,) = album.photo(shots(PATTERN, 1)[0])
    (person,) = album.read("SELECT id FROM {people} WHERE master_face_id = :master", master=master)
    album.refuse(Ref("face", face), Ref("person", person["id"]))
    assert like(album) == {face: none}


def test_a_look_that_is_stopped_goes_on_where_it_was(album: Album) -> None:
    older = [album.photo(shot)[0] for shot in shots(PATTERN, 5)]
    none = no_face(album)
    pages: list[set[int]] = []

    def go_on() -> None:
        pages.append(set(like(album)))
        if len(pages) == 3:
            raise TimeoutError

    finds = OlderFinds(album.store, album.library, go_on, page=2)
    with pytest.raises(TimeoutError):
        finds.look()
    assert set(like(album)) == set(older[:4])
    assert finds.look() == 1
    assert pages[3] == set(older[:4])
    assert like(album) == dict.fromkeys(older, none)
    assert not finds.is_due
    assert album.wrong() == []
