"""The folder of a demo's results: it belongs to one folder of photos, and those of another are set aside."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faces.errors import RequestError
from faces.system import marked_folder

#: Says whose results these are, and is locked while a demo works on them. The first file of the folder.
_LABEL = "photos-of.txt"


@contextmanager
def claimed(results: Path, photos: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Make `results` the folder of what is found in `photos` (absolute), and keep other demos out of it meanwhile.

    What was found in other photos is kept beside it, in a folder that has their name too, and comes back when those
    photos are shown again; `say` is called with a sentence about either.

    Raises:
        RequestError: `results` is a folder of other files, cannot be written, or another demo works in it.
    """
    try:
        _set_aside(results, photos, say)
        results.mkdir(exist_ok=True)
        with _locked(results) as label:
            label.write_bytes(os.fsencode(photos))
            marked_folder.mark(results)
            yield
    except OSError as error:
        if error.filename is None or Path(os.fsdecode(error.filename)).name not in (results.name, _LABEL):
            raise
        raise RequestError(f"the results cannot be written to {results.absolute()}: {error.strerror}") from error


@contextmanager
def _locked(results: Path) -> Iterator[Path]:
    label = results / _LABEL
    with label.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(
                f"another demo is writing to {results.absolute()}: wait for it, or start this one in another folder"
            ) from None
        yield label


def _set_aside(results: Path, photos: Path, say: Callable[[str], None]) -> None:
    owner = _owner(results)
    if owner == photos:
        return
    if owner is not None:
        aside = _aside(results, owner)
        with _locked(results):
            results.rename(aside)
        say(f"the results of {owner} are now in {aside}; they come back when its photos are shown again")
    kept = _aside(results, photos)
    if _owner(kept) == photos:
        kept.rename(results)


def _owner(results: Path) -> Path | None:
    """Whose results these are; None where there are none."""
    try:
        return Path(os.fsdecode((results / _LABEL).read_bytes()))
    except FileNotFoundError:
        pass
    except NotADirectoryError:
        raise RequestError(f"{results.absolute()} is a file, and a folder for results is needed there") from None
    if results.exists() and any(results.iterdir()):
        raise RequestError(
            f"{results.absolute()} is not a folder of results: move it away, or start the demo in another folder"
        )
    return None


def _aside(results: Path, photos: Path) -> Path:
    """Where the results of `photos` lie while others are shown; the digits tell folders of one name apart."""
    digits = hashlib.sha256(os.fsencode(photos)).hexdigest()[:6]
    return results.with_name("-".join(filter(None, (results.name, photos.name[:40], digits))))
