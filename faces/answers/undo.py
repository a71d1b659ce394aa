"""Takes back an entry of the ledger: whatever nothing touched since is as it was before, and the rest is told.

An undo is an entry, too, and can be undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.answers.held_faces import MASTER, SHARED_NAME, HeldFaces
from faces.answers.restoring import (
    JoinOfGroups,
    RefHistory,
    end_of,
    has_moved,
    is_untouched,
    newcomers_nearer_to_gone,
    restored,
    see_that_names_are_free,
)
from faces.answers.row_style import RowStyle
from faces.answers.scope import Scope
from faces.answers.who_it_is_not import withdraw_offers
from faces.errors import RequestError
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref
from faces.store import face_batches
from faces.store.database import Transaction
from faces.store.sidecar import face_index, group_rows, ledger, people_of_app
from faces.store.sidecar.ledger import Entry, FaceChange

_KNOWN = (FaceState.LINKED, FaceState.CONFIRMED)


def undo(answers: Answers, answer: GivenAnswer, entry_id: int, *, new: bool = False, dry_run: bool = False) -> Answered:
    """Take an entry back, a machine's link too: that leaves a refusal.

    Links that a machine made to a person who is no more afterwards are taken away with it. Faces that were answered
    again since, or changed by the app, stay and are told.

    Args:
        answers: what it is given with.
        answer: who says it.
        entry_id: which one.
        new: also where somebody who has a name again is not the only one of it by now: then there are two of it.
        dry_run: only tell what would change.

    Raises:
        RequestError: there is no such entry, it was taken back already, or somebody else has a name by now that
            it gives back.
        ChangedSince, StoreUnavailable: as `Answers.give` says.
    """
    undoing = _Undoing(entry_id, new=new)
    return answers.give(answer, "undone", undoing.scope, undoing.says, dry_run=dry_run)


@dataclass(slots=True)
class _Undoing:
    entry_id: int
    new: bool
    entry: Entry | None = None
    faces: dict[int, FaceChange] = field(default_factory=dict)
    refs: dict[str, FaceChange] = field(default_factory=dict)
    _written: dict[int, FaceChange] = field(default_factory=dict)

    # --- scope ---

    def scope(self, transaction: Transaction) -> Scope:
        """All that the entry has changed, what it hung on, and what hangs on it now."""
        self.entry = ledger.entry(transaction, self.entry_id)
        if self.entry is None:
            raise RequestError(f"found no entry {self.entry_id} in the ledger, needed one that `ledger` lists")
        if (by := ledger.undone_by(transaction, self.entry_id)) is not None:
            raise RequestError(f"found that entry {self.entry_id} was taken back by {by}: `undo {by}` brings it back")
        self.faces = self._faces(transaction)
        self.refs = ledger.refs_of(transaction, self.entry_id)
        about = Scope(set(self.faces), self._groups(transaction), self._people())
        about.faces |= self._faces_of_renamed(transaction)
        # Those that somebody is offered for who is no more then hear of it.
        made = [Ref.parse(ref).id for ref, one in self.refs.items() if one.before.get("new")]
        about.faces |= face_index.of_people(transaction, made, FaceState.SUGGESTED)
        if self._merged() or self._parted():
            about = about.with_groups(transaction)
        scope = about.with_relatives(transaction)
        parents = {int(one.before["parent_id"]) for one in self.faces.values() if one.before.get("parent_id")}
        scope.faces |= face_batches.images_of(transaction, parents).keys()
        return scope

    def _faces(self, transaction: Transaction) -> dict[int, FaceChange]:
        """What the entry has changed; where what was said before it was taken back since, what was before that."""
        # What was written in the ledger never changes; only what was taken back since does.
        self._written = self._written or ledger.faces_of(transaction, self.entry_id)
        found, undone = dict(self._written), dict[int, Mapping[int, FaceChange]]()
        for face, one in found.items():
            before = one.before
            while (said_in := before.get("said_in")) is not None and said_in != one.after.get("said_in"):
                if said_in not in undone:
                    in_force = ledger.undone_by(transaction, said_in, without=self.entry_id) is None
                    undone[said_in] = {} if in_force else ledger.faces_of(transaction, said_in)
                if face not in undone[said_in]:
                    break
                before = undone[said_in][face].before
            found[face] = FaceChange(before, one.after)
        return found

    def _people(self) -> set[int]:
        named = {Ref.parse(ref).id for ref in self.refs if ref[0] == "p" and " " not in ref}
        who = {one.before.get("who") for one in self.faces.values()}
        whose = {one.before.get("person_id") for ref, one in self.refs.items() if ref[0] == "g" and " " not in ref}
        return named | {int(person) for person in who | whose if person is not None}

    def _groups(self, transaction: Transaction) -> set[int]:
        """Those that the entry has named or moved faces between, and where their faces are now."""
        found = {Ref.parse(ref).id for ref in self.refs if ref[0] == "g" and " " not in ref}
        for one in self.faces.values():
            found |= {int(of["group_id"]) for of in (one.before, one.after) if of.get("group_id") is not None}
        more = found
        while more:
            rows = group_rows.read(transaction, more)
            more = {row.joined_to for row in rows.values() if row.joined_to is not None} - found
            found |= more
        return found

    def _merged(self) -> set[int]:
        """Groups that the entry has joined to others."""
        groups = {ref: one for ref, one in self.refs.items() if ref[0] == "g"}
        joined = {Ref.parse(ref).id for ref, one in groups.items() if one.after.get("joined_to") is not None}
        if self.entry is not None and self.entry.kind == "merged":
            joined |= {int(one.before["group_id"]) for one in self.faces.values()}
        return joined

    def _parted(self) -> bool:
        """Whether the entry has parted groups from others."""
        return any(ref[0] == "g" and one.before.get("joined_to") is not None for ref, one in self.refs.items())

    def _faces_of_renamed(self, transaction: Transaction) -> set[int]:
        """All faces of people whose names the entry has changed: rows have these names."""
        renamed = [Ref.parse(ref).id for ref, one in self.refs.items() if ref[0] == "p" and "name" in one.before]
        return face_index.of_people(transaction, renamed, *_KNOWN)

    # --- what it says ---

    def says(self, held: HeldFaces, style: RowStyle) -> None:
        """Restore what nothing touched since."""
        held.undoes = self.entry_id
        restored_people = self._restore_people(held)
        self._restore_groups(held)
        if self.entry is not None and self.entry.kind == "linked":
            self._unlink(held, style)
        else:
            self._restore_faces(held)
            self._rejoin_groups(held)
            self._keep_groups_of_confirmed(held)
            self._bring_people_back(held)
        for person in restored_people:
            style.rename(held, person)
        self._let_people_go(held)
        if not self.new:
            see_that_names_are_free(held, self.refs)
        self._restore_refusals(held)

    def _restore_people(self, held: HeldFaces) -> list[int]:
        renamed, history = [], RefHistory(held.transaction, self.entry_id)
        for ref, one in self.refs.items():
            if ref[0] != "p" or " " in ref or one.before.get("new"):
                continue
            person = Ref.parse(ref).id
            if person not in held.marks:
                continue
            if MASTER in one.before:
                held.masters[person] = one.before[MASTER]
            for name in sorted(one.before.keys() - {MASTER, SHARED_NAME}):
                value = history.before(ref, name, one.before[name])
                if held.marks[person].get(name) != one.after[name] or history.is_said_again(ref, name):
                    held.leave(Ref("person", person), f"its {name} was changed again since")
                elif held.marks[person][name] != value:
                    held.mark(person, **{name: value})
                    renamed += [person] if name == "name" else []
        return renamed

    def _restore_groups(self, held: HeldFaces) -> None:
        for group in self._merged():
            if group in held.groups and (into := held.joined_to[group]) is not None:
                held.joined_to[group] = None
                if self.entry is not None and self.entry.actor == ledger.MACHINE:
                    # Else they would be joined again in a moment.
                    held.refuse(Ref("group", group), Ref("group", end_of(held, into)))
        for ref, one in self.refs.items():
            if ref[0] != "g" or " " in ref or "person_id" not in one.before:
                continue
            group = end_of(held, Ref.parse(ref).id)
            if group in held.groups and held.group_person[group] == one.after["person_id"]:
                person = one.before["person_id"]
                held.group_person[group] = person if person is None or person in held.people else None

    def _rejoin_groups(self, held: HeldFaces) -> None:
        """Groups that the entry has taken apart have gone into others again, where no face is left in them."""
        for ref, one in self.refs.items():
            if ref[0] != "g" or one.before.get("joined_to") is None:
                continue
            group, into = Ref.parse(ref).id, end_of(held, int(one.before["joined_to"]))
            if group not in held.groups or held.joined_to[group] is not None or into == group:
                continue
            faces = {face for face, _ in group_rows.members_of(held.transaction, [group])[group]}
            if faces <= held.now.keys() and not held.members(group):
                held.joined_to[group] = into

    def _restore_faces(self, held: HeldFaces) -> None:
        taken = {group: {held.images[face] for face in held.members(group)} for group in held.groups}
        persons = self._removed_persons(held)
        for face, one in sorted(self.faces.items()):
            if face not in held.now:
                held.leave(Ref("face", face), "it is no more")
                continue
            if one.before.get("person_id") in persons:
                held.leave(Ref("face", face), "the app has removed the person that it was")
                continue
            if not is_untouched(held, face, one.after):
                if one.before.get("said_in") != one.after.get("said_in") or "said_in" not in one.after:
                    held.leave(Ref("face", face), self._why(held, face))
                continue
            moved = has_moved(held, face, one.before, one.after)
            held.now[face] = restored(held, face, one.before)
            held.restored.add(face)
            if moved:
                held.about.add(face)
                self._move(held, face, one.before["group_id"], taken)
            elif f"g{held.now[face].group_id}" not in self.refs:
                # Its group was this person's before the entry, and is.
                held.staying.add(face)
        self._share_newcomers(held, taken)

    def _share_newcomers(self, held: HeldFaces, taken: Mapping[int, set[int]]) -> None:
        """Faces that came since go into the group whose middle is nearest to them, where that may be."""
        nearest = sorted((far, face, group) for group in self._merged() for face, far in self._newcomers(held, group))
        shared = set[int]()
        for _, face, group in nearest:
            if face not in shared:
                shared.add(face)
                self._move(held, face, group, taken)

    def _newcomers(self, held: HeldFaces, group: int) -> Iterator[tuple[int, float]]:
        change = self.refs.get(f"g{group}")
        if change is None or ledger.NEWEST_FACE not in change.after or group not in held.groups:
            return
        kept, newest = int(change.after["joined_to"]), int(change.after[ledger.NEWEST_FACE])
        gone = frozenset(face for face, one in self.faces.items() if one.before.get("group_id") == group)
        yield from newcomers_nearer_to_gone(held, JoinOfGroups(self.entry_id, kept, newest, gone)).items()

    def _removed_persons(self, held: HeldFaces) -> set[int]:
        """The app's, of faces before the entry, that are no more."""
        before = {int(one.before["person_id"]) for one in self.faces.values() if one.before.get("person_id")}
        return before - people_of_app.read(held.transaction, before).keys() if before else set()

    def _why(self, held: HeldFaces, face: int) -> str:
        facts = held.now[face]
        whose = "" if facts.who is None else f" of p{facts.who}"
        return f"it was answered again or changed in the app since, and is {held.state(face).word}{whose} now"

    def _move(self, held: HeldFaces, face: int, before: int | None, taken: Mapping[int, set[int]]) -> None:
        """Back into a group, unless that has a face of this photo by now; or out of the one that it was put into."""
        image, current = held.images[face], held.now[face].group_id
        group = None if before is None else end_of(held, before)
        if group is not None:
            if group not in taken or image in taken[group] or self._has_image(held, group, image, face):
                return
            taken[group].add(image)
        if current is not None:
            taken[current].discard(image)
        held.become(face, group_id=group)

    def _has_image(self, held: HeldFaces, group: int, image: int, face: int) -> bool:
        members = group_rows.members_of(held.transaction, [group])[group]
        return any(
            of == image and one != face and (one not in held.now or held.now[one].group_id == group)
            for one, of in members
        )

    def _unlink(self, held: HeldFaces, style: RowStyle) -> None:
        """A machine's link is not only taken back: it was wrong."""
        for face in sorted(self.faces):
            who = held.now[face].who if face in held.now else None
            if who is None or held.now[face].answer is not None or held.state(face) is FaceState.CONFIRMED:
                held.leave(Ref("face", face), self._why(held, face) if face in held.now else "it is no more")
                continue
            style.take_out(held, face, "process", Said.NO)
            held.refuse(Ref("face", face), Ref("person", who))
            withdraw_offers(held, Ref("face", face), who)

    def _keep_groups_of_confirmed(self, held: HeldFaces) -> None:
        """A group that was nobody's before stays a person's of whom another face in it was confirmed since."""
        groups = [group for group, row in held.groups.items() if held.group_person[group] != row.person_id]
        for group, members in face_index.of_groups(held.transaction, groups).items():
            whose = held.groups[group].person_id
            for face, one in members.items():
                if face in held.now:
                    stays = held.now[face].group_id == group and whose is not None and held.is_confirmed_as(face, whose)
                else:
                    stays = one.state is FaceState.CONFIRMED and one.person_id == whose
                if stays:
                    held.group_person[group] = whose

    def _bring_people_back(self, held: HeldFaces) -> None:
        """Whoever lost the name with the last face, and has one again, has the name again that this face has."""
        for face in sorted(self.faces.keys() & held.now.keys()):
            facts = held.now[face]
            if facts.who is None or not facts.name or facts == held.before[face]:
                continue
            if held.state(face) is FaceState.CONFIRMED and held.name_of(facts.who) is None:
                held.mark(facts.who, name=facts.name)

    def _let_people_go(self, held: HeldFaces) -> None:
        """People whom the entry has made are no more, where no face is confirmed as them by now."""
        for ref, one in self.refs.items():
            if not one.before.get("new"):
                continue
            person = Ref.parse(ref).id
            if person not in held.people:
                continue
            if held.has_confirmed(person):
                held.leave(Ref("person", person), "other faces were said to be this person since")
            else:
                held.mark(person, name=None)
                held.offer_no_more(person)

    def _restore_refusals(self, held: HeldFaces) -> None:
        history = RefHistory(held.transaction, self.entry_id)
        for ref, one in self.refs.items():
            if " " not in ref:
                continue
            first, second = (Ref.parse(side) for side in ref.split(" "))
            never = bool(history.before(ref, "never", one.before["never"]))
            if not history.is_said_again(ref, "never"):
                (held.refuse if never else held.allow)(first, second)
            elif held.is_refused(first, second) != never:
                held.leave(first, f"whether it may be {second} was said again since")
