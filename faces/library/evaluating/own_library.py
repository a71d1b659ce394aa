"""Measures how good recognition is on a library's own confirmed faces, some thousand at a time, and keeps the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from faces.library.groups.relearning import relearn
from faces.library.library import Library
from faces.people.calibration import Learned
from faces.people.evaluation.alike_in_photo import MOST_PHOTOS, AlikeInPhotos, alike_in_photos
from faces.people.evaluation.evaluation import Evaluation
from faces.people.evaluation.figures import figures_of
from faces.people.evaluation.holding_together import PersonHolds, Suspicion, holds_of, suspicions_of
from faces.people.evaluation.left_out import LeftOut, leave_out
from faces.people.evaluation.shots import EvaluatedFaces
from faces.store.database import Store, Transaction
from faces.store.sidecar import evaluated_faces, evaluations
from faces.store.sidecar.evaluations import KeptEvaluation

#: Faces that are asked about at a time: 2 MB of encodings. A person's are never parted.
BATCH = 4096

#: People of one look into the tables at most.
_PEOPLE = 500


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured and kept now, and the run before it."""

    evaluation: Evaluation
    kept: KeptEvaluation
    previous: KeptEvaluation | None


@dataclass(slots=True)
class _Findings:
    """What came of the faces so far."""

    left_out: list[LeftOut] = field(default_factory=lambda: [LeftOut.nothing()])
    suspicions: list[Suspicion] = field(default_factory=list)
    holds: list[PersonHolds] = field(default_factory=list)


def evaluate(
    store: Store,
    library: Library,
    actor: str,
    version: str,
    step: Callable[[int], None] = lambda _: None,
    batch: int = BATCH,
) -> Run:
    """Measure with the people of now, and keep what was found.

    Args:
        store: the opened database; it has tables of ours.
        library: follows first, and learns anew what is due.
        actor: who asks.
        version: of this program.
        step: gets the number of faces that were asked about, again and again.
        batch: faces that are asked about at a time.

    Raises:
        StoreUnavailable: the database cannot be used; nothing is kept then.
    """
    relearn(store, library)
    with store.reading() as transaction:
        library.follow(transaction)
        with library.mutex:
            people, learned = len(library.people), library.learned
        found = _ask_all(transaction, library, learned, step, batch)
        photos = _photos(transaction, library)
    evaluation = Evaluation.of(people, learned, LeftOut.together(found.left_out), found.suspicions, found.holds, photos)

    def keep(transaction: Transaction) -> Run:
        before = evaluations.newest(transaction)
        kept = evaluations.keep(transaction, actor, version, library.cohort.version, figures_of(evaluation))
        return Run(evaluation, kept, before)

    return store.write(keep)


def faces_to_ask(library: Library) -> int:
    """How many confirmed faces there are."""
    with library.mutex:
        return int(library.people.confirmed.sum())


def _ask_all(
    transaction: Transaction, library: Library, learned: Learned, step: Callable[[int], None], batch: int
) -> _Findings:
    found = _Findings()
    for person_ids in _some_people(library, batch):
        some = evaluated_faces.faces_of_people(transaction, person_ids)
        with library.mutex:
            _ask(some.of(library.people.places_of(some.persons) >= 0), library, learned, found)
        step(len(some))
    return found


def _ask(some: EvaluatedFaces, library: Library, learned: Learned, found: _Findings) -> None:
    left_out = leave_out(some, library.people, learned)
    doubts = suspicions_of(some, library.people, learned.shift)
    found.left_out.append(left_out)
    found.suspicions += doubts
    holds = holds_of(some, left_out, doubts, library.people, learned.shift)
    found.holds += [one for one in holds if one.is_probably_two or one.falls_apart]


def _some_people(library: Library, batch: int) -> Iterator[list[int]]:
    """All of them, so many at a time that their faces are a batch."""
    with library.mutex:
        ids, counts = library.people.ids.tolist(), library.people.confirmed.tolist()
    some: list[int] = []
    faces = 0
    for person, count in zip(ids, counts, strict=True):
        if some and (faces + count > batch or len(some) == _PEOPLE):
            yield some
            some, faces = [], 0
        some.append(person)
        faces += count
    if some:
        yield some


def _photos(transaction: Transaction, library: Library) -> AlikeInPhotos:
    found = AlikeInPhotos()
    images = evaluated_faces.photos_with_several(transaction, MOST_PHOTOS)
    for encodings, of_images in evaluated_faces.faces_of_photos(transaction, images):
        with library.mutex:
            found += alike_in_photos(np.ascontiguousarray(encodings), of_images, library.neighbourhood)
    return found
