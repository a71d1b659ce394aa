"""What two people have said last, kept beside the product: whatever the app did not touch since must still be so."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from faces.answers.answer import Answered
from faces.people.refs import Ref
from tests.integration.faces.library.upkeep.changing_app import ChangingApp
from tests.integration.faces.library.upkeep.derived import CONFIRMED, LINKED, NOT_FACE, STRANGER, SUGGESTED, key

_STATES = {"unknown": STRANGER, "not_face": NOT_FACE}

#: What the app's clicks and jobs change of who a face is.
_COLUMNS = ("status", "name", "parent_id", "person_id", "is_reference", "deleted_at", "image_id")

#: What is said of people beside their names, and how they are before anything is said.
_UNMARKED: dict[str, int | None] = {"hidden": 0, "favourite": 0, "cover": None}

Said = tuple[str, int | None]
"""`is` and a person, the status of a face that is nobody's, `added`, or `removed`: one that was added, and is not."""


class WhatWasSaid:
    """By face, what was said of it last and holds; the pairs that were refused; and the marks of people."""

    def __init__(self, app: ChangingApp) -> None:
        self._app = app
        self._tables = app.store.schema.sidecar
        self.holds: dict[int, Said] = {}
        self.refused: set[tuple[str, str]] = set()
        self._before: dict[int, dict[int, Said]] = {}
        self._marks: list[tuple[int, int, str, int]] = []
        """By which entry a person got which mark."""
        self.linked_by_app: set[int] = set()
        """Faces that the app has hung on another one, or has suggested a person for, whatever was refused."""

    # --- what the tables have ---

    def read(self, query: str, **values: object) -> list[dict[str, Any]]:
        """`{groups}` is a table of ours."""
        names = {table: getattr(self._tables, table).name for table in ("groups", "people", "ledger", "face_index")}
        more = ("ledger_faces", "ledger_refs", "never", "group_members", "answers", "vectors")
        names |= {table: getattr(self._tables, table).name for table in more}
        return self._app.rows.read(query.format(**{name: f"`{table}`" for name, table in names.items()}), **values)

    def group_of(self, face: int) -> int | None:
        """The group that a face is in."""
        found = self.read("SELECT group_id FROM {group_members} WHERE face_id = :id", id=face)
        return found[0]["group_id"] if found else None

    def people(self) -> list[int]:
        """All of ours who have a name."""
        return [row["id"] for row in self.read("SELECT id FROM {people} WHERE name IS NOT NULL ORDER BY id")]

    def faces_of(self, person: int) -> list[int]:
        """Those that are linked to somebody, or confirmed."""
        rows = self.read("SELECT * FROM {face_index} WHERE person_id = :id ORDER BY face_id", id=person)
        return [row["face_id"] for row in rows if row["state"] in (LINKED, CONFIRMED)]

    def entries(self) -> list[int]:
        """Of the ledger, oldest first."""
        return [row["id"] for row in self.read("SELECT id FROM {ledger} ORDER BY id")]

    # --- what happens ---

    @contextmanager
    def changes_of_the_app(self) -> Iterator[None]:
        """What the app changes meanwhile holds no more, nor what hangs on that by an answer."""
        before = self._rows()
        yield
        now = self._rows()
        changed = {face for face in before if before[face] != now.get(face)}
        for face in set(self.holds):
            if face in changed or before.get(face, {}).get("parent_id") in self._became_nameless(changed, now):
                del self.holds[face]
        self.linked_by_app |= {face for face in now if before.get(face) != now[face]}
        # A link follows its master, whoever the app says that is.
        self.linked_by_app |= {face for face in now if now[face].get("parent_id") in changed}

    @staticmethod
    def _became_nameless(changed: Collection[int], now: dict[int, dict[str, Any]]) -> set[int]:
        """A confirmed face of such a name hangs on somebody else by now."""
        found = {face for face in changed if face in now and not now[face].get("name")}
        return {face for face in found if now[face]["status"] == "ok" or now[face].get("is_reference")}

    @contextmanager
    def only_what_is_entered(self, uuid: str) -> Iterator[list[int | None]]:
        """An answer is one entry, or none where nothing was said; the app's persons stay as they are."""
        persons, before = self._persons(), self.entries()
        holds = dict(self.holds)
        entered: list[int | None] = []
        yield entered
        assert self._persons() == persons
        found = [row["id"] for row in self.read("SELECT id FROM {ledger} WHERE uuid = :uuid", uuid=uuid)]
        expected = [entry for entry in entered if entry is not None]
        assert found == expected
        assert set(self.entries()) - set(before) == set(expected)
        for entry in expected:
            self._before[entry] = holds

    # --- what is said ---

    def named(self, done: Answered, refs: Collection[Ref], who: str | Ref) -> None:
        """Faces are a person's: all that were asked about but for those that were left, and told."""
        if done.again:
            return
        person = who.id if isinstance(who, Ref) else self._named(who)
        for face in self._about(done, refs):
            self.holds[face] = ("is", person)
            self._allow(f"f{face}", f"p{person}")
        for ref in refs:
            if ref.kind == "group":
                self._allow(str(ref), f"p{person}")

    def confirmed(self, done: Answered) -> None:
        """Faces are who they were linked to or offered as."""
        if done.again:
            return
        for row in self._index(done.faces):
            assert row["state"] == CONFIRMED
            self.holds[row["face_id"]] = ("is", row["person_id"])

    def rejected(self, done: Answered, refs: Collection[Ref], who: str | Ref | None) -> None:
        """Faces and groups are not a person; who that is, is told or found in what the answer has refused."""
        if not done.again and who is not None:
            person = who.id if isinstance(who, Ref) else self._named(who)
            self.refused |= {_pair(str(ref), f"p{person}") for ref in refs}
        self.taken_away(done)

    def taken_away(self, done: Answered, *, holding: bool = False) -> None:
        """What was said of these faces is not said any more, unless it still holds; and what was refused."""
        if done.again:
            return
        self._refuse(done)
        for face in () if holding else done.faces:
            self.holds.pop(face, None)

    def joined(self, done: Answered, refs: Collection[Ref]) -> None:
        """People are the first one, and the faces of groups their person; what was refused for them holds for it."""
        if done.again:
            return
        self._refuse(done)
        kept, *gone = (ref.id for ref in refs)
        if refs and next(iter(refs)).kind == "person":
            theirs = {face for face, said in self.holds.items() if said[0] == "is" and said[1] in gone}
            self.holds |= dict.fromkeys(theirs, ("is", kept))

    def _refuse(self, done: Answered) -> None:
        for row in self.read("SELECT ref, after FROM {ledger_refs} WHERE entry = :entry", entry=done.entry or 0):
            if " " in row["ref"] and json.loads(row["after"])["never"]:
                self.refused.add(_pair(*row["ref"].split()))

    def apart(self, done: Answered, one: Ref, other: Ref) -> None:
        """These two are not one; a face is not the person from whom it is apart."""
        if done.again:
            return
        self.refused.add(_pair(str(one), str(other)))
        for face in done.faces:
            self.holds.pop(face, None)

    def taken_out(self, done: Answered, refs: Collection[Ref], status: str) -> None:
        """Faces are nobody's."""
        if done.again:
            return
        for face in self._about(done, refs):
            self.holds[face] = (status, None)

    def marked(self, done: Answered, people: Collection[Ref], mark: str, value: int) -> None:
        """People are hidden or favourites, or not; or a face stands for somebody."""
        if not done.again and done.entry is not None:
            news = [person.id for person in people if self._marks_of(person.id)[mark] != value]
            self._marks += [(done.entry, person, mark, value) for person in news]

    def added(self, done: Answered, who: str | Ref | None) -> None:
        """There is a face more, of somebody or of nobody."""
        if done.again:
            return
        (face,) = done.faces
        person = who.id if isinstance(who, Ref) else None if who is None else self._named(who)
        self.holds[face] = ("added", None) if person is None else ("is", person)

    def enrolled(self, done: Answered, face: int, name: str) -> None:
        """A face is whoever has the name; what else was confirmed stays who it is."""
        if done.again:
            return
        (row,) = self._index([face])
        assert row["state"] == CONFIRMED
        (person,) = self.read("SELECT name FROM {people} WHERE id = :id", id=row["person_id"])
        assert key(person["name"]) == key(name)
        self.holds[face] = ("is", row["person_id"])
        self._allow(f"f{face}", f"p{row['person_id']}")

    def undone(self, done: Answered, entry: int) -> None:
        """What was said by an entry is not said any more, but for what was left, and told."""
        if done.again:
            return
        left = {one.ref for one in done.left}
        for row in self.read("SELECT * FROM {ledger_faces} WHERE entry = :entry", entry=entry):
            face, before, after = row["face_id"], json.loads(row["before"]), json.loads(row["after"])
            if f"f{face}" in left or before.get("said_in") == after.get("said_in", 0):
                continue
            self.holds.pop(face, None)
            holds = self._before.get(self._in_force_before(face, entry, before), {})
            if face in holds:
                self.holds[face] = holds[face]
            if before.get("deleted") and not after["deleted"]:
                self.holds[face] = ("removed", None)
        for row in self.read("SELECT ref FROM {ledger_refs} WHERE entry = :entry", entry=entry):
            if " " in row["ref"]:
                pair = _pair(*row["ref"].split())
                self.refused.discard(pair)
                self.refused |= {pair} if self._is_refused(row["ref"]) else set()

    def _in_force_before(self, face: int, entry: int, before: dict[str, Any]) -> int:
        """The entry before which all that is in force was said of a face: what was taken back since is left out."""
        while (said_in := before.get("said_in")) is not None and self._is_undone(said_in):
            rows = self.read(
                "SELECT * FROM {ledger_faces} WHERE entry = :entry AND face_id = :face", entry=said_in, face=face
            )
            if not rows:
                break
            entry, before = said_in, json.loads(rows[0]["before"])
        return entry

    def _is_refused(self, pair: str) -> bool:
        """By what was said last and is in force."""
        rows = self.read(
            "SELECT r.entry, r.after, l.undoes FROM {ledger_refs} r JOIN {ledger} l ON l.id = r.entry"
            " WHERE r.ref = :pair ORDER BY r.entry DESC",
            pair=pair,
        )
        entries = {row["entry"] for row in rows}
        said = [row for row in rows if row["undoes"] not in entries and not self._is_undone(row["entry"])]
        return bool(said and json.loads(said[0]["after"])["never"])

    def _is_undone(self, entry: int) -> bool:
        undoing = self.read("SELECT id FROM {ledger} WHERE undoes = :entry", entry=entry)
        return any(not self._is_undone(row["id"]) for row in undoing)

    def _about(self, done: Answered, refs: Collection[Ref]) -> set[int]:
        """The faces that were asked about by their own ids and not left; of groups those that were changed."""
        left = {one.ref for one in done.left}
        own = {ref.id for ref in refs if ref.kind == "face" and str(ref) not in left}
        return own | set(done.faces)

    def _allow(self, one: str, other: str) -> None:
        self.refused.discard(_pair(one, other))

    # --- what must be ---

    def check(self) -> None:
        """What was said last, and what was refused, is so; nothing was said of a face that the tables do not know."""
        found = {row["face_id"]: row for row in self._index()}
        for face, (what, person) in self.holds.items():
            if what == "removed":
                assert face not in found
                continue
            row = found[face]
            if what == "is":
                assert (row["state"], row["person_id"]) == (CONFIRMED, person), (face, row)
            elif what in _STATES:
                assert row["state"] == _STATES[what], (face, row)
            else:
                assert row["state"] not in (LINKED, CONFIRMED, *_STATES.values()), (face, row)
        kept = {(row["a"], row["b"]) for row in self.read("SELECT a, b FROM {never}")}
        assert self.refused <= kept
        self._check_refused(found, kept)
        self._check_not_linked(found)
        self._check_people()

    def _check_refused(self, found: dict[int, dict[str, Any]], kept: set[tuple[str, str]]) -> None:
        offered = {row["id"]: row for row in self.read("SELECT * FROM {groups}")}
        for one, other in kept:
            if one[0] == "f" and other[0] == "p" and (row := found.get(int(one[1:]))):
                is_theirs = row["state"] in (LINKED, SUGGESTED) and row["person_id"] == int(other[1:])
                assert not is_theirs or row["face_id"] in self.linked_by_app, (one, other, row)
            if one[0] == "g" and other[0] == "p":
                assert offered[int(one[1:])]["offered_person_id"] != int(other[1:]), (one, other)
            if one[0] == other[0] == "g":
                assert offered[int(one[1:])]["joined_to"] != int(other[1:])
                assert offered[int(other[1:])]["joined_to"] != int(one[1:])

    def _check_not_linked(self, found: dict[int, dict[str, Any]]) -> None:
        """What a person has taken out is never linked by a machine."""
        for row in self.read("SELECT face_id, says FROM {answers} WHERE says = 3"):
            if (one := found.get(row["face_id"])) and row["face_id"] not in self.linked_by_app:
                assert one["state"] != LINKED, (row, one)

    def _check_people(self) -> None:
        """Each has the marks that were said last and not taken back; nobody of ours has another one's name."""
        rows = self.read("SELECT * FROM {people} ORDER BY id")
        for row in rows:
            of = {
                mark: value
                for entry, one, mark, value in self._marks
                if one == row["id"] and not self._is_undone(entry)
            }
            assert {mark: row[mark] for mark in _UNMARKED} == _UNMARKED | of, row["id"]
        taken = [row["name_key"] for row in rows if row["name"] is not None and row["app_person_id"] is None]
        assert len(set(taken)) == len(taken), taken

    # --- ---

    def _marks_of(self, person: int) -> dict[str, int | None]:
        """By what was said last and is in force."""
        said = [
            (mark, value) for entry, one, mark, value in self._marks if one == person and not self._is_undone(entry)
        ]
        return _UNMARKED | dict(said)

    def _named(self, name: str) -> int:
        people = self.read("SELECT id FROM {people} WHERE name_key = :key AND joined_to IS NULL", key=key(name))
        return int(people[0]["id"]) if people else 0

    def _index(self, faces: Collection[int] | None = None) -> list[dict[str, Any]]:
        rows = self.read("SELECT * FROM {face_index}")
        return [row for row in rows if faces is None or row["face_id"] in faces]

    def _rows(self) -> dict[int, dict[str, Any]]:
        rows = self._app.rows.read("SELECT * FROM faces")
        return {row["id"]: {name: row[name] for name in _COLUMNS if name in row} for row in rows}

    def _persons(self) -> list[dict[str, Any]]:
        return self._app.rows.read("SELECT * FROM persons ORDER BY id") if self._app.keeps_persons else []


def _pair(one: str, other: str) -> tuple[str, str]:
    first, second = sorted((one, other))
    return first, second
