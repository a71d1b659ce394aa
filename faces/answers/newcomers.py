"""Faces that have come into a group since another was joined to it: whose they are when the two are parted again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.answers.held_faces import HeldFaces
from faces.answers.restoring import end_of
from faces.people.kept_face import FaceState
from faces.store.sidecar import known_encodings, ledger
from faces.store.sidecar.known_encodings import KnownEncoding
from faces.store.sidecar.ledger import Moved

_OPEN = (FaceState.UNKNOWN, FaceState.SUGGESTED, FaceState.LINKED)


@dataclass(frozen=True, slots=True)
class JoinOfGroups:
    """An entry that has joined one group to another, as the ledger has it."""

    entry_id: int
    kept: int
    """The group that has had the faces of both since."""
    newest_face: int
    """The highest id of a face then."""
    gone: frozenset[int]
    """The faces of the one that was joined to it."""


def newcomers_nearer_to_gone(held: HeldFaces, join: JoinOfGroups) -> dict[int, float]:
    """Faces that have come into the kept group since, and are nearer to the middle of the one that was joined to it.

    Only those that nobody has answered of. Middles are the plain means of the faces that the two had then, as far as
    they are there yet; of the kept group only those that are in it yet. A face came since if its row is newer than the
    join, or if its first change of groups that the ledger has since was into the group. One that is older, and whose
    row the app alone has brought into it since, is taken for one of the kept group.

    Returns their distances to that middle, by face.
    """
    end = end_of(held, join.kept)
    there = set(held.members(end)) - join.gone
    moves = ledger.moves_since(held.transaction, join.entry_id, there)
    of_kept = {face for face in there if end == join.kept or _was_in(join.kept, moves.get(face, ()))}
    came = {face for face in of_kept if _came_since(join, face, moves.get(face, ()))}
    open_ones = [face for face in sorted(came) if held.now[face].answer is None and held.state(face) in _OPEN]
    if not open_ones:
        return {}
    known = known_encodings.kept_of(held.transaction, there | join.gone)
    kept_middle, gone_middle = _middle(known, of_kept - came), _middle(known, join.gone)
    if kept_middle is None or gone_middle is None:
        return {}
    found = {}
    for face in open_ones:
        if face in known:
            numbers = known[face].numbers
            to_gone, to_kept = (float(np.linalg.norm(numbers - middle)) for middle in (gone_middle, kept_middle))
            if to_gone < to_kept:
                found[face] = to_gone
    return found


def _was_in(group: int, moves: Collection[Moved]) -> bool:
    return any(group in (one.before, one.after) for one in moves)


def _came_since(join: JoinOfGroups, face: int, moves: Collection[Moved]) -> bool:
    first = next(iter(moves), None)
    return face > join.newest_face or (first is not None and first.before != join.kept)


def _middle(known: dict[int, KnownEncoding], faces: Collection[int]) -> npt.NDArray[np.float64] | None:
    rows = [known[face].numbers for face in sorted(faces) if face in known]
    return np.mean(np.asarray(rows, np.float64), axis=0) if rows else None
