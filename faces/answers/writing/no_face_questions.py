"""Which faces of an answer are to be asked about as no faces, by what was said to be none before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from faces.answers.held_faces import HeldFaces, NotUpToDate
from faces.people.groups.not_faces import NotFaces, is_asked
from faces.store.sidecar import not_face_rows
from faces.store.sidecar.known_encodings import KnownEncoding


@dataclass(slots=True)
class NoFaceQuestions:
    """Of one answer in its transaction. What the answer itself says to be no face is compared when groups settle."""

    held: HeldFaces
    _not_faces: NotFaces = field(init=False)
    _compared: set[int] = field(default_factory=set)
    _found: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._not_faces = self.held.library.not_faces

    def compare(self, faces: Collection[int], known: Mapping[int, KnownEncoding]) -> None:
        """Compare those of these that have an encoding and no answer, with what is none after the answer too."""
        self._compared = {face for face in faces if face in known and self._is_asked(face)}
        faces_again = {face for face, facts in self.held.now.items() if facts.deleted or facts.status != "not_face"}
        not_faces = self._not_faces.without(faces_again)
        self._found = not_faces.nearest_of_each({face: known[face].numbers for face in self._compared})

    def of(self, face: int, before: int | None) -> int | None:
        """What a face is like; one that was not compared is like what it was before."""
        if not self._is_asked(face):
            return None
        return self._found.get(face) if face in self._compared else before

    def changes_not_faces(self) -> bool:
        """Whether a face comes to be none, or ceases to; locks the library's row.

        Raises:
            NotUpToDate: it happened to another meanwhile: all is to be done again.
        """
        if self._compared and not_face_rows.change_held(self.held.transaction) != self._not_faces.change:
            raise NotUpToDate(())
        return any(
            (facts.status == "not_face" and not facts.deleted)
            != (self.held.now[face].status == "not_face" and not self.held.now[face].deleted)
            for face, facts in self.held.before.items()
        )

    def _is_asked(self, face: int) -> bool:
        return is_asked(self.held.state(face), self.held.now[face].answer)
