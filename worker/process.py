"""The job itself: a photo's faces become rows. What the command line calls, and later the queue's consumer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faces.disks import Disks
from faces.errors import FileMissing, ImageMissing, OutsideDisks
from faces.face import ENCODING_LENGTH
from faces.kept_face import KeptFace
from faces.linking import Linking, Parent, choose_parents
from faces.matching import Candidates, Encodings
from faces.reconcile import Plan, reconcile
from faces.store import encodings, faces, images
from faces.store.candidates import CandidateReader
from faces.store.database import Store, Transaction
from faces.store.images import Image
from worker import last_error
from worker.face_answer import Encoded, FoundFace, Refused
from worker.face_client import FaceClient


@dataclass(frozen=True, slots=True)
class Tools:
    """What the job works with. Threads may share it."""

    store: Store
    client: FaceClient
    disks: Disks
    linking: Linking
    candidates: CandidateReader = field(default_factory=CandidateReader)


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of an image; numbers of faces."""

    image_id: int
    found: int
    inserted: int
    removed: int
    linked: int
    seconds: float | None
    warnings: tuple[str, ...]


def process_image(tools: Tools, image_id: int) -> Processed:
    """Find the faces of an image's photo and bring its rows up to date. Doing it twice changes nothing.

    Raises:
        ImageMissing: there is no such row, or it went away meanwhile; nothing is written.
        PhotoError, FileMissing, OutsideDisks, EngineError: this photo gave no faces; `last_error` says why.
        FaceApiUnavailable: the API is away; `last_error` says so.
        StoreUnavailable: the database is away; nothing is half written.
        SchemaError: the database links faces to persons.
    """
    tools.store.schema.require_parents("process")
    with tools.store.reading() as transaction:
        image = images.find(transaction, image_id)
    if image is None:
        raise ImageMissing(f"found no image {image_id} in {tools.store.name}")
    encoded = _encode(tools, image)
    candidates = _candidates(tools, image_id) if encoded.faces else Candidates.of([], [], [])
    return tools.store.write(lambda transaction: _write(transaction, image_id, encoded, candidates, tools.linking))


def _encode(tools: Tools, image: Image) -> Encoded:
    try:
        file, original_path = _file_of(tools, image)
        answer = tools.client.encode(file, image.filename, original_path)
    except (FileMissing, OutsideDisks) as error:
        _note(tools, image, last_error.limited(str(error)))
        raise
    if isinstance(answer, Refused):
        _note(tools, image, answer.last_error)
        raise answer.error
    return answer


def _file_of(tools: Tools, image: Image) -> tuple[Path, str | None]:
    """The file to read, and where it lies for the app; a scanned file has no such place, so nothing is drawn there."""
    if tools.store.schema.ours and image.disk is None:
        file = Path(image.path or "/", image.filename)
        if not file.is_file():
            raise FileMissing(f"there is no file {file}")
        return file, None
    file = tools.disks.path(image.disk, image.path, image.filename)
    root = tools.disks.roots[image.disk or ""]
    return file, str(root.joinpath((image.path or "").strip("/"), image.filename))


def _note(tools: Tools, image: Image, text: str) -> None:
    tools.store.write(lambda transaction: images.note_error(transaction, image.id, text))


def _candidates(tools: Tools, image_id: int) -> Candidates:
    with tools.store.reading() as transaction:
        candidates = tools.candidates.read(transaction)
    return candidates if tools.linking.within_photo else candidates.outside_image(image_id)


