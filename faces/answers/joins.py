"""`join`: two or more people, or groups, are one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations

from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers, about
from faces.answers.held_faces import HeldFaces
from faces.answers.row_style import RowStyle
from faces.answers.scope import Scope
from faces.errors import RequestError
from faces.people.groups.refusals import Refusals
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.sidecar import face_index, group_rows, ledger, never_rows

_KNOWN = (FaceState.LINKED, FaceState.CONFIRMED)

#: Photos that a sentence names.
_FEW = 3


def join(answers: Answers, answer: GivenAnswer, refs: Collection[Ref]) -> Answered:
    """Say that people are one, or that groups are: all faces of the others, however many, become the first one's.

    Their rows stay and say where their faces are; what was refused for them is refused for the first. Where one of
    the groups has a name, the faces of the others that nothing was said of are this person.

    Args:
        answers: what it is given with.
        answer: who says it.
        refs: two or more people, or two or more groups.

    Raises:
        RequestError: one is not there, a person has said that they are not one, or they cannot be: two groups with
            faces of one photo or with two names, a first person without a name.
        ChangedSince, SchemaError, StoreUnavailable: as `Answers.give` says.
    """
    kinds = {ref.kind for ref in refs}
    if len(refs) < 2 or len(kinds) > 1 or "face" in kinds:
        raise RequestError(f"found {' '.join(map(str, refs))}, needed two or more people, or two or more groups")
    first, *others = (ref.id for ref in refs)
    if "person" in kinds:
        people = _People(first, tuple(others))
        return answers.give(answer, "joined", people.scope, people.says)
    return answers.give(answer, "joined", _of_groups(refs), partial(_join_groups, kept=first, gone=tuple(others)))


@dataclass(slots=True)
class _People:
    """People who become one."""

    kept: int
    gone: tuple[int, ...]
    faces: dict[int, set[int]] = field(default_factory=dict)
    """Of each, linked and confirmed ones."""
    groups: dict[int, list[int]] = field(default_factory=dict)

    def scope(self, transaction: Transaction) -> Scope:
        """All faces of the others, and of the first one's those that were said not to be one of them."""
        everybody = (self.kept, *self.gone)
        found = Scope.of(transaction, [Ref("person", person) for person in everybody])
        refusals = never_rows.read_of(transaction, [Ref("person", person) for person in self.gone])
        self.faces = {person: face_index.of_people(transaction, [person], *_KNOWN) for person in everybody}
        self.groups = {person: group_rows.of_people(transaction, [person]) for person in everybody}
        for person in self.gone:
            # Those that it is offered for hear that it is not any more.
            found.faces |= self.faces[person] | face_index.of_people(transaction, [person], FaceState.SUGGESTED)
            found.groups |= set(self.groups[person])
            refused = {ref.id for ref in refusals.of(Ref("person", person)) if ref.kind == "face"}
            found.faces |= self.faces[self.kept] & refused
        # No master stops being one: what hangs on them is theirs, and nothing else hangs on these faces.
        return found

    def says(self, held: HeldFaces, style: RowStyle) -> None:
        """The others' faces are the first one's."""
        style.require_naming(held, "join")
        name = held.name_of(self.kept)
        if name is None:
            raise RequestError(f"found that p{self.kept} has no name, needed one: `rename p{self.kept} NAME` gives it")
        self._take_out_refused(held, style)
        for face, facts in list(held.now.items()):
            state = held.state(face)
            if facts.who not in self.gone or state not in _KNOWN:
                continue
            held.become(face, name=name, who=self.kept)
            held.about.add(face)
            if state is FaceState.CONFIRMED:
                held.say(face, Said.YES, self.kept)
        for group in held.groups:
            if held.group_person[group] in self.gone:
                held.group_person[group] = self.kept
        for person in self.gone:
            held.offer_no_more(person)
            held.mark(person, name=None, joined_to=self.kept)
            _inherit(held, Ref("person", person), Ref("person", self.kept))

    def _take_out_refused(self, held: HeldFaces, style: RowStyle) -> None:
        """What a machine has linked is let go where a person has said that it is another of them."""
        for one, other in combinations((self.kept, *self.gone), 2):
            for left, right in _refused(held.refusals, self._refs(held, one), self._refs(held, other)):
                face, person = (left, right) if left.kind == "face" else (right, left)
                if {left.kind, right.kind} == {"face", "group"}:
                    # It is not of that very group; of the person's it may be.
                    continue
                if person.kind == "person" and face.kind == "face" and self._is_linked(held, face.id):
                    style.take_out(held, face.id, "process", Said.NO)
                else:
                    raise _apart(held.transaction, left, right)

    def _is_linked(self, held: HeldFaces, face: int) -> bool:
        return face in held.now and held.state(face) in (FaceState.LINKED, FaceState.UNKNOWN)

    def _refs(self, held: HeldFaces, person: int) -> set[Ref]:
        """All by which a person has refused anything of this one."""
        groups = {group for group in self.groups[person] if self._is_theirs(held, group, person)}
        faces = {Ref("face", face) for face in self.faces[person]} & held.refusals.named
        return {Ref("person", person), *(Ref("group", group) for group in groups), *faces}

    def _is_theirs(self, held: HeldFaces, group: int, person: int) -> bool:
        row = held.groups.get(group) or group_rows.read(held.transaction, [group]).get(group)
        return row is not None and row.person_id == person


