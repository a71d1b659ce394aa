"""Groups of the tables join and are asked about: the same groups as in memory, and what a person has said holds."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2
import numpy as np
import pytest

from faces.client.face_client import FaceClient
from faces.laravel.disks import Disks
from faces.people.groups.growing import Groups, next_batch
from faces.people.groups.members_in_memory import MembersInMemory
from faces.people.groups.memberships import NewFace
from faces.people.linking import Linking
from faces.people.refs import Ref
from faces.store.sidecar import library_row, unsettled_groups, unsettled_people
from faces.store.who import identities_of
from tests.servers.library_verdict import unlike_a_fresh_one
from tests.servers.settled_album import COHORT, Album
from tests.unit.faces.people.made_people import made_people, photos_of
from worker.jobs.faces import FaceJob, Tools


def photos_in_turn(people: int, count: int, spread: float = 0.4, seed: int = 1) -> np.ndarray:
    """Photos of made people in any order, shape (count, 128)."""
    dice = np.random.default_rng(seed)
    who = dice.integers(0, people, count)
    found: np.ndarray = made_people(people, seed)[who] + dice.normal(0, spread / 16, (count, 128))
    return found


def grown_in_memory(faces: Sequence[np.ndarray]) -> set[tuple[int, ...]]:
    """The groups of photos with one face each, in memory, joined after the same faces; faces by number."""
    members = MembersInMemory()
    groups = Groups(COHORT, members)
    joined_at = 0
    for number, encoding in enumerate(faces):
        # As the tables keep it.
        groups.arrive([NewFace(number, number, encoding.astype(np.float32).astype(np.float64))])
        if number + 1 - joined_at >= next_batch(joined_at):
            joined_at = number + 1
            groups.merge()
            groups.renew()
    return {tuple(sorted(faces)) for faces in members.groups().values()}


def two_near_groups(album: Album) -> tuple[int, int]:
    """One person's face, twice, in groups of their own: their photos came before either was followed."""
    person = made_people(1, seed=4)[0]
    first = album.photo(person)
    second = album.photo(photos_of(person, 1, seed=2)[0], follow=False)
    return first[0], second[0]


def test_groups_of_the_tables_are_those_of_memory(album: Album) -> None:
    faces = photos_in_turn(12, 220, spread=0.5)
    ids = []
    for face in faces:
        ids += album.photo(face)
        album.settling.settle_some()
    told = {tuple(ids.index(face) for face in group) for group in album.groups()}
    assert len(album.read("SELECT id FROM {ledger} WHERE kind = 'merged'")) > 10
    assert told == grown_in_memory(faces)
    assert album.wrong() == []
    assert unlike_a_fresh_one(album.store, album.library) == []


def test_nothing_is_asked_of_the_database_while_nothing_is_due(album: Album, statements: list[str]) -> None:
    album.photo(*made_people(3))
    statements.clear()
    album.settling.settle_some()
    assert statements == []


def test_a_library_that_has_not_been_read_is_not_settled(album: Album, statements: list[str]) -> None:
    album.settling.settle_some()
    assert statements == []


def test_two_groups_of_one_person_become_one(album: Album) -> None:
    first, second = two_near_groups(album)
    before = album.members()
    settled = album.settling.settle_all()
    assert settled.joined == 1
    assert album.groups() == {(first, second)}
    ((kept, _),) = album.members().items()
    (gone,) = before.keys() - {kept}
    assert album.read("SELECT size, joined_to FROM {groups} WHERE id = :id", id=gone) == [
        {"size": 0, "joined_to": kept}
    ]
    assert album.read("SELECT unsettled FROM {groups}") == [{"unsettled": 0}, {"unsettled": 0}]
    assert album.wrong() == []


def test_the_ledger_says_which_faces_went_where(album: Album) -> None:
    _, second = two_near_groups(album)
    album.settling.settle_all()
    (entry,) = album.read("SELECT id, kind, actor, distance, rule FROM {ledger}")
    assert (entry["kind"], entry["actor"]) == ("merged", "machine")
    assert entry["distance"] == pytest.approx(0.3, abs=0.1)
    assert "s=-0." in entry["rule"]
    rows = album.read("SELECT face_id, `before`, `after` FROM {ledger_faces} WHERE entry = :entry", entry=entry["id"])
    assert rows == [{"face_id": second, "before": '{"group_id": 2}', "after": '{"group_id": 1}'}]


