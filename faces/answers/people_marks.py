"""Answers about people themselves: `rename`, `hide`, `favourite`, `cover` and `forget`."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers, about
from faces.answers.held_faces import HeldFaces
from faces.answers.row_style import RowStyle
from faces.answers.scope import Scope
from faces.answers.who_it_is import require_some
from faces.answers.who_it_is_not import is_reference
from faces.errors import RequestError
from faces.people.kept_face import FaceState, Said
from faces.people.names import checked_name
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.sidecar import face_index, group_rows, people_rows

_KNOWN = (FaceState.LINKED, FaceState.CONFIRMED)


def rename(answers: Answers, answer: GivenAnswer, person: Ref, name: str, *, new: bool = False) -> Answered:
    """Give a person another name: the rows of all faces that are theirs, however many, get it, linked ones too.

    Args:
        answers: what it is given with.
        answer: who says it.
        person: who is renamed.
        name: what they are called from now on.
        new: also where there is another person of this name: then there are two of it.

    Raises:
        RequestError: there is no such person, another one has the name, or it is no name.
        ChangedSince, SchemaError, StoreUnavailable: as `Answers.give` says.
    """
    says = partial(_rename, person=person.id, name=checked_name(name), new=new)

    def scope(transaction: Transaction) -> Scope:
        found = Scope.of(transaction, [person])
        found.faces |= face_index.of_people(transaction, [person.id], *_KNOWN)
        return found

    return answers.give(answer, "renamed", scope, says)


def hide(answers: Answers, answer: GivenAnswer, people: Collection[Ref], *, off: bool = False) -> Answered:
    """Say that people are not listed with the others, or that they are again.

    Raises:
        RequestError: there is no such person.
        ChangedSince, StoreUnavailable: as `Answers.give` says.
    """
    return _mark(answers, answer, "shown" if off else "hidden", people, hidden=int(not off))


def favourite(answers: Answers, answer: GivenAnswer, people: Collection[Ref], *, off: bool = False) -> Answered:
    """Say that people are favourites, or are none any more.

    Raises: as `hide`.
    """
    return _mark(answers, answer, "not_favourite" if off else "favourite", people, favourite=int(not off))


def cover(answers: Answers, answer: GivenAnswer, person: Ref, face: Ref) -> Answered:
    """Say which of their faces stands for a person.

    Raises:
        RequestError: there is no such person or face, or it is not theirs.
        ChangedSince, StoreUnavailable: as `Answers.give` says.
    """

    def says(held: HeldFaces, _style: RowStyle) -> None:
        if held.now[face.id].who != person.id or held.state(face.id) not in _KNOWN:
            raise RequestError(f"found that {face} is not {person}'s, needed a face of that person")
        held.mark(person.id, cover=face.id)

    return answers.give(answer, "cover", lambda transaction: Scope.of(transaction, [person, face]), says)


def forget(answers: Answers, answer: GivenAnswer, person: Ref) -> Answered:
    """Take a person's name and links away from all their faces, however many: nobody knows who these are.

    The person stays as a row without a name, so that it can be undone. Nothing is erased.

    Raises:
        RequestError: there is no such person, or the app has marked a face of theirs as a reference.
        ChangedSince, SchemaError, StoreUnavailable: as `Answers.give` says.
    """

    def scope(transaction: Transaction) -> Scope:
        found = Scope.of(transaction, [person])
        found.faces |= face_index.of_people(transaction, [person.id], *_KNOWN, FaceState.SUGGESTED)
        found.groups |= set(group_rows.of_people(transaction, [person.id]))
        return found.with_relatives(transaction)

    return answers.give(answer, "forgotten", scope, partial(_forget, person=person.id))


def _rename(held: HeldFaces, style: RowStyle, *, person: int, name: str, new: bool) -> None:
    style.require_naming(held, "rename")
    held.hold_library()
    others = [one for one in people_rows.all_named(held.transaction, name) if one != person]
    if others and not new:
        raise RequestError(
            f"found that p{others[0]} is named {name}, too: `join p{others[0]} p{person}` makes the two one person; "
            "needed --new where they are two of one name"
        )
    held.mark(person, name=name)
    for face, facts in list(held.now.items()):
        state = held.state(face)
        if facts.who != person or state not in _KNOWN:
            continue
        held.become(face, name=name)
        held.about.add(face)
        if others and state is FaceState.CONFIRMED:
            # A name does not say which of the two it is.
            held.say(face, Said.YES, person)


def _forget(held: HeldFaces, style: RowStyle, *, person: int) -> None:
    if not held.transaction.schema.rule.has_masters:
        style.require_naming(held, "forget")
    for face, facts in list(held.now.items()):
        if facts.who == person and held.state(face) in _KNOWN:
            held.about.add(face)
        # What hangs on these faces is let go when they are settled.
        if facts.who == person and held.state(face) is FaceState.CONFIRMED:
            if is_reference(held, face):
                raise RequestError(f"found that f{face} is a reference face of the app's, needed that taken away there")
            style.take_out(held, face, "process")
    for group in held.groups:
        if held.group_person[group] == person:
            held.group_person[group] = None
    held.offer_no_more(person)
    held.mark(person, name=None)


def _mark(answers: Answers, answer: GivenAnswer, kind: str, people: Collection[Ref], **marks: Any) -> Answered:
    require_some(people)

    def says(held: HeldFaces, _style: RowStyle) -> None:
        for person in people:
            held.mark(person.id, **marks)

    return answers.give(answer, kind, about(people), says)
