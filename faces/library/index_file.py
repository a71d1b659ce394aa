"""The one file a machine in which a library's measured people and groups lie, so that a process maps them at once.

All of it can be made anew of the store: a file that is missing, damaged or another's costs time and nothing else. All
processes of the machine map the same pages, and what one changes stays its own.

    <folder>/people-<library>.index    the header, one page; then each array from a page's beginning, with room for more
    <folder>/.people-<library>.index.new          what is being written
    <folder>/.people-<library>.saving, .renewal   whose locks the writers take
"""

from __future__ import annotations

import logging
import mmap
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from faces.people.groups.group_index import GroupMiddles
from faces.people.measured_middles import MeasuredMiddles, with_spare_room
from faces.system import atomic_file, checked_file
from faces.system.checked_file import PAGE, UnusableFile

_log = logging.getLogger(__name__)

#: Raised when what stands in the file changes its meaning; names and types are compared without it.
_FORMAT = 1

#: The first bytes.
_MAGIC = b"face-sidecar idx"

_Rows = TypeVar("_Rows", bound=MeasuredMiddles)


@dataclass(frozen=True, slots=True)
class Saved:
    """A library's people and groups, and of when they are."""

    change: int
    """The library's change number that they have followed."""
    number: int
    """The number of the neighbourhood in force."""
    cohort: str
    """`Cohort.version`."""
    groups: GroupMiddles
    people: MeasuredMiddles


@dataclass(frozen=True, slots=True)
class _Header:
    """What the first page says."""

    library: str
    cohort: str
    change: int
    number: int
    groups: int
    people: int
    checksums: dict[str, int]


def load(folder: Path, identity: str, cohort_version: str) -> Saved | None:
    """Map a library's file; None where there is none that can be used, of which one line is logged.

    The arrays may be written: this process's changes stay its own, and are in no file.

    Args:
        folder: FACE_STATE_DIR.
        identity: what tells the library from any other that this machine's processes work on.
        cohort_version: `Cohort.version`; what was measured with another is of no use.
    """
    path = _path(folder, identity)
    try:
        with checked_file.opened(path) as file:
            return _mapped(file, _header(file, identity, cohort_version))
    except FileNotFoundError:
        return None
    except (OSError, UnusableFile) as error:
        _log.warning("%s is left alone and made anew: %s", path, error)
        return None


def saved_number(folder: Path, identity: str, cohort_version: str) -> int | None:
    """The neighbourhood's number in the file that `load` would map, out of its first page alone; None without one."""
    try:
        with checked_file.opened(_path(folder, identity)) as file:
            return _header(file, identity, cohort_version).number
    except (OSError, UnusableFile):
        return None


def save(folder: Path, identity: str, saved: Saved) -> None:
    """Replace the library's file. A disk that is full or read-only leaves the old one, and one line is logged.

    The rows must not change meanwhile: 0.1 to 1 s for 200 000. Readers see the old file or the new one, also when this
    process is killed. Its own rows are shared with the others once they are mapped by `load`.
    """
    path = _path(folder, identity)
    try:
        lock = checked_file.lock(_beside(path, "saving"), wait=True)
        try:
            atomic_file.replace_privately(path, _pieces(saved, identity))
        finally:
            os.close(lock)
    except OSError as error:
        _log.warning("%s cannot be written (%s): each process measures people and groups by itself", path, error)


@contextmanager
def renewal(folder: Path, identity: str) -> Iterator[bool]:
    """Whether this process may measure a library's neighbourhoods anew for all of the machine; False: another does.

    Where no lock can be had each process does it for itself.
    """
    lock, is_ours = None, True
    try:
        lock = checked_file.lock(_beside(_path(folder, identity), "renewal"), wait=False)
    except BlockingIOError:
        is_ours = False
    except OSError:
        pass  # a disk that cannot be written, on which no file will come from another process
    try:
        yield is_ours
    finally:
        if lock is not None:
            os.close(lock)


# --- reading ---