def _of_groups(refs: Collection[Ref]) -> Callable[[Transaction], Scope]:
    def scope(transaction: Transaction) -> Scope:
        rows = group_rows.read(transaction, [ref.id for ref in refs])
        named = {row.person_id for row in rows.values() if row.person_id is not None}
        return about(refs, *sorted(named))(transaction)

    return scope


def _join_groups(held: HeldFaces, style: RowStyle, *, kept: int, gone: tuple[int, ...]) -> None:
    groups = (kept, *gone)
    named = {group: person for group in groups if (person := held.group_person[group]) is not None}
    if len(set(named.values())) > 1:
        whose = ", ".join(f"g{group} is p{person}'s" for group, person in sorted(named.items()))
        raise RequestError(f"found that {whose}, needed groups of one person: `join` for people, or `move`, is meant")
    _see_that_photos_differ(held, groups)
    for one, other in combinations(groups, 2):
        for left, right in _refused(held.refusals, _refs_of(held, one), _refs_of(held, other)):
            raise _apart(held.transaction, left, right)
    nameless = [face for group in groups if group not in named for face in held.members(group)]
    for group in gone:
        for face in held.members(group):
            held.become(face, group_id=kept)
            held.about.add(face)
        held.joined_to[group] = kept
        _inherit(held, Ref("group", group), Ref("group", kept))
    if named:
        person = next(iter(named.values()))
        held.group_person[kept] = person
        unnamed = (FaceState.UNKNOWN, FaceState.SUGGESTED, FaceState.LINKED)
        style.confirm(held, person, [face for face in nameless if held.state(face) in unnamed])


def _see_that_photos_differ(held: HeldFaces, groups: tuple[int, ...]) -> None:
    faces_of = defaultdict[int, list[int]](list)
    for group in groups:
        for face in held.members(group):
            faces_of[held.images[face]].append(face)
    twice = {image: faces for image, faces in sorted(faces_of.items()) if len(faces) > 1}
    if twice:
        told = ", ".join(
            f"{' and '.join(f'f{face}' for face in faces)} of image {image}"
            for image, faces in list(twice.items())[:_FEW]
        )
        raise RequestError(
            f"found {len(twice)} photos with faces of more than one of these groups ({told}), needed groups that "
            "share no photo: one person is not twice on one. `split` takes a face out"
        )


def _refs_of(held: HeldFaces, group: int) -> set[Ref]:
    person = held.group_person[group]
    whose = set() if person is None else {Ref("person", person)}
    return {Ref("group", group), *whose, *(Ref("face", face) for face in held.members(group))}


def _refused(refusals: Refusals, left: set[Ref], right: set[Ref]) -> Iterator[tuple[Ref, Ref]]:
    """The pairs that a person has refused, those of people first."""
    pairs = [(one, other) for one in left for other in refusals.of(one) if other in right]
    yield from sorted(pairs, key=lambda pair: (-sum(ref.kind == "person" for ref in pair), pair))


def _apart(transaction: Transaction, one: Ref, other: Ref) -> RequestError:
    one, other = sorted((one, other), key=str)
    entry = ledger.newest_of_refs(transaction, one, other)
    said = "" if entry is None else f" by entry {entry}: `undo {entry}` takes that back"
    return RequestError(f"found that {one} and {other} were said not to be one{said}, needed two that may be one")


def _inherit(held: HeldFaces, gone: Ref, kept: Ref) -> None:
    for other in sorted(held.refusals.of(gone)):
        if other != kept:
            held.refuse(kept, other)