@pytest.mark.parametrize("refused", ["groups", "faces", "a group and a face"])
def test_what_was_refused_stays_apart(album: Album, refused: str) -> None:
    first, second = two_near_groups(album)
    one, other = (
        (Ref("group", 1), Ref("group", 2)) if refused == "groups" else (Ref("face", first), Ref("face", second))
    )
    album.refuse(Ref("group", 1) if "group" in refused else one, other)
    assert album.settling.settle_all().joined == 0
    assert album.groups() == {(first,), (second,)}


def test_a_refusal_holds_for_the_group_that_has_taken_the_other_in(album: Album) -> None:
    person = made_people(1, seed=4)[0]
    first, second = two_near_groups(album)
    (third,) = album.photo(person + 0.01, follow=False)
    album.refuse(Ref("group", 2), Ref("group", 3))
    album.settling.settle_all()
    together = album.groups()
    assert together in ({(first, second), (third,)}, {(first, third), (second,)})
    album.settling.settle_all()
    assert album.groups() == together
    gone = album.read("SELECT id, joined_to FROM {groups} WHERE joined_to IS NOT NULL")[0]
    words = {(row["a"], row["b"]) for row in album.read("SELECT a, b FROM {never}")}
    alone = 5 - gone["id"]
    assert tuple(sorted((f"g{gone['joined_to']}", f"g{alone}"))) in words


def test_two_faces_of_one_photo_are_never_one_group(album: Album) -> None:
    person = made_people(1, seed=4)[0]
    album.photo(person, photos_of(person, 1)[0])
    assert album.settling.settle_all().joined == 0
    assert len(album.groups()) == 2


def test_two_groups_with_a_name_stay_two(album: Album) -> None:
    first, second = two_near_groups(album)
    album.name(first, "Ada")
    album.name(second, "Bob")
    assert album.settling.settle_all().joined == 0
    assert len(album.groups()) == 2


def test_a_named_group_takes_the_other_in(album: Album) -> None:
    first, second = two_near_groups(album)
    album.name(second, "Ada")
    assert album.settling.settle_all().joined == 1
    assert album.read("SELECT joined_to FROM {groups} WHERE id = 1") == [{"joined_to": 2}]
    assert album.groups() == {(first, second)}
    assert album.wrong() == []


def test_a_group_is_linked_whole_where_it_is_sure_who_it_is(album: Album) -> None:
    person = made_people(1, seed=4)[0]
    faces = [face for photo in photos_of(person, 3) for face in album.photo(photo)]
    master = album.master(person, "Ada")
    settled = album.settling.settle_all()
    assert (settled.asked.groups, settled.asked.faces) == (1, 3)
    assert {row["parent_id"] for row in album.face_rows(faces)} == {master}
    (ada,) = album.read("SELECT id, linked, suggested FROM {people}")
    assert (ada["linked"], ada["suggested"]) == (3, 0)
    assert album.read("SELECT person_id FROM {groups}") == [{"person_id": ada["id"]}]
    (entry,) = album.read("SELECT id, p, t, distance, rule FROM {ledger} WHERE kind = 'linked'")
    assert entry["p"] >= 0.95
    assert entry["rule"].startswith("calibrated N=1 k=1 m=3")
    assert len(album.read("SELECT face_id FROM {ledger_faces} WHERE entry = :entry", entry=entry["id"])) == 3
    assert album.wrong() == []
    assert unlike_a_fresh_one(album.store, album.library) == []


def test_where_nearest_links_a_group_is_offered(album: Album) -> None:
    album.links(calibrated=False)
    person = made_people(1, seed=4)[0]
    faces = [face for photo in photos_of(person, 3) for face in album.photo(photo)]
    album.master(person, "Ada")
    assert album.settling.settle_all().asked.groups == 0
    assert {row["parent_id"] for row in album.face_rows(faces)} == {None}
    (group,) = album.read("SELECT person_id, offered_person_id, probability FROM {groups}")
    assert (group["person_id"], group["offered_person_id"]) == (None, 1)
    index = album.read("SELECT state, person_id, probability FROM {face_index} WHERE group_id IS NOT NULL")
    assert index == [{"state": 1, "person_id": 1, "probability": group["probability"]}] * 3
    assert album.read("SELECT suggested FROM {people}") == [{"suggested": 3}]
    assert album.wrong() == []


