"""A library measured on its own confirmed faces, on real databases; the runs are kept."""

from __future__ import annotations

import numpy as np
import pytest

from faces.library.evaluating.own_library import Run, evaluate
from faces.people.evaluation.figures import figures_of
from faces.store.sidecar import evaluations
from tests.servers.settled_album import Album
from tests.unit.faces.people.made_people import made_people, photos_of

PEOPLE = made_people(25, seed=5)


def measured(album: Album, actor: str = "me") -> Run:
    return evaluate(album.store, album.library, actor, "1.2.3")


def confirm(album: Album, point: np.ndarray, name: str, count: int, seed: int = 0, **values: object) -> list[int]:
    """Photos of a person, each confirmed as this name; the faces' ids."""
    return [
        face
        for encoding in photos_of(point, count, seed)
        for face in album.photo(encoding, status="ok", name=name, **values)
    ]


def fill(album: Album, people: int, photos: int = 3) -> None:
    for number, point in enumerate(PEOPLE[:people]):
        confirm(album, point, f"Person {number}", photos, seed=number)


def test_every_confirmed_face_is_asked_about_and_the_run_is_kept(album: Album) -> None:
    fill(album, 3)
    confirm(album, PEOPLE[4], "Alone", 1)
    album.photo(PEOPLE[5])
    run = measured(album)
    found = run.evaluation
    assert (found.people, found.measured) == (4, 4)
    assert (found.asked.known, found.asked.alone, found.asked.strangers) == (9, 1, 10)
    assert found.levels[0].found == 9
    assert (found.levels[0].wrong, found.levels[0].strangers) == (0, 0)
    assert found.threshold is None
    assert run.previous is None
    assert (run.kept.actor, run.kept.version, run.kept.cohort) == ("me", "1.2.3", album.library.cohort.version)
    with album.store.reading() as transaction:
        kept = evaluations.newest(transaction)
    assert kept == run.kept
    assert kept.figures == figures_of(found)
    assert album.wrong() == []


def test_a_run_is_compared_with_the_one_before(album: Album) -> None:
    fill(album, 2)
    first = measured(album)
    fill(album, 3)
    second = measured(album, "you")
    assert second.previous == first.kept
    assert second.kept.id > first.kept.id
    assert second.evaluation.people == 3
    third = measured(album)
    assert third.previous == second.kept
    assert third.kept.figures == second.kept.figures


def test_from_twenty_people_on_there_is_a_threshold(album: Album) -> None:
    fill(album, 20, 2)
    found = measured(album).evaluation
    assert found.threshold is not None
    assert found.threshold.people == 20
    assert found.threshold.low <= found.threshold.p <= found.threshold.high


def test_wrong_names_and_two_people_are_found(album: Album) -> None:
    fill(album, 4, 5)
    (wrong,) = confirm(album, PEOPLE[20], "Person 0", 1)
    others = confirm(album, PEOPLE[21], "Person 1", 4)
    found = measured(album).evaluation
    assert found.suspicions[0].face_id == wrong
    (two,) = [one for one in found.holds if one.is_probably_two]
    assert two.second == tuple(others)


def test_faces_of_a_copy_do_not_vouch_for_each_other(album: Album) -> None:
    fill(album, 3)
    ann = photos_of(PEOPLE[7], 1)
    for _ in range(2):
        album.photo(ann[0], status="ok", name="Copied")
    assert measured(album).evaluation.asked.alone == 2


def test_photos_on_which_two_look_like_one_are_counted(album: Album) -> None:
    ann = photos_of(PEOPLE[7], 2)
    album.photo(ann[0], ann[1])
    album.photo(PEOPLE[8], PEOPLE[9])
    album.photo(PEOPLE[10])
    found = measured(album).evaluation
    assert (found.photos.photos, found.photos.alike) == (2, 1)


def test_nobody_is_measured_and_kept_too(album: Album) -> None:
    run = measured(album)
    assert (run.evaluation.people, run.evaluation.asked.strangers) == (0, 0)
    assert run.kept.figures["people"] == {"enrolled": 0, "measured": 0}


def test_one_person_has_nobody_to_be_taken_for(album: Album) -> None:
    fill(album, 1)
    found = measured(album).evaluation
    assert (found.asked.known, found.levels[0].strangers, found.threshold) == (3, 0, None)


@pytest.mark.parametrize("url", ["mariadb v5", "mariadb v4"], indirect=True)
def test_beside_an_app_with_persons_it_is_measured_too(album: Album) -> None:
    for number, point in enumerate(PEOPLE[:3], 1):
        album.rows.run(
            "INSERT INTO persons (id, name, centroid_embedding, embeddings_count) VALUES (:id, :name, :encoding, 1)",
            id=number,
            name=f"Person {number}",
            encoding=str(point.tolist()),
        )
        for encoding in photos_of(point, 3, number):
            album.photo(encoding, person_id=number, status="ok")
    found = measured(album).evaluation
    assert (found.people, found.asked.known, found.levels[0].found) == (3, 9, 9)


def test_faces_in_many_batches_are_what_they_are_in_one(album: Album) -> None:
    fill(album, 6)
    whole = measured(album).kept.figures
    asked: list[int] = []
    again = evaluate(album.store, album.library, "me", "1.2.3", asked.append, batch=4)
    assert asked == [3] * 6
    assert again.kept.figures == whole
