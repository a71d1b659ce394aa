"""Faces found now against faces kept: same, new or gone. Decides only; the job writes.

The rules, in this order:

1. Not-deleted rows with a readable encoding are paired one to one with found faces: equal ones first, then those that
   are each other's nearest below `NEAR`. Then a row without a readable encoding takes the free face whose place is its
   `face_index`.
2. Of several rows for one face a touched one wins, then the smallest id; the untouched others are removed.
3. Other unpaired untouched rows are removed the first time an image is done; in a redo they stay, and a found face
   that is left over and pairs with a soft-deleted row is not inserted again: it was removed on purpose.
4. `face_index` is the place in the reply; every other kept row moves behind the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faces.people.kept_face import KeptFace
from faces.people.matching import Encodings, distances

#: Two encodings this near come from the same pixels; the rest is rounding of another machine or build.
EQUAL = 1e-4

#: Each other's nearest below this is the same face in the same photo, scaled or turned otherwise. Strangers are
#: farther than 0.6, most pictures of one person farther than this.
NEAR = 0.35

#: Rows that one image can have: `face_index` is an unsigned tinyint.
MOST_ROWS = 256


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of an image's rows. Places count the found faces from 0; all else is ids of rows."""

    paired: dict[int, int]
    """Row to the place of its found face."""
    inserted: tuple[int, ...]
    """Places of found faces that become new rows, ascending."""
    removed: tuple[int, ...]
    """Rows to soft-delete, ascending."""
    indexes: dict[int, int]
    """Every kept row to the `face_index` that it must have."""
    warnings: tuple[str, ...]


def reconcile(found: Encodings, rows: Sequence[KeptFace], *, redo: bool) -> Plan:
    """Decide what becomes of the rows of one image.

    Args:
        found: the found faces' encodings, shape (n, 128), in the order of the reply.
        rows: all rows of the image, soft-deleted ones too.
        redo: whether `faces_checked`, read under the lock, was 1.
    """
    live = [row for row in rows if not row.deleted]
    paired, doubles = _pair(found, live, set(range(len(found))))
    unreadable, same_place = _pair_by_place(live, set(range(len(found))) - set(paired.values()))
    paired |= unreadable
    doubles |= same_place
    free = set(range(len(found))) - set(paired.values())
    if redo:
        gone, _ = _pair(found, [row for row in rows if row.deleted], free)
        free -= set(gone.values())
    removed = {
        row.id for row in live if row.id in doubles or not (redo or row.touched or row.id in paired)
    }  # fmt: skip
    kept = [row for row in live if row.id not in removed]
    return _numbered(len(found), kept, paired, sorted(free), tuple(sorted(removed)))


def _pair(found: Encodings, rows: Iterable[KeptFace], free: set[int]) -> tuple[dict[int, int], set[int]]:
    """Pair readable rows with the free found faces by the first two rules: pairs, and the untouched doubles."""
    readable = sorted((row for row in rows if row.encoding is not None), key=_winners_first)
    if not readable or not len(found):
        return {}, set()
    distance_matrix = _distance_matrix([*found, *(row.encoding for row in readable if row.encoding is not None)])
    equals = [_split(group, len(found)) for group in _groups(distance_matrix <= EQUAL)]
    matched = [(places, members) for places, members in equals if places and members]
    matched += _mutual_nearest(
        distance_matrix[: len(found), len(found) :],
        [places for places, _ in equals if places],
        [members for places, members in equals if not places],
        free,
    )
    paired: dict[int, int] = {}
    doubles: set[int] = set()
    for places, members in matched:
        group = [readable[member] for member in members]
        pairs = _assign([place for place in places if place in free], group)
        paired |= pairs
        if pairs:
            doubles |= {row.id for row in group if row.id not in pairs and not row.touched}
    return paired, doubles


def _winners_first(row: KeptFace) -> tuple[bool, int]:
    return (not row.touched, row.id)


