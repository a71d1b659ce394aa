"""Gives a face a name as a click in the app does: what `enrol` does with each that it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from faces.errors import RequestError
from faces.people.kept_face import MACHINE_STATUSES, KeptFace
from faces.people.linking import Identities, Named
from faces.people.names import canonical, key
from faces.people.portrait_quality import doubt_of
from faces.store import faces, images
from faces.store.database import Store, Transaction
from worker.commands.answering import speaker

if TYPE_CHECKING:
    # Not at run time: a database without our tables needs none of it.
    from faces.answers.held_faces import HeldFaces
    from faces.answers.row_style import RowStyle
    from faces.answers.scope import Scope
    from faces.library.arrivals import Arrivals


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A face that has a name now; `relatives` other faces that no person had touched got it with it."""

    name: str
    face_id: int
    image_id: int
    face_index: int
    parent_id: int | None
    """Not None: a click left it linked, so it is not compared with new faces."""
    relatives: int
    photo: str
    """As it was given; of a face that was named by its id, the image's place."""
    quality: float | None
    doubt: str | None
    """The sentence about a face that is too poor to compare others with."""
    renamed_from: str | None
    """Another name that a person had given it."""
    entry: int | None = None
    """Of the ledger; None where there is none, or all was as it was said already."""


@dataclass(frozen=True, slots=True)
class FaceInPhoto:
    """A locked face, and the photo that it is in, as a person knows it."""

    image_id: int
    photo: str
    row: KeptFace


RowsOf = Callable[[Transaction, int], list[KeptFace]]
"""Reads the rows of an image; locks them where nothing else does."""

Find = Callable[[Transaction, RowsOf], FaceInPhoto]
"""Finds the face that is meant."""


def name_face(
    store: Store,
    arrivals: Arrivals | None,
    identities: Identities[Transaction],
    name: str,
    find: Find,
    *,
    rename: bool,
) -> Enrolled:
    """Name a face as a click does: an answer with its entry where the database has our tables, else in its rows alone.

    Args:
        store: the database.
        arrivals: None where it has no tables of ours.
        identities: of the database.
        name: as it is kept.
        find: finds the face, again under the locks.
        rename: whether a face that a person gave another name gets this one.

    Raises:
        RequestError: what `find` says, or a person gave it another name; nothing was written.
    """
    if arrivals is None:
        return store.write(lambda transaction: _click(transaction, identities, name, find, rename=rename))
    # Here, and not above: a database without our tables needs none of it.
    from faces.answers.answer import GivenAnswer
    from faces.answers.click import click, scope_of_click
    from faces.answers.giving import Answers

    enrolled: list[Enrolled] = []

    def scope(transaction: Transaction) -> Scope:
        face = find(transaction, faces.of_image)
        return scope_of_click(transaction, face.image_id, face.row, name)

    def says(held: HeldFaces, style: RowStyle) -> None:
        face = find(held.transaction, faces.of_image)
        naming = partial(click, held, style, face.row.id)
        enrolled[:] = [_name(held.transaction, identities, name, face, naming, rename=rename)]

    done = Answers(arrivals).give(GivenAnswer(speaker()), "enrolled", scope, says)
    return replace(enrolled[-1], entry=done.entry)


def _click(
    transaction: Transaction, identities: Identities[Transaction], name: str, find: Find, *, rename: bool
) -> Enrolled:
    def locked(transaction: Transaction, image_id: int) -> list[KeptFace]:
        images.lock(transaction, image_id)
        return faces.lock_of_image(transaction, image_id)

    face = find(transaction, locked)
    naming = partial(identities.name, transaction, face.row)
    return _name(transaction, identities, name, face, naming, rename=rename)


def _name(
    transaction: Transaction,
    identities: Identities[Transaction],
    name: str,
    face: FaceInPhoto,
    naming: Callable[[str], Named],
    *,
    rename: bool,
) -> Enrolled:
    row = face.row
    said = row.name if row.name and row.status not in MACHINE_STATUSES else None
    other = said if said and key(said) != key(name) else None
    if other and not rename:
        raise RequestError(
            f"{face.photo}: found that a person named face {row.face_index} in it {canonical(other)}, needed --rename "
            f"to make it {name}; {identities.followers(transaction, row)} faces linked to it will follow"
        )
    # The app's rows are not rewritten where only the way of writing is another.
    written = said if said and canonical(said) == name and not transaction.schema.ours else name
    named = naming(written)
    return Enrolled(
        name=name,
        face_id=row.id,
        image_id=face.image_id,
        face_index=row.face_index,
        parent_id=named.parent_id,
        relatives=named.relatives,
        photo=face.photo,
        quality=row.quality_score,
        doubt=doubt_of(row.quality_score, faces.read_size_points(row.quality_details)),
        renamed_from=canonical(other) if other else None,
    )
