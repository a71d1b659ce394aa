"""`split`: some faces of a group or of a person are somebody else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import partial

from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.answers.held_faces import HeldFaces
from faces.answers.row_style import RowStyle
from faces.answers.scope import Scope
from faces.answers.who_it_is_not import is_reference
from faces.errors import RequestError
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.sidecar import known_encodings

_KNOWN = (FaceState.LINKED, FaceState.CONFIRMED)


def split(answers: Answers, answer: GivenAnswer, whole: Ref, faces: Collection[Ref]) -> Answered:
    """Say that faces of a group, or of a person, are somebody else: they leave to a new group without a name.

    The new group is refused for the old one, or for the person, so that no machine puts them together again; and for
    everybody who was refused for the group that a face was in. Two faces of one photo are in two new groups.

    Args:
        answers: what it is given with.
        answer: who says it.
        whole: a group or a person.
        faces: of it; of a group some must stay.

    Raises:
        RequestError: one is not there, a face is not of it, or none would stay in the group.
        ChangedSince, StoreUnavailable: as `Answers.give` says.
    """
    if whole.kind == "face" or not faces:
        raise RequestError(f"found {whole} and {len(faces)} faces, needed a group or person and at least one face")

    def scope(transaction: Transaction) -> Scope:
        return Scope.of(transaction, [whole, *faces]).with_groups(transaction).with_relatives(transaction)

    says = _split_person if whole.kind == "person" else _split_group
    return answers.give(answer, "split", scope, partial(says, whole=whole.id, faces=sorted(ref.id for ref in faces)))


def _split_group(held: HeldFaces, style: RowStyle, *, whole: int, faces: list[int]) -> None:
    members = set(held.members(whole))
    for face in faces:
        if face not in members:
            raise RequestError(f"found that f{face} is not in g{whole}, needed faces of it")
    whose = held.group_person[whole]
    leaving = [face for face in faces if whose is None or _takes_out(held, style, face, whose)]
    if not members - set(leaving):
        raise RequestError(f"found that these are all faces of g{whole}, needed some that stay")
    for group in _move_to_new_groups(held, leaving):
        held.refuse(Ref("group", whole), Ref("group", group))
        if whose is not None:
            held.refuse(Ref("group", group), Ref("person", whose))
    _release(held, [whole])


def _split_person(held: HeldFaces, style: RowStyle, *, whole: int, faces: list[int]) -> None:
    for face in faces:
        if held.now[face].who != whole or held.state(face) not in _KNOWN:
            raise RequestError(f"found that f{face} is not p{whole}'s, needed faces of that person")
    leaving = [face for face in faces if _takes_out(held, style, face, whole)]
    left = {group for face in leaving if (group := held.now[face].group_id) is not None}
    for group in _move_to_new_groups(held, leaving):
        held.refuse(Ref("group", group), Ref("person", whole))
    for face in leaving:
        if held.now[face].group_id is None:
            # Without a readable encoding it is in no group.
            held.refuse(Ref("face", face), Ref("person", whole))
    _release(held, left)


def _takes_out(held: HeldFaces, style: RowStyle, face: int, person: int) -> bool:
    """Take away that a face is this person, where it is; whether it may leave."""
    if is_reference(held, face):
        held.leave(Ref("face", face), "it is a reference face of the app's: that mark is taken away there")
        return False
    if held.now[face].who == person:
        style.take_out(held, face, "process", Said.NO)
    return True


def _move_to_new_groups(held: HeldFaces, faces: list[int]) -> list[int]:
    """Put faces together into a new group, or into as many as the photo has of them that has most; their ids.

    What was refused for the groups that they come from is refused for the new ones.
    """
    on_photo = defaultdict[int, list[int]](list)
    for face in sorted(known_encodings.kept_of(held.transaction, faces)):
        on_photo[held.images[face]].append(face)
    old = {group for face in faces if (group := held.now[face].group_id) is not None}
    refused = {other for group in old for other in held.refusals.of(Ref("group", group))}
    made = []
    for place in range(max(map(len, on_photo.values()), default=0)):
        group = held.add_group()
        for of_photo in on_photo.values():
            if place < len(of_photo):
                held.become(of_photo[place], group_id=group)
                held.about.add(of_photo[place])
        for other in sorted(refused):
            held.refuse(Ref("group", group), other)
        made.append(group)
    return made


def _release(held: HeldFaces, groups: Iterable[int]) -> None:
    """Groups that have no face of the person any more whose they are, are nobody's."""
    for group in groups:
        whose = held.group_person[group]
        if whose is not None and not any(
            held.now[face].who == whose and held.state(face) in _KNOWN for face in held.members(group)
        ):
            held.group_person[group] = None