def test_an_offer_goes_when_it_is_refused(album: Album) -> None:
    album.links(calibrated=False)
    person = made_people(1, seed=4)[0]
    album.photo(photos_of(person, 1)[0])
    album.master(person, "Ada")
    album.settling.settle_all()
    album.refuse(Ref("group", 1), Ref("person", 1))
    album.settling.settle_all()
    assert album.read("SELECT offered_person_id, probability FROM {groups}") == [
        {"offered_person_id": None, "probability": None}
    ]
    assert album.read("SELECT state, person_id FROM {face_index} WHERE group_id = 1") == [
        {"state": 0, "person_id": None}
    ]
    assert album.read("SELECT suggested FROM {people}") == [{"suggested": 0}]
    assert album.wrong() == []


def test_a_person_who_is_in_one_of_the_photos_is_only_offered(album: Album) -> None:
    person = made_people(1, seed=4)[0]
    near, confirmed = album.photo(photos_of(person, 1)[0], person)
    album.name(confirmed, "Ada")
    album.settling.settle_all()
    assert album.face_rows([near])[0]["parent_id"] is None
    assert album.read("SELECT state FROM {face_index} WHERE face_id = :face", face=near) == [{"state": 1}]
    assert album.wrong() == []


def test_a_face_that_comes_to_a_named_group_is_linked_by_what_is_not_confirmed(album: Album) -> None:
    person = made_people(1, seed=4)[0]
    (first,) = album.photo(person)
    album.name(first, "Ada")
    (second,) = album.photo(photos_of(person, 1, seed=3)[0])
    assert album.groups() == {(first, second)}
    assert album.settling.settle_all().asked.faces == 1
    assert album.face_rows([second])[0]["parent_id"] == first
    (entry,) = album.read("SELECT rule FROM {ledger} WHERE kind = 'linked'")
    assert " m=1 " in entry["rule"]
    assert album.wrong() == []


def test_naming_a_person_asks_about_the_groups_that_may_be_theirs_before_any_is_due(album: Album) -> None:
    ada, eve = made_people(2, seed=4)
    face, stranger = album.photo(photos_of(ada, 1)[0], photos_of(eve, 1)[0])
    album.master(ada, "Ada")
    album.follow()
    album.settling.settle_some()
    (row,) = album.read("SELECT state, person_id FROM {face_index} WHERE face_id = :face", face=face)
    assert row["state"] > 0
    assert row["person_id"] == 1
    assert album.read("SELECT state FROM {face_index} WHERE face_id = :face", face=stranger) == [{"state": 0}]
    assert album.wrong() == []


def test_naming_one_face_of_a_group_links_the_others_before_any_is_due(album: Album) -> None:
    person = made_people(1, seed=4)[0]
    faces = [face for photo in photos_of(person, 4) for face in album.photo(photo)]
    assert len(album.groups()) == 1
    album.name(faces[0], "Ada")
    album.follow()
    album.settling.settle_some()
    assert [row["parent_id"] for row in album.face_rows(faces)] == [None, *[faces[0]] * 3]
    assert album.wrong() == []


def named_near_a_group(album: Album) -> list[int]:
    """Ann gets her name while nobody settles; the faces of a group that is hers, too."""
    ann = made_people(1, seed=6)[0]
    group = [album.photo(one)[0] for one in photos_of(ann, 3, seed=3)]
    album.settling.settle_all()
    (face,) = album.photo(ann, follow=False)
    album.name(face, "Ann")
    return group


def test_a_new_process_asks_about_whom_an_ended_one_has_left(album: Album) -> None:
    group = named_near_a_group(album)
    assert album.read("SELECT name, unsettled FROM {people}") == [{"name": "Ann", "unsettled": 1}]
    again = Album(album.store, album.rows)
    again.follow()
    again.settling.settle_some()
    assert again.read("SELECT person_id FROM {face_index} WHERE face_id = :id", id=group[0]) == [{"person_id": 1}]
    assert again.read("SELECT unsettled FROM {people}") == [{"unsettled": 0}]
    assert again.wrong() == []


def test_what_another_process_has_asked_is_not_asked_again(album: Album, statements: list[str]) -> None:
    other = Album(album.store, album.rows)
    other.follow()
    named_near_a_group(album)
    other.follow()
    album.follow()
    album.settling.settle_some()
    other.follow()
    statements.clear()
    other.settling.settle_some()
    assert [one for one in statements if one.startswith("UPDATE") and "face_index" in one] == []
    assert [one for one in statements if "SELECT" in one and "groups" in one] == []


def test_who_changes_while_groups_are_asked_about_is_asked_about_once_more(album: Album) -> None:
    group = named_near_a_group(album)
    with album.store.reading() as transaction:
        asked = unsettled_people.read_unsettled(transaction)
    album.name(group[0], "Ann")
    album.store.write(lambda transaction: unsettled_people.settle(transaction, asked))
    assert album.read("SELECT unsettled FROM {people}") == [{"unsettled": 2}]


