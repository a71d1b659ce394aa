"""A folder of known people, one file or sub-folder a person, as the `face_recognition` command line has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faces.errors import FileMissing, RequestError
from faces.people.names import canonical
from faces.sources import seen_files
from faces.sources.folder import PhotoFile, find_photos, is_folder
from faces.sources.passed_over import NO_RULES, SUFFIXES
from faces.store.database import Store
from faces.store.listing import named_files


@dataclass(frozen=True, slots=True)
class KnownPortrait:
    """A file that shows a person; its folder and name are without links."""

    name: str
    file: PhotoFile


def find_portraits(directory: Path, say: Callable[[str], None]) -> list[KnownPortrait]:
    """All portraits in the order of names: `Ann.jpg`, and everything in the folder `Ann`, show Ann.

    Trash and the like is no person. `say` is called with a sentence for each file or folder that cannot be read.

    Raises:
        RequestError: there is no such folder, it cannot be read, or has no portrait.
    """
    try:
        entries = sorted(entry for entry in directory.iterdir() if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RequestError(
            f"found no folder {directory}, needed one with a portrait or a folder of portraits a person"
        ) from error
    except OSError as error:
        raise RequestError(f"the folder of known people {directory} cannot be read: {error.strerror}") from error
    portraits = [portrait for entry in entries for portrait in _portraits_at(entry, say)]
    if not portraits:
        raise RequestError(f"found no portrait in {directory}, needed one file or folder a person, such as Ann.jpg")
    return portraits


def photos_at(path: Path, say: Callable[[str], None]) -> Iterator[Path]:
    """The photos in a folder and all folders below, or the file that `path` is, there or not.

    `say` is called with a sentence for each file or folder that cannot be read.
    """
    if not is_folder(path):
        yield path
        return
    for found in find_photos(path):
        if isinstance(found, PhotoFile):
            yield found.path
        else:
            say(f"{found.path}: {found.reason}")


def photo_file(photo: Path) -> PhotoFile:
    """The file that `photo` leads to, past all links.

    Raises:
        FileMissing: there is none, or it cannot be looked at.
    """
    try:
        real = photo.resolve(strict=True)
        status = real.stat()
    except (OSError, RuntimeError) as error:
        raise FileMissing(f"cannot read {photo}: {getattr(error, 'strerror', None) or error}") from error
    if not real.is_file():
        raise FileMissing(f"{photo} is not a file")
    return PhotoFile(str(real.parent), real.name, status.st_size, status.st_mtime_ns)


def not_yet_enrolled(store: Store, portraits: Iterable[KnownPortrait]) -> list[KnownPortrait]:
    """Portraits that are new, changed, or show a face that has not got the name yet."""
    portraits = sorted(portraits, key=lambda portrait: portrait.file.folder)
    unchanged = seen_files.unchanged_files(store, [portrait.file for portrait in portraits])
    with store.reading() as transaction:
        named = named_files(transaction)
    return [
        portrait
        for portrait in portraits
        if portrait.file not in unchanged or (portrait.file.folder, portrait.file.name, portrait.name) not in named
    ]


def _portraits_at(entry: Path, say: Callable[[str], None]) -> Iterator[KnownPortrait]:
    try:
        of_several = entry.is_dir()
    except OSError as error:
        say(f"{entry}: {error.strerror}")
        return
    if of_several:
        if not NO_RULES.of_folder(str(entry), entry.name):
            for photo in photos_at(entry, say):
                yield from _portrait(entry.name, photo, say)
    elif entry.suffix.lower() in SUFFIXES:
        yield from _portrait(entry.stem, entry, say)


def _portrait(name: str, path: Path, say: Callable[[str], None]) -> Iterator[KnownPortrait]:
    try:
        file = photo_file(path)
        str(file.path).encode()
    except FileMissing as error:
        say(str(error))
    except UnicodeEncodeError:
        say(f"{path}: its name is not UTF-8, and the database can only keep names that are: rename it")
    else:
        if written := canonical(name):
            yield KnownPortrait(written, file)
        else:
            say(f"{path}: found no letter in its name, needed a person's")