def _distance_matrix(encodings: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    matrix = np.stack(encodings)
    return np.stack([distances(row, matrix) for row in matrix])


def _groups(equal: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Connected parts of a symmetric relation, each ascending, in the order of their first members."""
    groups: list[list[int]] = []
    seen: set[int] = set()
    for start in range(len(equal)):
        group: set[int] = set()
        edge = set() if start in seen else {start}
        while edge:
            group |= edge
            edge = {int(other) for one in edge for other in np.flatnonzero(equal[one])} - group
        seen |= group
        groups += [sorted(group)] if group else []
    return groups


def _split(group: list[int], faces: int) -> tuple[list[int], list[int]]:
    """Of found faces and rows counted together: the places, and the rows counted from 0."""
    return [one for one in group if one < faces], [one - faces for one in group if one >= faces]


def _mutual_nearest(
    face_to_row: npt.NDArray[np.float64], faces: list[list[int]], rows: list[list[int]], free: set[int]
) -> list[tuple[list[int], list[int]]]:
    """Groups of faces and of rows that are each other's nearest below `NEAR`.

    A row's nearest is looked for among all faces: an old row of a face that has its row must not take its neighbour.
    """
    if not rows:
        return []
    group_distances = np.array([[face_to_row[np.ix_(places, members)].min() for members in rows] for places in faces])
    eligible = np.array([any(place in free for place in places) and _unpaired(face_to_row, places) for places in faces])
    eligible_distances = np.where(eligible[:, None], group_distances, np.inf)
    pairs = []
    for member in range(len(rows)):
        place = int(eligible_distances[:, member].argmin())
        distance = eligible_distances[place, member]
        nearest_of_all = distance <= group_distances[:, member].min() + EQUAL
        if distance < NEAR and nearest_of_all and int(group_distances[place].argmin()) == member:
            pairs.append((faces[place], rows[member]))
    return pairs


def _unpaired(face_to_row: npt.NDArray[np.float64], places: list[int]) -> bool:
    return not (face_to_row[places] <= EQUAL).any()


def _assign(places: list[int], rows: Sequence[KeptFace]) -> dict[int, int]:
    """Give equal faces to the winning rows of one group, each its own place where that is possible."""
    winners = sorted(rows, key=_winners_first)[: len(places)]
    paired: dict[int, int] = {}
    for row in winners:
        if row.face_index in places and row.face_index not in paired.values():
            paired[row.id] = row.face_index
    left = (place for place in places if place not in set(paired.values()))
    return paired | dict(zip((row.id for row in winners if row.id not in paired), left, strict=False))


def _pair_by_place(rows: Iterable[KeptFace], free: set[int]) -> tuple[dict[int, int], set[int]]:
    """Pair rows without a readable encoding with the free face at their `face_index`: pairs, and untouched doubles."""
    paired: dict[int, int] = {}
    doubles: set[int] = set()
    for row in sorted((row for row in rows if row.encoding is None and row.face_index in free), key=_winners_first):
        if row.face_index not in paired.values():
            paired[row.id] = row.face_index
        elif not row.touched:
            doubles.add(row.id)
    return paired, doubles


def _numbered(
    found: int, kept: Sequence[KeptFace], paired: dict[int, int], free: Sequence[int], removed: tuple[int, ...]
) -> Plan:
    """Give every row its number; what does not fit is a warning.

    Rows that are in no place of the reply are numbered behind its last; only where numbers run out, below its end.
    """
    indexes = {row_id: place for row_id, place in paired.items() if place < MOST_ROWS}
    room = max(MOST_ROWS - len(kept), 0)
    inserted = tuple(place for place in free if place < MOST_ROWS)[:room]
    unused = sorted({*range(MOST_ROWS)} - {*indexes.values(), *inserted})
    others = sorted((row for row in kept if row.id not in indexes), key=lambda row: (row.face_index, row.id))
    behind = [index for index in unused if index >= found][: len(others)]
    below = [index for index in unused if index < found]
    numbers = below[len(below) - min(len(others) - len(behind), len(below)) :] + behind
    indexes |= dict(zip((row.id for row in others), numbers, strict=False))
    warnings = []
    if len(inserted) < len(free):
        warnings.append(
            f"{len(free) - len(inserted)} of {found} found faces have no row: an image can have {MOST_ROWS}"
        )
    if len(kept) > MOST_ROWS:
        warnings.append(f"the image has {len(kept)} faces, but only {MOST_ROWS} numbers")
    return Plan(paired, inserted, removed, indexes, tuple(warnings))
