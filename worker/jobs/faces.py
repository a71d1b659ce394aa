"""The face job: a photo's faces become rows. Run by the queue's worker and by the command line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from faces.client.face_client import Drawing, Encoded, FaceClient, FoundFace, NotEncoded
from faces.errors import EngineError, FacesError, FileMissing, ImageMissing, OutsideDisks
from faces.laravel import last_error
from faces.laravel.disks import Disks
from faces.people.kept_face import KeptFace
from faces.people.linking import Identities, Link, Linking
from faces.people.matching import Candidates
from faces.people.reconcile import Plan, reconcile
from faces.photo.face import ENCODING_LENGTH
from faces.store import faces, images
from faces.store.database import Store, Transaction
from faces.store.images import Image
from worker.jobs.context import ALONE, Context, Done, JobClass, reached

if TYPE_CHECKING:
    # Not at run time: a database without our tables needs none of it.
    from faces.library.arrivals import Arrivals
    from faces.library.groups.settling import Settling
    from faces.library.upkeep.outside_changes import OutsideChanges
    from faces.library.upkeep.pending_updates import PendingUpdates

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the job works with. Threads may share it."""

    store: Store
    client: FaceClient
    disks: Disks
    linking: Linking
    identities: Identities[Transaction]
    debug_pictures: bool = True
    """Whether the API draws them: an image without one is not done then."""
    pictures_required: bool = True
    """Whether an answer without the debug picture of an image of the app becomes no rows."""
    debug_subdir: str = "debug"
    """The folder of a debug picture, beside its original."""
    arrivals: Arrivals | None = None
    """Brings people and groups up to date, where the database has our tables."""
    upkeep: OutsideChanges | PendingUpdates | None = None
    """Looks at what the app changed behind our back, and what a killed process left, where there are our tables."""
    settling: Settling | None = None
    """Joins groups and asks about them, where it has them."""


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
    done_already: bool = False
    """Whether nothing was looked for, because it was done before."""
    scale: int | None = None
    """The longest side of the picture that the faces were found in."""
    distances: tuple[float, ...] = ()
    """Of the newly linked faces, to the faces that they were linked to."""


class FaceJob(JobClass):
    """Does the app's face jobs; made once a worker. `do` raises what `process_image` raises."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def do(self, context: Context, image_id: int) -> Done:
        """Find the image's faces and write them."""
        return _told(process_image(self._tools, image_id, context), context)

    def finish_if_done(self, context: Context, image_id: int) -> Done | None:
        """An image that is gone was not done."""
        with self._tools.store.reading() as transaction:
            image = images.find(transaction, image_id)
        if image is None or not _skips(self._tools, image, context):
            return None
        done = _finish_if_done(self._tools, image_id, context)
        return _told(done, context) if done else None

    def between_jobs(self, is_told_to_stop: Callable[[], bool]) -> None:
        """See to what the app changed, or a killed process left; join groups, where enough faces have come."""
        if self._tools.upkeep:
            self._tools.upkeep.look_if_due()
        if self._tools.settling:
            self._tools.settling.settle_some(is_told_to_stop)


def _told(done: Processed, context: Context) -> Done:
    """Tell the log what became of the image."""
    nearest = min(done.distances, default=None)
    context.know(
        faces=None if done.done_already else done.found,
        linked=done.linked or None,
        scale=done.scale,
        distance=None if nearest is None else round(nearest, 3),
        api_seconds=done.seconds,
    )
    for warning in done.warnings:
        _log.warning("image %d: %s", done.image_id, warning)
    return Done(note="was done before" if done.done_already else "")


