"""The app's click that gives one face a name, as an answer: `enrol`. The rows become what that click leaves."""

from __future__ import annotations

from faces.answers.held_faces import HeldFaces, NotUpToDate
from faces.answers.row_style import RowStyle
from faces.answers.scope import Scope
from faces.people import names
from faces.people.kept_face import FaceState, KeptFace, Said
from faces.people.linking import Named
from faces.people.refs import Ref
from faces.store import face_batches, faces
from faces.store.database import Transaction
from faces.store.sidecar import face_index, people_rows


def scope_of_click(transaction: Transaction, image_id: int, row: KeptFace, name: str) -> Scope:
    """The face, those that get the name with it, who has the name already, and what hangs on any of them.

    Raises:
        NotUpToDate: our tables have not got the face yet.
    """
    if not face_index.read(transaction, [row.id]):
        raise NotUpToDate([image_id])
    children = faces.untouched_children(transaction, _parents_of_relatives(transaction, row))
    person = people_rows.find_named(transaction, name)
    # In v1's tables a face may have no image: our tables have none of it.
    scope = Scope(set(face_batches.images_of(transaction, {row.id, *children})))
    scope.people |= set() if person is None else {person}
    return scope.with_relatives(transaction)


def click(held: HeldFaces, style: RowStyle, face: int, written: str) -> Named:
    """Name one face, and its relatives that nobody has answered of.

    A face that was its person's only confirmed one renames that person, where nobody has the name; else it is whoever
    has the name, or somebody new. Faces that hang on it follow, those apart that were confirmed to be another.

    Args:
        held: the face with all of `scope_of_click`.
        style: of the database.
        face: which one.
        written: the name as the row is to have it.
    """
    transaction, row = held.transaction, held.rows[face]
    person = _person(held, style, face, written)
    held.become(
        face, status="ok", name=written, who=person, parent_id=None if transaction.schema.ours else row.parent_id
    )
    named = {one for one in _relatives(held, row) if _follow(held, one, face, person, written)}
    named |= _name_without_image(held, row, written)
    if held.changed() or not held.is_confirmed_as(face, person):
        held.say(face, Said.YES, person)
        held.allow(Ref("face", face), Ref("person", person))
    return Named(held.now[face].parent_id, len(named))


def _person(held: HeldFaces, style: RowStyle, face: int, written: str) -> int:
    """Who a face is by this name: the same rules by which our tables follow a row that was named elsewhere."""
    key, name = names.key(written), names.canonical(written)
    answer = held.before[face].answer
    for known in (answer.person_id if answer else None, _confirmed_as(held, face)):
        if known is not None:
            held.hold_people([known])
            if known in held.people and names.key(held.name_of(known) or "") == key:
                return known
    held.hold_library()
    if (found := people_rows.find_named(held.transaction, name)) is not None:
        held.hold_people([found])
        return found
    was = _confirmed_as(held, face)
    if was is None or held.people[was].app_person_id is not None:
        return held.add_person(name)
    if face_index.has_other_confirmed(held.transaction, was, face):
        return held.add_person(name)
    held.mark(was, name=name)
    style.rename(held, was)
    return was


def _confirmed_as(held: HeldFaces, face: int) -> int | None:
    return held.before[face].who if held.state_before(face) is FaceState.CONFIRMED else None


def _relatives(held: HeldFaces, row: KeptFace) -> list[int]:
    """The faces in hand that hang on this one or, for the app's click, on what it hangs on itself."""
    parents = _parents_of_relatives(held.transaction, row)
    of_these = {face for face, facts in held.before.items() if facts.parent_id in parents and not facts.deleted}
    return sorted(of_these - {row.id})


def _follow(held: HeldFaces, relative: int, face: int, person: int, written: str) -> bool:
    """Give a relative the name; one that was confirmed stays who it is. Returns whether it had another name."""
    before = held.before[relative]
    if held.state_before(relative) is FaceState.CONFIRMED and held.now[relative].who != person:
        return False
    if before.parent_id == face:
        held.become(relative, who=person)
    if before.status != "process":
        return False
    held.become(relative, name=written)
    return before.name != written


def _name_without_image(held: HeldFaces, row: KeptFace, written: str) -> set[int]:
    children = faces.untouched_children(held.transaction, _parents_of_relatives(held.transaction, row))
    without = children - held.rows.keys()
    face_batches.update(held.transaction, {face: {"name": written} for face in without})
    return without


def _parents_of_relatives(transaction: Transaction, row: KeptFace) -> set[int]:
    """As `Masters.name`: itself and, for the app's click, its parent."""
    return {row.id} if transaction.schema.ours or row.parent_id is None else {row.id, row.parent_id}