def _header(file: int, identity: str, cohort_version: str) -> _Header:
    told = checked_file.told_in(os.pread(file, PAGE, 0), _MAGIC)
    if told.pop("layout", None) != _layout():
        raise UnusableFile("it was written by another version")
    header = _Header(**told)
    if header.library != checked_file.fingerprint(identity):
        raise UnusableFile("it is of another library")
    if header.cohort != cohort_version:
        raise UnusableFile(f"it was measured with cohort {header.cohort}, needed {cohort_version}")
    return header


def _mapped(file: int, header: _Header) -> Saved:
    places, size = _places(header.groups, header.people)
    if os.fstat(file).st_size != size:
        raise UnusableFile(f"found {os.fstat(file).st_size} bytes, needed {size}")
    mapped = mmap.mmap(file, size, access=mmap.ACCESS_COPY)
    groups = _rows_in(mapped, GroupMiddles, "groups", header.groups, places)
    people = _rows_in(mapped, MeasuredMiddles, "people", header.people, places)
    for name, array in _used_arrays(groups, people).items():
        if checked_file.checksum(file, places[name], array.nbytes) != header.checksums[name]:
            raise UnusableFile(f"its array {name} is damaged")
    return Saved(header.change, header.number, header.cohort, groups, people)


def _rows_in(mapped: mmap.mmap, kind: type[_Rows], part: str, used: int, places: dict[str, int]) -> _Rows:
    arrays = {}
    for name, numbers in kind.columns().items():
        shape = kind.shape(name, with_spare_room(used))
        flat = np.frombuffer(mapped, numbers, int(np.prod(shape)), places[f"{part}.{name}"])
        arrays[name] = flat.reshape(shape)
    return kind(used, **arrays)


# --- writing ---


def _pieces(saved: Saved, identity: str) -> Iterator[bytes | memoryview]:
    arrays = _used_arrays(saved.groups, saved.people)
    header = _Header(
        library=checked_file.fingerprint(identity),
        cohort=saved.cohort,
        change=saved.change,
        number=saved.number,
        groups=saved.groups.used,
        people=saved.people.used,
        checksums={name: zlib.crc32(_bytes_of(array)) for name, array in arrays.items()},
    )
    yield checked_file.page_of(_MAGIC, {"layout": _layout(), **asdict(header)})
    places, size = _places(saved.groups.used, saved.people.used)
    ends = [*list(places.values())[1:], size]
    for (name, array), end in zip(arrays.items(), ends, strict=True):
        yield _bytes_of(array)
        yield bytes(end - places[name] - array.nbytes)


# --- both ---


def _path(folder: Path, identity: str) -> Path:
    return folder / f"people-{checked_file.fingerprint(identity)[:16]}.index"


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f".{path.stem}.{what}")


def _layout() -> list[Any]:
    """What must be the same for the bytes to mean the same; the types name the processor's order of bytes, too."""
    arrays = [[name, numbers.str] for name, numbers in _columns().items()]
    return [_FORMAT, [field.name for field in fields(_Header)], *arrays]


def _columns() -> dict[str, np.dtype[np.generic]]:
    parts: list[tuple[str, type[MeasuredMiddles]]] = [("groups", GroupMiddles), ("people", MeasuredMiddles)]
    return {f"{part}.{name}": numbers for part, kind in parts for name, numbers in kind.columns().items()}


def _places(groups: int, people: int) -> tuple[dict[str, int], int]:
    """Where each array begins, and the file's length."""
    places, end = {}, PAGE
    for column, numbers in _columns().items():
        part, _, name = column.partition(".")
        rows = with_spare_room(groups if part == "groups" else people)
        places[column] = end
        size = int(np.prod(MeasuredMiddles.shape(name, rows))) * numbers.itemsize
        end += -(-size // PAGE) * PAGE
    return places, end


def _used_arrays(groups: GroupMiddles, people: MeasuredMiddles) -> dict[str, npt.NDArray[Any]]:
    parts: list[tuple[str, MeasuredMiddles]] = [("groups", groups), ("people", people)]
    return {f"{part}.{name}": array[: rows.used] for part, rows in parts for name, array in rows.arrays.items()}


def _bytes_of(array: npt.NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