def process_image(tools: Tools, image_id: int, context: Context = ALONE) -> Processed:
    """Find the faces of an image's photo and bring its rows up to date. Doing it twice changes nothing.

    Args:
        tools: what the job works with.
        image_id: the image's row.
        context: what a job of the queue adds; its `timeout` is waited for the API's answer.

    Raises:
        ImageMissing: there is no such row, or it was deleted meanwhile; nothing is written.
        LockLost: another job has the image's lock by now; nothing is written.
        PhotoError, FileMissing, OutsideDisks, EngineError: this photo gave no faces; `last_error` says why.
        NoDiskForPicture: its debug picture is required and there is none; `last_error` says why.
        FaceApiUnavailable: the API is unavailable; `last_error` says so.
        StoreUnavailable: the database is unavailable; nothing is half written.
    """
    with tools.store.reading() as transaction:
        image = images.find(transaction, image_id)
    if image is None:
        raise ImageMissing(f"found no image {image_id} in {tools.store.name}")
    reached("image read")
    if _skips(tools, image, context) and (done := _finish_if_done(tools, image_id, context)):
        return done
    encoded = _encode(tools, image, context)
    reached("encoded")
    candidates = Candidates.of([], [], [])
    if encoded.faces or tools.arrivals:
        with tools.store.reading() as transaction:
            if encoded.faces:
                candidates = tools.linking.eligible(tools.identities.read(transaction), image_id)
            if tools.arrivals:
                tools.arrivals.library.follow(transaction)
    reached("candidates read")
    followers: set[int] = set()

    def work(transaction: Transaction) -> Processed:
        followers.clear()
        return _write(transaction, tools, image_id, context, encoded, candidates, followers)

    if tools.arrivals is None:
        return tools.store.write(work)
    processed = tools.arrivals.write(work)
    tools.arrivals.update_images(sorted(followers))
    return processed


def _finish_if_done(tools: Tools, image_id: int, context: Context) -> Processed | None:
    """The end of a job whose image seems to be done already; None where it is not, as the locked row says."""

    def work(transaction: Transaction) -> Processed | None:
        image = context.take(transaction, image_id)
        return _done_already(transaction, image_id, context) if _skips(tools, image, context) else None

    return tools.store.write(work)


def _skips(tools: Tools, image: Image, context: Context) -> bool:
    """Whether the image is left as it is: faces are there, and the debug picture, too, where there are any."""
    return context.skip_done and image.faces_checked and bool(image.debug_filename or not tools.debug_pictures)


def _done_already(transaction: Transaction, image_id: int, context: Context) -> Processed:
    context.settle(transaction)
    context.leave(transaction)
    return Processed(image_id, 0, 0, 0, 0, seconds=None, warnings=(), done_already=True)


def _encode(tools: Tools, image: Image, context: Context) -> Encoded:
    try:
        schema = tools.store.schema
        file = tools.disks.file(image.disk, image.path, image.filename, scanned=schema.ours)
        reached("file found")
        drawing = None
        if file.on_disk:
            drawing = Drawing(str(file.named), tools.debug_subdir, schema.wants_webp, tools.pictures_required)
        context.know(request=context.request_id)
        answer = tools.client.encode(file.real, image.filename, drawing, context.timeout, context.request_id)
        context.know(request=answer.request_id)
    except (FileMissing, OutsideDisks) as error:
        _note(tools, image.id, context, error, last_error.limited(str(error)))
        raise
    if isinstance(answer, NotEncoded):
        _note(tools, image.id, context, answer.error, answer.last_error)
        raise answer.error
    return answer


def _note(tools: Tools, image_id: int, context: Context, error: FacesError, text: str) -> None:
    """Write `last_error`, but not beside what another worker has done meanwhile."""
    named = last_error.with_request(text, error.request_id)

    def work(transaction: Transaction) -> bool:
        image = context.take(transaction, image_id)
        if not _skips(tools, image, context):
            images.note_error(transaction, image_id, named)
        return last_error.without_request(image.last_error or "") == last_error.without_request(named)

    try:
        error.repeated = tools.store.write(work)
    except EngineError:
        # A table that holds no such characters: better a text with `?` than another error than the photo's.
        named = named.encode("ascii", "replace").decode()
        error.repeated = tools.store.write(work)
    error.noted = named


