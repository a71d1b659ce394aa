"""Answers that say who faces are: `name`, `confirm` and `move`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial

from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import MOST_FACES, Answers, about
from faces.answers.held_faces import HeldFaces
from faces.answers.row_style import RowStyle
from faces.answers.scope import Scope
from faces.errors import ChangedSince, RequestError
from faces.people.kept_face import FaceState
from faces.people.names import checked_name
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.sidecar import face_index, people_of_app, people_rows

_NOBODY = (FaceState.STRANGER, FaceState.NOT_FACE)


def name(
    answers: Answers, answer: GivenAnswer, refs: Collection[Ref], who: str | Ref, *, new: bool = False
) -> Answered:
    """Say whose faces these are; of groups all faces that nobody has said anything of.

    A face that a person has said is somebody else's is left: `move` does that on purpose.

    Args:
        answers: what it is given with.
        answer: who says it.
        refs: faces and groups.
        who: a name, or a person's id.
        new: another person of a name that there is already.

    Raises:
        RequestError: there is no such face, group or person, several people have the name, or it is no name.
        ChangedSince, SchemaError, StoreUnavailable: as `Answers.give` says.
    """
    return _give(answers, answer, "named", refs, who, partial(_name, refs=refs, new=new, moves=False))


def move(
    answers: Answers, answer: GivenAnswer, refs: Collection[Ref], who: str | Ref, *, new: bool = False
) -> Answered:
    """Say whose faces these are, whatever was said before; of groups all faces but strangers and what is no face.

    Raises: as `name`.
    """
    return _give(answers, answer, "moved", refs, who, partial(_name, refs=refs, new=new, moves=True))


def confirm(answers: Answers, answer: GivenAnswer, refs: Collection[Ref]) -> Answered:
    """Say that faces are who they are linked to or offered as; of a person all faces that are linked, however many.

    Raises:
        RequestError: a face is linked to nobody, and nobody is offered for it.
        ChangedSince, SchemaError, StoreUnavailable: as `Answers.give` says.
    """
    require_some(refs)
    return answers.give(answer, "confirmed", _linked_too(refs), partial(_confirm, refs=refs))


def require_some(refs: Collection[Ref]) -> None:
    """Refuse an answer about nothing.

    Raises:
        RequestError: there is none.
    """
    if not refs:
        raise RequestError("found no id, needed at least one, such as f12 or g12")


def person_named(transaction: Transaction, who: str | Ref) -> int | None:
    """The person of a name or id; None where nobody has the name.

    Raises:
        RequestError: several people have the name.
    """
    if isinstance(who, Ref):
        return who.id
    found = people_rows.all_named(transaction, who)
    if len(found) > 1:
        ids = ", ".join(f"p{person}" for person in found)
        raise RequestError(f"found {len(found)} people named {who}: {ids}, needed the id of one of them")
    return found[0] if found else None


def faces_said(held: HeldFaces, refs: Iterable[Ref]) -> tuple[list[int], list[int]]:
    """The faces that were named by their own ids, and those that were by their groups', each by id."""
    own = {ref.id for ref in refs if ref.kind == "face"}
    of_groups = {face for ref in refs if ref.kind == "group" for face in held.members(ref.id)}
    if len(own | of_groups) > MOST_FACES:
        raise RequestError(f"found {len(own | of_groups)} faces, needed {MOST_FACES} or fewer at a time")
    return sorted(own), sorted(of_groups - own)


def _give(
    answers: Answers, answer: GivenAnswer, kind: str, refs: Collection[Ref], who: str | Ref, says: partial[None]
) -> Answered:
    require_some(refs)
    target = who if isinstance(who, Ref) else checked_name(who)
    named = [target] if isinstance(target, Ref) else []

    def scope(transaction: Transaction) -> Scope:
        person = person_named(transaction, target)
        return about([*refs, *named], *([] if person is None else [person]))(transaction)

    return answers.give(answer, kind, scope, partial(says, who=target))


