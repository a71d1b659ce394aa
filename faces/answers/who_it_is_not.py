"""Answers that say who faces are not: `reject`, `apart`, `stranger`, `not_face` and `unknown`."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers, about
from faces.answers.held_faces import HeldFaces
from faces.answers.row_style import Nobody, RowStyle
from faces.answers.scope import Scope
from faces.answers.who_it_is import faces_said, person_named, require_some
from faces.errors import RequestError
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref
from faces.store.database import Transaction

_ANSWERED: dict[Nobody, FaceState] = {"unknown": FaceState.STRANGER, "not_face": FaceState.NOT_FACE}

_KINDS: dict[Nobody, str] = {"unknown": "stranger", "not_face": "not_face", "process": "unknown"}


def reject(answers: Answers, answer: GivenAnswer, refs: Collection[Ref], who: str | Ref | None = None) -> Answered:
    """Say that faces and groups are not a person, for ever: they are never linked to it or offered as it again.

    Links to this person are taken away, confirmed ones too.

    Args:
        answers: what it is given with.
        answer: who says it.
        refs: faces and groups.
        who: the person, by name or id; None: whoever each is linked to or offered as.

    Raises:
        RequestError: there is no such face, group or person, or nothing to reject.
        ChangedSince, StoreUnavailable: as `Answers.give` says.
    """
    require_some(refs)

    def scope(transaction: Transaction) -> Scope:
        person = None if who is None else _known(transaction, who)
        of_these = Scope.of(transaction, [*refs, *([] if person is None else [Ref("person", person)])])
        # What is offered for a group falls with any of its faces.
        return of_these.with_groups(transaction).with_relatives(transaction)

    return answers.give(answer, "rejected", scope, partial(_reject, refs=refs, who=who))


def apart(answers: Answers, answer: GivenAnswer, one: Ref, other: Ref) -> Answered:
    """Say that two people, groups or faces are not one, for ever: nothing ever joins them.

    A face or group that is a person's is so no more, as by `reject`; of two that are in one group one leaves it.

    Raises:
        RequestError: they are the same one, or one is not there.
        ChangedSince, StoreUnavailable: as `Answers.give` says.
    """
    if one == other:
        raise RequestError(f"found {one} twice, needed two that are not one")
    person, first = sorted((one, other), key=lambda ref: ref.kind != "person")

    def says(held: HeldFaces, style: RowStyle) -> None:
        if person.kind == "person" and first.kind != "person":
            _reject(held, style, refs=[first], who=person)
            return
        held.refuse(one, other)
        _leave_group(held, one, other)

    def scope(transaction: Transaction) -> Scope:
        return Scope.of(transaction, [one, other]).with_groups(transaction).with_relatives(transaction)

    return answers.give(answer, "apart", scope, says)


def stranger(answers: Answers, answer: GivenAnswer, refs: Collection[Ref]) -> Answered:
    """Say that faces are nobody who is known, or will be: they are never asked about again.

    Raises:
        RequestError: there is no such face or group.
        ChangedSince, StoreUnavailable: as `Answers.give` says.
    """
    return _take_out(answers, answer, refs, "unknown")


def not_face(answers: Answers, answer: GivenAnswer, refs: Collection[Ref]) -> Answered:
    """Say that what was found is no face.

    Raises: as `stranger`.
    """
    return _take_out(answers, answer, refs, "not_face")


def unknown(answers: Answers, answer: GivenAnswer, refs: Collection[Ref]) -> Answered:
    """Take out what faces were said or linked to be: nobody knows who they are. They are offered, but never linked.

    Raises: as `stranger`.
    """
    return _take_out(answers, answer, refs, "process")


def _take_out(answers: Answers, answer: GivenAnswer, refs: Collection[Ref], status: Nobody) -> Answered:
    require_some(refs)
    return answers.give(answer, _KINDS[status], about(refs), partial(_become_nobody, refs=refs, status=status))


def _become_nobody(held: HeldFaces, style: RowStyle, *, refs: Collection[Ref], status: Nobody) -> None:
    own, of_groups = faces_said(held, refs)
    wanted = (FaceState.UNKNOWN, FaceState.SUGGESTED, FaceState.LINKED)
    for face in (*own, *of_groups):
        state = held.state(face)
        if state is _ANSWERED.get(status):
            continue
        if status == "process" and state is FaceState.UNKNOWN:
            held.leave(Ref("face", face), "it is unknown already")
        elif face in of_groups and status != "process" and state not in wanted:
            held.leave(Ref("face", face), f"it was said to be p{held.now[face].who}")
        elif is_reference(held, face):
            held.leave(Ref("face", face), "it is a reference face of the app's: that mark is taken away there")
        else:
            was_in = held.now[face].group_id
            style.take_out(held, face, status)
            if status == "process" and was_in is not None and held.group_person[was_in] is not None:
                # Else its group would take it back in a moment.
                held.refuse(Ref("face", face), Ref("group", was_in))


def _known(transaction: Transaction, who: str | Ref) -> int:
    person = person_named(transaction, who)
    if person is None:
        raise RequestError(f"found nobody named {who}, needed the name or id of a person")
    return person


def _reject(held: HeldFaces, style: RowStyle, *, refs: Collection[Ref], who: str | Ref | None) -> None:
    given = None if who is None else _known(held.transaction, who)
    for ref in refs:
        faces = [ref.id] if ref.kind == "face" else held.members(ref.id)
        people = {given} if given is not None else _proposed(held, ref, faces)
        if not people:
            raise RequestError(f"found that {ref} is linked to nobody and nobody is offered for it, needed a person")
        for person in sorted(one for one in people if one is not None):
            held.hold_people([person])
            held.refuse(ref, Ref("person", person))
            for face in faces:
                if held.now[face].who == person and not is_reference(held, face):
                    style.take_out(held, face, "process", Said.NO)
                elif ref.kind == "face" and held.now[face].answer is None:
                    held.say(face, Said.NO)
            withdraw_offers(held, ref, person)


def _proposed(held: HeldFaces, ref: Ref, faces: Collection[int]) -> set[int | None]:
    """Who a face or group is linked to, or offered as."""
    found: set[int | None] = set()
    for face in faces:
        found |= {held.now[face].who if held.now[face].who is not None else held.offered(face)}
    if ref.kind == "group" and (offer := held.groups[ref.id].offer):
        found.add(offer.person_id)
    return found - {None}


def _leave_group(held: HeldFaces, one: Ref, other: Ref) -> None:
    """Of two faces in one group the other leaves it, and a face leaves the group that it does not belong to."""
    face, second = (other, one) if other.kind == "face" else (one, other)
    if face.kind != "face":
        return
    group = held.now[face.id].group_id
    if group is not None and group == (second.id if second.kind == "group" else held.now[second.id].group_id):
        held.become(face.id, group_id=None)
        held.about.add(face.id)


def withdraw_offers(held: HeldFaces, ref: Ref, person: int) -> None:
    """A person is not offered any more for a face's group, or a group."""
    if ref.kind == "person":
        return
    group = ref.id if ref.kind == "group" else held.before[ref.id].group_id
    if group is None or group not in held.groups:
        return
    offer = held.groups[group].offer
    if offer is not None and offer.person_id == person:
        held.offers[group] = None


def is_reference(held: HeldFaces, face: int) -> bool:
    """Whether the app marks it as what a person is known by: only the app takes that away."""
    return held.rows[face].is_reference and not held.transaction.schema.ours