def _write(
    transaction: Transaction,
    tools: Tools,
    image_id: int,
    context: Context,
    encoded: Encoded,
    candidates: Candidates,
    followers: set[int],
) -> Processed:
    """All writing of an image, in the one order of locks: image row, its faces by id, what they are linked to by id.

    Notes in `followers` the images that our tables are to be brought up to date with afterwards.
    """
    image = context.take(transaction, image_id)
    reached("image locked")
    if _skips(tools, image, context):
        return _done_already(transaction, image_id, context)
    rows = faces.lock_of_image(transaction, image_id)
    found = np.array([face.encoding for face in encoded.faces]).reshape(-1, ENCODING_LENGTH)
    plan = reconcile(found, rows, redo=image.faces_checked)
    kept = {plan.paired[row.id]: row for row in rows if row.id in plan.paired}
    wanted = {*plan.inserted} | {place for place, row in kept.items() if tools.identities.may_be_linked(row)}
    staying = kept | dict(enumerate(_not_found(rows, plan), len(found)))
    links = tools.identities.lock(transaction, found, wanted, staying, candidates, tools.linking)
    ids = _write_rows(transaction, tools.identities, image_id, encoded, rows, plan, links)
    faces.remove(transaction, plan.removed)
    if tools.arrivals:
        linked = {ids[place]: link for place, link in links.items()}
        followers |= tools.arrivals.bring_up_to_date(transaction, image_id, linked)
    images.finish(transaction, image, encoded.debug_filename, encoded.pixels)
    context.settle(transaction)
    reached("rows written")
    context.leave(transaction)
    return Processed(
        image_id=image_id,
        found=len(found),
        inserted=len(plan.inserted),
        removed=len(plan.removed),
        linked=len(links),
        seconds=encoded.seconds,
        warnings=(*encoded.warnings, *plan.warnings),
        scale=encoded.scale,
        distances=tuple(links[place].distance for place in sorted(links)),
    )


def _not_found(rows: list[KeptFace], plan: Plan) -> list[KeptFace]:
    """Rows that stay in the photo though no face was found there."""
    gone = {*plan.paired, *plan.removed}
    return [row for row in rows if not row.deleted and row.id not in gone]


def _write_rows(
    transaction: Transaction,
    identities: Identities[Transaction],
    image_id: int,
    encoded: Encoded,
    rows: list[KeptFace],
    plan: Plan,
    links: Mapping[int, Link],
) -> dict[int, int]:
    """Write in the order of places, because a face may be linked to an earlier one; the rows' ids, by place."""
    kept = {plan.paired[row.id]: row for row in rows if row.id in plan.paired}
    ids = {place: row.id for place, row in kept.items()}
    for place, face in enumerate(encoded.faces):
        link = identities.columns(links.get(place), ids)
        if row := kept.get(place):
            number = {"face_index": plan.indexes.get(row.id, row.face_index)}
            faces.update(transaction, row, _changes(face, row) | number | link)
        elif place in plan.inserted:
            ids[place] = faces.insert(transaction, image_id, _values(face) | {"face_index": place} | link)
    for row in rows:
        if row.id in plan.indexes and row.id not in plan.paired:
            faces.update(transaction, row, {"face_index": plan.indexes[row.id]})
    return ids


def _values(face: FoundFace) -> dict[str, object]:
    """The columns of a found face as a new row has them."""
    values: dict[str, object] = {"encoding": faces.write_encoding(face.encoding)}
    if face.quality:
        values["quality_score"] = face.quality.total
        values["quality_details"] = faces.write_quality_details(face.quality)
    if face.box:
        values["box"] = faces.write_box(face.box)
    return values


def _changes(face: FoundFace, row: KeptFace) -> dict[str, object]:
    """What a found face changes in its row: only what the row lacks, and where in the photo it is."""
    lacking = {name for name in ("encoding", "quality_score", "quality_details") if getattr(row, name) is None}
    # Boxes are compared as numbers: MySQL writes JSON in its own way, and nothing changed is no UPDATE.
    moved = {"box"} if faces.read_box(row.box) != face.box else set()
    return {name: value for name, value in _values(face).items() if name in lacking | moved}
