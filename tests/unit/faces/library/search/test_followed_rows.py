"""Rows in several blocks, and what has changed since they were saved: as if all had been saved as it is now."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces.library.search.encoding_blocks import BLOCK, ROWS
from faces.library.search.encodings_file import EncodingsFile, SavedEncodings, in_memory
from faces.library.search.face_search import NearFace
from faces.library.search.followed_rows import FollowedRows
from faces.library.search.nearest_rows import nearest_of, nearest_rows
from faces.people.products import as_matrix
from faces.store.sidecar.encoding_changes import ChangePlace, EncodingChanges, EncodingCount, EncodingRows

#: Two blocks and a part of a third.
COUNT = 2 * ROWS + 700

DICE = np.random.default_rng(3)

#: By row; ids are three times as many, so that there are some between.
FACES = as_matrix(np.round(DICE.normal(0.05, 0.06, (COUNT, 128)), 2))
ASKED = as_matrix(FACES[:: COUNT // 9] + DICE.normal(0, 0.02, (10, 128)))


def rows_of(faces: dict[int, np.ndarray]) -> EncodingRows:
    ids = np.array(sorted(faces), np.int64)
    encodings = np.array([faces[face] for face in ids.tolist()], np.float32).reshape(-1, 128)
    return EncodingRows(ids, (ids % 1000).astype(np.uint32), encodings)


def in_blocks(faces: dict[int, np.ndarray]) -> list[EncodingRows]:
    rows = rows_of(faces)
    parts = [slice(start, start + ROWS) for start in range(0, len(rows.ids), ROWS)]
    return [EncodingRows(rows.ids[part], rows.crcs[part], rows.encodings[part]) for part in parts]


def everything() -> dict[int, np.ndarray]:
    return dict(enumerate(FACES, 1)) | {}


def changed(rows: FollowedRows, faces: dict[int, np.ndarray], kept: dict[int, np.ndarray], gone: list[int]) -> None:
    """Change both alike."""
    until = ChangePlace(rows.until.change + 1)
    rows.take(EncodingChanges(rows_of(kept), gone, until, is_all=True, library=until.change - 1, count=None))
    faces |= kept
    for face in gone:
        faces.pop(face, None)


def plain(faces: dict[int, np.ndarray], asked: np.ndarray, count: int) -> list[list[NearFace]]:
    """All distances, sorted."""
    ids = np.array(sorted(faces), np.int64)
    known = np.array([faces[face] for face in ids.tolist()], np.float64).reshape(-1, 128)
    found = []
    for one in asked.astype(np.float64):
        distances = np.sqrt(np.square(known - one).sum(axis=1))
        order = np.lexsort((ids, distances))[:count]
        found.append([NearFace(*pair) for pair in zip(ids[order].tolist(), distances[order].tolist(), strict=True)])
    return found


def search(rows: FollowedRows, count: int, without: list[int] | None = None) -> list[list[NearFace]]:
    return nearest_rows(rows.parts, rows.hidden(without or []), ASKED, count, np.inf, rows.longest)


@pytest.fixture(params=["memory", "file"])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> SavedEncodings:
    if request.param == "memory":
        return in_memory(4, in_blocks(everything()))
    file = EncodingsFile(tmp_path, "a library")
    with file.writing():
        file.write(4, in_blocks(everything()))
    assert file.path.stat().st_size == 3 * BLOCK.itemsize + 4096
    found = file.load()
    assert found is not None
    assert found.token == file.token()
    return found


@pytest.mark.parametrize("count", [1, 10, ROWS + 5])
def test_the_nearest_of_all_blocks_are_found(saved: SavedEncodings, count: int) -> None:
    assert search(FollowedRows(saved), count) == plain(everything(), ASKED, count)


def test_changes_in_each_block_are_found_as_if_saved(saved: SavedEncodings) -> None:
    rows, faces = FollowedRows(saved), everything()
    nearest = [one.face_id for near in search(rows, 3) for one in near]
    changed(rows, faces, {face: FACES[-face] for face in nearest[::2]}, nearest[1::2])
    changed(rows, faces, {COUNT + 50 + face: ASKED[face] for face in range(10)}, [1, ROWS, ROWS + 1, 2 * ROWS, COUNT])
    changed(rows, faces, {nearest[1]: ASKED[0], ROWS: ASKED[1]}, [nearest[0], COUNT + 53, 999_999])
    assert search(rows, 12) == plain(faces, ASKED, 12)
    assert len(rows) == len(faces)
    assert rows.count() == EncodingCount(len(faces), sum(faces), sum(face % 1000 for face in faces))
    again = FollowedRows(in_memory(rows.change, rows.in_order()))
    assert search(again, 12) == search(rows, 12)
    assert again.count() == rows.count()
    assert again.changed == 0


def test_some_faces_alone_and_all_but_some(saved: SavedEncodings) -> None:
    rows, faces = FollowedRows(saved), everything()
    changed(rows, faces, {5: ASKED[0], COUNT + 1: ASKED[1]}, [7])
    some = [1, 5, 7, ROWS, ROWS + 1, COUNT, COUNT + 1, COUNT + 2]
    kept = {face: faces[face] for face in some if face in faces}
    assert nearest_of(rows.parts, rows.places_of(some), ASKED, 4, np.inf) == plain(kept, ASKED, 4)
    nearest = [one.face_id for near in search(rows, 4) for one in near]
    others = {face: one for face, one in faces.items() if face not in nearest}
    assert search(rows, 4, nearest) == plain(others, ASKED, 4)
    assert search(rows, 4) == plain(faces, ASKED, 4)


def test_a_saved_block_cannot_be_written(saved: SavedEncodings) -> None:
    rows, faces = FollowedRows(saved), everything()
    changed(rows, faces, dict.fromkeys(range(1, 50), ASKED[0]), list(range(60, 90)))
    assert search(FollowedRows(saved), 3) == plain(everything(), ASKED, 3)


def test_without_rows_nothing_is_near() -> None:
    rows = FollowedRows(in_memory(0, []))
    assert search(rows, 3) == [[]] * len(ASKED)
    assert rows.count() == EncodingCount(0, 0, 0)
    assert list(rows.in_order()) == []
    changed(rows, {}, {3: ASKED[0]}, [4])
    assert search(rows, 3)[0] == [NearFace(3, 0.0)]
