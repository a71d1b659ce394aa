"""What our tables must say, computed anew from the rows and the facts, in another way than the product does it."""

from __future__ import annotations

import json
import unicodedata
import zlib
from collections import Counter, defaultdict
from typing import Any

import numpy as np

from faces.people.groups.alarm import Alarm
from faces.people.neighbourhood import Neighbourhood
from tests.integration.faces.library.upkeep.changing_app import COHORT, ChangingApp

#: What `answers` says of a face that was confirmed to us.
YES = 1

UNKNOWN, SUGGESTED, LINKED, CONFIRMED, STRANGER, NOT_FACE = range(6)

Who = tuple[str, Any]


class Derived:
    """Our tables as they are, and as they must be."""

    def __init__(self, app: ChangingApp) -> None:
        self.has_persons = app.has_persons
        sidecar = app.store.schema.sidecar
        assert sidecar is not None
        self.faces = {row["id"]: row for row in app.rows.read("SELECT * FROM faces WHERE deleted_at IS NULL")}
        self.dates = {row["id"]: taken_at(row) for row in app.rows.read("SELECT * FROM images")}
        self.persons = {row["id"]: row for row in app.rows.read("SELECT * FROM persons")} if app.keeps_persons else {}
        for table in ("face_index", "vectors", "group_members"):
            rows = app.rows.read(f"SELECT * FROM {getattr(sidecar, table).name}")
            setattr(self, table, {row["face_id"]: row for row in rows})
        for table in ("people", "groups"):
            rows = app.rows.read(f"SELECT * FROM {getattr(sidecar, table).name}")
            setattr(self, table, {row["id"]: row for row in rows})
        self.library = app.rows.one(f"SELECT * FROM {sidecar.library.name}")
        self.answers = {row["face_id"]: row for row in app.rows.read(f"SELECT * FROM {sidecar.answers.name}")}

    face_index: dict[int, dict[str, Any]]
    vectors: dict[int, dict[str, Any]]
    group_members: dict[int, dict[str, Any]]
    people: dict[int, dict[str, Any]]
    groups: dict[int, dict[str, Any]]

    def check(self) -> None:
        """See that all is as it must be."""
        self._check_faces()
        self._check_people_of_faces()
        self._check_vectors()
        self._check_members()
        self._check_groups()
        self._check_people()
        self._check_alarm()

    # --- rows ---

    def state(self, face: int) -> int:
        row = self.faces[face]
        if row["status"] in ("unknown", "not_face"):
            return STRANGER if row["status"] == "unknown" else NOT_FACE
        chosen = row.get("person_id") is not None and row["status"] != "suggested"
        if row["status"] == "ok" or chosen or row.get("is_reference") or self._is_answered(face):
            return CONFIRMED
        if self.has_persons:
            return SUGGESTED if row["person_id"] is not None else UNKNOWN
        return LINKED if row["parent_id"] is not None else UNKNOWN

    def _is_answered(self, face: int) -> bool:
        """Whether it was confirmed to us alone: the row is a machine's, but has a name."""
        row, answer = self.faces[face], self.answers.get(face)
        if self.has_persons or answer is None or row.get("is_reference") or row.get("person_id") is not None:
            return False
        return row["status"] == "process" and bool(row.get("name")) and answer["says"] == YES

    def who(self, face: int) -> Who | None:
        """Who a face is by the rows: a name, a person of the app, or whoever a nameless face is; or by an answer."""
        row, state = self.faces[face], self.state(face)
        if state == LINKED or self._is_answered(face):
            parent = row["parent_id"]
            if parent in self.faces and self.state(parent) == CONFIRMED:
                return self.who(parent)
            said = self.answers[face]["person_id"] if state == CONFIRMED else None
            return ("said", said) if said in self.people else None
        if state not in (CONFIRMED, SUGGESTED):
            return None
        if not self.has_persons and row.get("name"):
            return "name", key(row["name"])
        if self.has_persons or row.get("person_id") is not None:
            return None if row["person_id"] is None else ("app", row["person_id"])
        return "began with", row["parent_id"] or face

    def encoding(self, face: int) -> np.ndarray | None:
        numbers = json.loads(self.faces[face]["encoding"] or "null")
        return np.array(numbers, np.float32) if numbers and len(numbers) == 128 else None

    # --- checks ---

    def _check_faces(self) -> None:
        assert self.face_index.keys() == self.faces.keys()
        for face, one in self.face_index.items():
            row, state = self.faces[face], self.state(face)
            assert one["image_id"] == row["image_id"]
            assert str(one["taken_at"])[:19] == str(self.dates[row["image_id"]])[:19]
            assert one["quality"] == row.get("quality_score")
            assert one["state"] == state or (state == UNKNOWN and one["state"] == SUGGESTED)

    def _check_people_of_faces(self) -> None:
        people: dict[int, Who] = {}
        for face, one in self.face_index.items():
            who = self.who(face)
            if one["state"] == SUGGESTED and self.state(face) == UNKNOWN:
                assert one["group_id"] is not None
                assert self.groups[one["group_id"]]["offered_person_id"] is not None or self._waits(one["group_id"])
                continue
            assert (who is None) == (one["person_id"] is None), (face, who, one)
            if who is not None and who[0] == "said":
                assert one["person_id"] == who[1], (face, who)
            elif who is not None:
                assert people.setdefault(one["person_id"], who) == who, (face, who)
        # Several people of one name are only those that a person has said to be several.
        assert self.answers or len(set(people.values())) == len(people), people
        for person, (kind, value) in people.items():
            row = self.people[person]
            if kind == "name":
                assert key(row["name"]) == value == row["name_key"]
                assert row["app_person_id"] is None
            elif kind == "app":
                assert row["app_person_id"] == value
                if value in self.persons:
                    assert row["name"] == self.persons[value]["name"]
            else:
                assert (row["name"], row["app_person_id"], row["master_face_id"]) == (None, None, value)

    def _waits(self, group: int) -> bool:
        return bool(self.groups[group]["unsettled"])

    def _check_vectors(self) -> None:
        read = {face: one for face in self.faces if (one := self.encoding(face)) is not None}
        assert self.vectors.keys() == read.keys()
        for face, numbers in read.items():
            text = self.faces[face]["encoding"]
            assert self.vectors[face]["encoding_crc"] == zlib.crc32(text.encode())
            assert self.vectors[face]["encoding"] == numbers.tobytes()

    def _check_members(self) -> None:
        unnamed = {face for face in self.vectors if self.state(face) in (UNKNOWN, SUGGESTED)}
        assert unnamed <= self.group_members.keys() <= self.vectors.keys()
        places = Counter((one["group_id"], one["image_id"]) for one in self.group_members.values())
        assert all(count == 1 for count in places.values())
        for face, one in self.face_index.items():
            member = self.group_members.get(face)
            assert one["group_id"] == (member["group_id"] if member else None)
            assert member is None or member["image_id"] == one["image_id"]
            if member is not None:
                assert one["state"] not in (STRANGER, NOT_FACE)
                person = self.groups[member["group_id"]]["person_id"]
                assert one["state"] != CONFIRMED or one["person_id"] == person

    def _check_groups(self) -> None:
        members = defaultdict(list)
        for face, one in self.group_members.items():
            members[one["group_id"]].append(face)
        for group, row in self.groups.items():
            assert (row["size"], total_of(row)) == self._sum(members[group]), group

    def _check_people(self) -> None:
        of = defaultdict(list)
        for face, one in self.face_index.items():
            if one["person_id"] is not None:
                of[one["person_id"]].append(face)
        for person, row in self.people.items():
            states = Counter(self.face_index[face]["state"] for face in of[person])
            assert (row["confirmed"], row["linked"], row["suggested"]) == tuple(
                states[state] for state in (CONFIRMED, LINKED, SUGGESTED)
            )
            confirmed = [face for face in of[person] if self.face_index[face]["state"] == CONFIRMED]
            expected = self._sum(confirmed)
            if not expected[0] and self.has_persons:
                expected = self._stand_in(row["app_person_id"])
            assert (row["k"], total_of(row)) == expected, (person, row["name"])
            dates = [
                str(self.face_index[face]["taken_at"])[:19]
                for face in of[person]
                if self.face_index[face]["state"] in (LINKED, CONFIRMED)
            ]
            assert str(row["last_taken"])[:19] == max(dates, default="None"), person
            if not self.has_persons and (row["name"] or row["app_person_id"]):
                masters = {face for face in confirmed if self._may_be_master(face)}
                assert row["master_face_id"] in (masters or {None})

    def _may_be_master(self, face: int) -> bool:
        row = self.faces[face]
        return row["parent_id"] is None and row["status"] == "ok" and row["encoding"] is not None

    def _check_alarm(self) -> None:
        encodings = [self.encoding(face) for face in self.group_members]
        expected = Alarm()
        if encodings:
            expected = Alarm.of(Neighbourhood(COHORT).shipped_alone(np.stack(encodings)))  # type: ignore[arg-type]
        assert (self.library["alarm_steps"], self.library["alarm_faces"]) == (expected.steps, expected.faces)

    def _sum(self, faces: list[int]) -> tuple[int, list[int]]:
        rows = [one for face in faces if (one := self.encoding(face)) is not None]
        exact = [[round(float(number) * 2**40) for number in row] for row in rows]
        return len(rows), [sum(numbers) for numbers in zip(*exact, strict=True)] or [0] * 128

    def _stand_in(self, app_person: int | None) -> tuple[int, list[int]]:
        row = self.persons.get(app_person or 0)
        if row is None or row["centroid_embedding"] is None or not row["embeddings_count"]:
            return 0, [0] * 128
        count = row["embeddings_count"]
        return count, [round(number * 2**40) * count for number in json.loads(row["centroid_embedding"])]


def taken_at(image: dict[str, Any]) -> str:
    """When a photo was taken, by its metadata, else by its file."""
    metadata = json.loads(image["metadata"] or "null") or {}
    exif: str | None = metadata.get("EXIF", {}).get("DateTimeOriginal")
    return exif.replace(":", "-", 2) if exif else str(image["created_at_file"])


def total_of(row: dict[str, Any]) -> list[int]:
    """The sum in a row of people or groups."""
    return np.frombuffer(row["sum"], "<i8").tolist() if row["sum"] else [0] * 128


def key(name: str) -> str:
    """Equal for spellings of one name."""
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()