def test_a_group_that_was_asked_about_before_it_was_joined_is_joined_still(album: Album) -> None:
    first, second = two_near_groups(album)
    album.master(made_people(1, seed=4)[0], "Ada")
    album.links(calibrated=False)
    album.settling.settle_some()
    assert album.groups() == {(first,), (second,)}
    assert album.read("SELECT unsettled FROM {groups}") == [{"unsettled": 1}] * 2
    assert album.settling.settle_all().joined == 1
    assert album.groups() == {(first, second)}


def test_what_comes_while_groups_are_joined_is_joined_the_next_time(album: Album) -> None:
    two_near_groups(album)
    with album.store.reading() as transaction:
        waiting = unsettled_groups.not_joined(transaction)
        seen = library_row.read(transaction).change
    album.photo(made_people(1, seed=8)[0])
    album.store.write(lambda transaction: unsettled_groups.note_joined(transaction, [*waiting, 3], seen))
    assert album.read("SELECT unsettled FROM {groups} ORDER BY id") == [
        {"unsettled": 2},
        {"unsettled": 2},
        {"unsettled": 1},
    ]


def test_a_person_who_is_taken_back_is_offered_no_more(album: Album) -> None:
    album.links(calibrated=False)
    person = made_people(1, seed=4)[0]
    (face,) = album.photo(photos_of(person, 1)[0])
    master = album.master(person, "Ada")
    album.settling.settle_some()
    assert album.read("SELECT state FROM {face_index} WHERE face_id = :face", face=face) == [{"state": 1}]
    album.say(master, "not_face")
    album.settling.settle_some()
    assert album.read("SELECT state FROM {face_index} WHERE face_id = :face", face=face) == [{"state": 0}]
    assert album.wrong() == []


def test_while_another_process_joins_groups_this_one_goes_on_with_jobs(album: Album) -> None:
    pair = two_near_groups(album)
    album.make_due()
    album.store.write(lambda transaction: library_row.take_joining(transaction, "another", 600))
    album.settling.settle_some()
    assert pair not in album.groups()


def test_what_a_killed_process_began_is_taken_up_when_its_lease_has_run_out(album: Album) -> None:
    pair = two_near_groups(album)
    album.make_due()
    album.store.write(lambda transaction: library_row.take_joining(transaction, "killed", -1))
    album.settling.settle_some()
    assert pair in album.groups()
    (library,) = album.read("SELECT joining_by, joined_at_faces FROM {library}")
    assert library == {"joining_by": None, "joined_at_faces": 26}


def test_a_library_whose_tables_are_gone_is_settled_later(album: Album, caplog: pytest.LogCaptureFixture) -> None:
    album.make_due()
    album.make_due()
    album.run("ALTER TABLE {groups} RENAME TO lost_groups")
    album.settling.settle_some()
    assert "later" in caplog.text


def test_told_to_stop_it_makes_way_and_goes_on_the_next_time(album: Album) -> None:
    pair = two_near_groups(album)
    album.make_due()
    album.settling.settle_some(lambda: True)
    assert pair not in album.groups()
    album.settling.settle_some()
    assert pair in album.groups()


def test_the_library_learns_once_there_are_people_and_again_after_a_day(album: Album) -> None:
    for number, person in enumerate(made_people(12)):
        album.master(person, f"Person {number}")
    album.settling.settle_all()
    album.settling.settle_all()
    (learned,) = album.read("SELECT people, share FROM {calibration}")
    assert learned == {"people": 12, "share": 0.5}
    album.run("UPDATE {calibration} SET measured_at = '2020-01-01 00:00:00'")
    album.settling.settle_all()
    assert len(album.read("SELECT people FROM {calibration}")) == 2
    album.follow()
    assert album.library.learned.people == 12


def test_a_face_job_settles_between_two_jobs_once_a_batch_has_come(album: Album) -> None:
    job = FaceJob(
        Tools(
            album.store,
            FaceClient(httpx2.Client()),
            Disks.of({}),
            Linking(0.6),
            identities_of(album.store.schema),
            settling=album.settling,
        )
    )
    for person in made_people(24, seed=3):
        album.photo(person)
    job.between_jobs(lambda: False)
    assert album.read("SELECT joined_at_faces FROM {library}") == [{"joined_at_faces": 0}]
    album.photo(made_people(1, seed=4)[0])
    job.between_jobs(lambda: False)
    assert album.read("SELECT joined_at_faces FROM {library}") == [{"joined_at_faces": 25}]