def _name(held: HeldFaces, style: RowStyle, *, refs: Collection[Ref], who: str | Ref, new: bool, moves: bool) -> None:
    own, of_groups = faces_said(held, refs)
    person = target_of(held, style, who, new=new)
    wanted = [face for face in own if _may_be(held, face, person, moves=moves, said=True)]
    wanted += [face for face in of_groups if _may_be(held, face, person, moves=moves, said=False)]
    if not wanted and person in held.new_people:
        held.drop_person(person)
        return
    for face in wanted:
        held.allow(Ref("face", face), Ref("person", person))
    for ref in refs:
        if ref.kind == "group":
            held.allow(ref, Ref("person", person))
            _give_group(held, ref, person, moves=moves)
    style.confirm(held, person, wanted)


def _give_group(held: HeldFaces, group: Ref, person: int, *, moves: bool) -> None:
    whose = held.group_person[group.id]
    if (
        whose not in (None, person)
        and not moves
        and any(held.is_confirmed_as(face, whose) for face in held.members(group.id) if whose is not None)
    ):
        raise ChangedSince(f"found that {group} is p{whose}'s, needed a group without a name: `move` gives it another")
    held.group_person[group.id] = person


def target_of(held: HeldFaces, style: RowStyle, who: str | Ref, *, new: bool = False) -> int:
    """The person of a name or id, made where nobody has the name.

    Raises:
        RequestError: several people have the name, or the person has none.
        SchemaError: people cannot be made here.
    """
    found = None if new else person_named(held.transaction, who)
    if found is None:
        style.require_naming(held, "a new name")
        held.hold_library()
        found = None if new else person_named(held.transaction, who)
    if found is None:
        return held.add_person(str(who))
    held.hold_people([found])
    if held.name_of(found) is None and not people_of_app.keeps_middles(held.transaction):
        raise RequestError(f"found that p{found} has no name, needed one: `rename p{found} NAME` gives it")
    return found


def _may_be(held: HeldFaces, face: int, person: int, *, moves: bool, said: bool) -> bool:
    """Whether a face becomes this person's; one that a person has said is another's is told of."""
    facts, state = held.now[face], held.state(face)
    if held.is_confirmed_as(face, person):
        return False
    if state in _NOBODY and not said:
        return False
    if state is FaceState.CONFIRMED and not moves and not (said and facts.who is None):
        # From the app's v4 on a face may be `ok` alone: somebody, not whom.
        whose = "somebody in the app" if facts.who is None else f"p{facts.who}"
        held.leave(Ref("face", face), f"it was said to be {whose}: `move` makes it another's")
        return False
    if not said and held.is_refused(Ref("face", face), Ref("person", person)):
        held.leave(Ref("face", face), f"it was said not to be p{person}")
        return False
    return True


def _linked_too(refs: Collection[Ref]) -> Callable[[Transaction], Scope]:
    """These and, of people, the faces that are linked to them; and who is offered for them."""
    people = [ref.id for ref in refs if ref.kind == "person"]

    def scope(transaction: Transaction) -> Scope:
        found = Scope.of(transaction, refs)
        found.faces |= face_index.of_people(transaction, people, FaceState.LINKED)
        return found.with_relatives(transaction)

    return scope


def _confirm(held: HeldFaces, style: RowStyle, *, refs: Collection[Ref]) -> None:
    own, of_groups = faces_said(held, refs)
    people = {ref.id for ref in refs if ref.kind == "person"}
    linked = [face for face, facts in held.now.items() if facts.who in people and held.state(face) is FaceState.LINKED]
    wanted: dict[int, list[int]] = {}
    for face in (*own, *of_groups, *(face for face in linked if face not in {*own, *of_groups})):
        person = held.now[face].who if held.now[face].who is not None else held.offered(face)
        if held.state(face) in (FaceState.CONFIRMED, *_NOBODY):
            continue
        if person is None:
            if face in own:
                raise RequestError(
                    f"found that f{face} is linked to nobody and nobody is offered for it, needed `name`"
                )
            continue
        wanted.setdefault(person, []).append(face)
    for person, faces in wanted.items():
        style.confirm(held, person, faces)
