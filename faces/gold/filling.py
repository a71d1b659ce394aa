"""Marks of a gold set given as answers: names, strangers and what is no face, of the faces that are found there.

What people have said in the database itself is stronger: a mark that contradicts it is left, and told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import MOST_FACES, Answers
from faces.answers.held_faces import HeldFaces
from faces.answers.row_style import Nobody, RowStyle
from faces.answers.scope import Scope
from faces.answers.who_it_is import target_of
from faces.answers.who_it_is_not import is_reference
from faces.errors import RequestError, SchemaError
from faces.gold.box_pairs import pairs
from faces.gold.contents import Content
from faces.gold.gold_file import GoldMark, GoldSet, Says
from faces.people import names
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref
from faces.store.database import Transaction
from faces.store.sidecar import face_index, marked_photos

_STATES = {Says.PERSON: FaceState.CONFIRMED, Says.STRANGER: FaceState.STRANGER, Says.NOT_FACE: FaceState.NOT_FACE}

_WORDS = {FaceState.STRANGER: "a stranger", FaceState.NOT_FACE: "no face"}

_STATUSES: dict[Says, Nobody] = {Says.STRANGER: "unknown", Says.NOT_FACE: "not_face"}


@dataclass(slots=True)
class Marks:
    """What a gold set says of a library's faces."""

    faces: dict[int, GoldMark] = field(default_factory=dict)
    """By face, where the library does not say the same already."""
    same: int = 0
    """Marks that the library's people have said themselves."""
    not_found: list[tuple[str, GoldMark]] = field(default_factory=list)
    """Marks of photos that are here, where no face was found: the photo, and what is marked."""
    elsewhere: int = 0
    """Marks of photos that are not here."""


def marks_of_faces(gold: GoldSet, contents: Iterable[Content]) -> Marks:
    """Which marks are to be given, and of which faces."""
    marks = Marks(elsewhere=sum(len(photo.marks) for photo in gold.values()))
    for content in contents:
        photo = gold[content.sha256]
        marks.elsewhere -= len(photo.marks)
        paired = pairs([mark.box for mark in photo.marks], [face.box for face in content.faces])
        for place, mark in enumerate(photo.marks):
            if place not in paired:
                marks.not_found.append((photo.hint, mark))
                continue
            face = content.faces[paired[place]]
            says_so = face.state is _STATES[mark.says] and (mark.person is None or _same_name(mark.person, face.person))
            if says_so:
                marks.same += 1
            else:
                marks.faces[face.id] = mark
    return marks


def fill(
    answers: Answers,
    answer: GivenAnswer,
    marks: Mapping[int, GoldMark],
    *,
    dry_run: bool = False,
    most: int = MOST_FACES,
) -> Iterator[Answered]:
    """Give marks as answers, an entry of the ledger for so many faces; the same uuid twice is one.

    Left, and told, is what people have said otherwise, a name that several people have, and a person who cannot be made
    here.

    Args:
        answers: what they are given with.
        answer: who says it.
        marks: by face.
        dry_run: nothing is kept.
        most: faces of an entry.

    Raises:
        ChangedSince, StoreUnavailable: as `Answers.give` says.
    """
    ordered = sorted(marks, key=lambda face: (marks[face].says.value, names.key(marks[face].person or ""), face))
    parts = [ordered[start : start + most] for start in range(0, len(ordered), most)]
    for part in parts:
        # Of several entries each has a uuid by its faces: what is left of them when they are given again is another.
        uuid = answer.uuid if len(parts) == 1 else str(uuid5(UUID(answer.uuid), " ".join(map(str, part))))
        filling = _Filling({face: marks[face] for face in part})
        yield answers.give(
            replace(answer, uuid=uuid), marked_photos.IMPORTED, filling.scope, filling.says, dry_run=dry_run
        )


@dataclass(frozen=True, slots=True)
class _Filling:
    marks: Mapping[int, GoldMark]

    def scope(self, transaction: Transaction) -> Scope:
        """The faces that are still there, and whoever has one of the names."""
        people = marked_photos.people_named(transaction, {mark.person for mark in self.marks.values() if mark.person})
        there = set(face_index.who_is(transaction, self.marks))
        return Scope(faces=there, people=people).with_relatives(transaction)

    def says(self, held: HeldFaces, style: RowStyle) -> None:
        """Say of each what its mark says, where nothing is said otherwise."""
        by_name = defaultdict[str, list[int]](list)
        for face, mark in self.marks.items():
            if face not in held.now:
                held.leave(Ref("face", face), "it was removed meanwhile")
            elif mark.person is not None:
                by_name[mark.person].append(face)
            elif (why := _contradiction(held, face, mark)) is not None:
                held.leave(Ref("face", face), why)
            elif held.state(face) is not _STATES[mark.says]:
                style.take_out(held, face, _STATUSES[mark.says])
        for name, faces in by_name.items():
            self._name(held, style, name, faces)

    def _name(self, held: HeldFaces, style: RowStyle, name: str, faces: Sequence[int]) -> None:
        try:
            person = target_of(held, style, name)
        except (RequestError, SchemaError) as error:
            _leave_all(held, faces, str(error))
            return
        wanted = []
        for face in faces:
            if held.is_confirmed_as(face, person):
                continue
            why = _contradiction(held, face, self.marks[face], person)
            if why is None:
                wanted.append(face)
            else:
                held.leave(Ref("face", face), why)
        try:
            if wanted:
                style.confirm(held, person, wanted)
        except (RequestError, SchemaError) as error:
            _leave_all(held, wanted, str(error))
        if not wanted and person in held.new_people:
            held.drop_person(person)


def _contradiction(held: HeldFaces, face: int, mark: GoldMark, person: int | None = None) -> str | None:
    """What people have said of a face that its mark does not say; None where nothing."""
    state, facts = held.state(face), held.now[face]
    if state in _STATES.values() and not (state is _STATES[mark.says] and person is None):
        who = _WORDS.get(state, f"p{facts.who}")
        return f"it was said to be {who}, and is marked as {mark.words}"
    if facts.said is Said.UNKNOWN:
        return f"it was said that its person is unknown, and is marked as {mark.words}"
    if person is not None and held.is_refused(Ref("face", face), Ref("person", person)):
        return f"it was said not to be p{person}, and is marked as {mark.words}"
    if person is None and is_reference(held, face):
        return "it is a reference face of the app's: that mark is taken away there"
    return None


def _leave_all(held: HeldFaces, faces: Sequence[int], why: str) -> None:
    for face in faces:
        held.leave(Ref("face", face), why)


def _same_name(one: str, other: str | None) -> bool:
    return other is not None and names.key(one) == names.key(other)
