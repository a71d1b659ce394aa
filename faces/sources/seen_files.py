"""Whether a photo file was looked at before: by size and time, then by content. Makes its image row where it is new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from faces.errors import FileMissing
from faces.sources.folder import PhotoFile
from faces.store import images, scan_marks
from faces.store.database import Store, Transaction
from faces.store.scan_marks import FileMark

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """The image row of a file, and what is known of the file's content."""

    image_id: int
    mark: FileMark
    checked: bool
    """Whether this content's faces were looked for."""

    @property
    def settled(self) -> bool:
        """Nothing to do: its faces are known, or it was refused for good."""
        return self.checked or self.mark.refused


def split_known(store: Store, files: Iterable[PhotoFile]) -> tuple[list[PhotoFile], list[PhotoFile]]:
    """Files that need not even be read (settled, size and time as they were), and the others, in order."""
    known: list[PhotoFile] = []
    others: list[PhotoFile] = []
    for folder, group in groupby(files, key=lambda file: file.folder):
        with store.reading() as transaction:
            before = scan_marks.of_folder(transaction, folder)
        for file in group:
            mark, checked = before.get(file.name, (None, False))
            same = mark and (mark.size, mark.modified_ns) == (file.size, file.modified_ns)
            (known if mark and same and (checked or mark.refused) else others).append(file)
    return known, others


def take(store: Store, file: PhotoFile) -> Known:
    """Read the file's checksum, and make or refresh its rows; a changed file is to be looked at as if it were new.

    Raises:
        FileMissing: the file cannot be read.
    """
    sha256 = _sha256(file)
    return store.write(lambda transaction: _take(transaction, file, sha256))


def refuse(store: Store, known: Known) -> None:
    """Remember that the photo cannot be used, until its file changes."""
    mark = FileMark(known.mark.size, known.mark.modified_ns, known.mark.sha256, refused=True)
    store.write(lambda transaction: scan_marks.write(transaction, known.image_id, mark))


def _take(transaction: Transaction, file: PhotoFile, sha256: bytes) -> Known:
    image = images.find_file(transaction, file.folder, file.name)
    if image is None:
        known = Known(
            images.insert_file(transaction, file.folder, file.name, file.size),
            FileMark(file.size, file.modified_ns, sha256),
            checked=False,
        )
    else:
        old = scan_marks.find(transaction, image.id)
        same = old is not None and old.sha256 == sha256
        if not same:
            images.forget_check(transaction, image, file.size)
        refused = bool(same and old and old.refused)
        mark = FileMark(file.size, file.modified_ns, sha256, refused)
        known = Known(image.id, mark, checked=same and image.faces_checked)
    scan_marks.write(transaction, known.image_id, known.mark)
    return known


def _sha256(file: PhotoFile) -> bytes:
    digest = hashlib.sha256()
    try:
        with file.path.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise FileMissing(f"cannot read {file.path}: {error.strerror or error}") from error
    return digest.digest()