def _write(
    transaction: Transaction, image_id: int, encoded: Encoded, candidates: Candidates, linking: Linking
) -> Processed:
    """All writing of an image, in the one order of locks: image row, its faces by id, chosen parents by id."""
    image = images.lock(transaction, image_id)
    if image is None:
        raise ImageMissing(f"the image {image_id} was removed while its photo was being read")
    rows = faces.lock_of_image(transaction, image_id)
    found = _matrix(encoded)
    plan = reconcile(found, rows, redo=image.faces_checked)
    kept = {plan.paired[row.id]: row for row in rows if row.id in plan.paired}
    parents = lock_parents(transaction, found, wanting_a_parent(plan, kept), kept, candidates, linking)
    _write_rows(transaction, image_id, encoded, rows, plan, parents)
    faces.remove(transaction, plan.removed)
    debug_filename = Path(encoded.debug_image_path).name if encoded.debug_image_path else None
    images.finish(transaction, image, debug_filename, encoded.pixels)
    return Processed(
        image_id=image_id,
        found=len(found),
        inserted=len(plan.inserted),
        removed=len(plan.removed),
        linked=len(parents),
        seconds=encoded.seconds,
        warnings=(*encoded.warnings, *plan.warnings),
    )


def _matrix(encoded: Encoded) -> Encodings:
    return np.array([face.encoding for face in encoded.faces]).reshape(-1, ENCODING_LENGTH)


def wanting_a_parent(plan: Plan, kept: Mapping[int, KeptFace]) -> set[int]:
    """Places that may get a parent: the new ones, and those of untouched rows without one."""
    return {*plan.inserted} | {place for place, row in kept.items() if not row.touched and row.parent_id is None}


def lock_parents(
    transaction: Transaction,
    found: Encodings,
    wanted: set[int],
    kept: Mapping[int, KeptFace],
    candidates: Candidates,
    linking: Linking,
) -> dict[int, Parent]:
    """Choose parents and lock them; where one is no candidate any more, choose again without it."""
    while True:
        parents = choose_parents(found, wanted, kept, candidates, linking)
        chosen = {parent.face_id for parent in parents.values() if parent.face_id is not None}
        if not chosen:
            return parents
        still_candidates, still_roots = faces.lock_parents(transaction, chosen)
        of_this_photo = chosen - set(candidates.ids[candidates.allowed].tolist())
        lost = chosen - still_candidates - (of_this_photo & still_roots)
        if not lost:
            return parents
        candidates = candidates.without(lost)
        kept = {place: row for place, row in kept.items() if row.parent_id not in lost}


def _write_rows(
    transaction: Transaction,
    image_id: int,
    encoded: Encoded,
    rows: list[KeptFace],
    plan: Plan,
    parents: Mapping[int, Parent],
) -> None:
    """Write in the order of places, because a face may be linked to an earlier one that has no row before."""
    kept = {plan.paired[row.id]: row for row in rows if row.id in plan.paired}
    ids = {place: row.id for place, row in kept.items()}
    for place, face in enumerate(encoded.faces):
        parent = parents.get(place)
        parent_id = (ids[parent.place] if parent.place is not None else parent.face_id) if parent else None
        link = {} if parent_id is None else {"parent_id": parent_id}
        if row := kept.get(place):
            number = {"face_index": plan.indexes.get(row.id, row.face_index)}
            faces.update(transaction, row, _changes(face, row) | number | link)
        elif place in plan.inserted:
            ids[place] = faces.insert(transaction, image_id, _values(face) | {"face_index": place} | link)
    for row in rows:
        if row.id in plan.indexes and row.id not in plan.paired:
            faces.update(transaction, row, {"face_index": plan.indexes[row.id]})


def _values(face: FoundFace) -> dict[str, object]:
    """The columns of a found face as a new row has them."""
    values: dict[str, object] = {"encoding": encodings.write_encoding(face.encoding)}
    if face.quality:
        values["quality_score"] = face.quality.total
        values["quality_details"] = encodings.write_quality_details(face.quality)
    if face.box:
        values["box"] = encodings.write_box(face.box)
    return values


def _changes(face: FoundFace, row: KeptFace) -> dict[str, object]:
    """What a found face changes in its row: only what the row lacks, and where in the photo it is."""
    lacking = {name for name in ("encoding", "quality_score", "quality_details") if getattr(row, name) is None}
    # Boxes are compared as numbers: MySQL writes JSON in its own way, and nothing changed is no UPDATE.
    moved = {"box"} if encodings.read_box(row.box) != face.box else set()
    return {name: value for name, value in _values(face).items() if name in lacking | moved}
