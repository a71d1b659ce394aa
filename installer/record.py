"""What was put on this machine, written down before it is put: what --uninstall removes, and what an upgrade keeps."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from installer.options import Choices
from installer.sentence import Refusal, say

Kind = Literal["file", "link", "folder", "tree", "group", "member"]


@dataclass(frozen=True, slots=True)
class Footprint:
    """One thing that was put: a path, or for `group` and `member` a name. `data` stays until --purge."""

    kind: Kind
    name: str
    data: bool = False


@dataclass(slots=True)
class Record:
    """The footprints in the order in which they were put, and what was asked for."""

    path: Path
    footprints: list[Footprint] = field(default_factory=list)
    choices: Choices = field(default_factory=Choices)

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record of this machine; empty where nothing was installed.

        Raises:
            Refusal: it cannot be understood.
        """
        try:
            values = json.loads(path.read_bytes())
            return cls(path, [Footprint(**value) for value in values["put"]], Choices.from_json(values["choices"]))
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refusal(
                say(
                    "{path}: found something that cannot be read ({error}), needed the installer's record",
                    path=path,
                    error=error,
                )
            ) from error

    def knows(self, path: Path) -> bool:
        """Whether we put this path here."""
        return any(footprint.name == str(path) for footprint in self.footprints)

    def add(self, footprint: Footprint) -> None:
        """Write it down, if it is new."""
        if footprint not in self.footprints:
            self.footprints.append(footprint)
            self._write()

    def drop(self, footprint: Footprint) -> None:
        """Take out a footprint that was removed; the record is removed with the last one."""
        self.footprints.remove(footprint)
        if self.footprints:
            self._write()
        else:
            self.path.unlink(missing_ok=True)

    def choose(self, choices: Choices) -> None:
        """Keep what was asked for, from the first footprint on: an interrupted run is continued as it was begun."""
        if choices != self.choices:
            self.choices = choices
            if self.footprints:
                self._write()

    def _write(self) -> None:
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        values: dict[str, Any] = {
            "choices": self.choices.to_json(),
            "put": [{"kind": put.kind, "name": put.name, "data": put.data} for put in self.footprints],
        }
        write_whole(self.path, json.dumps(values, indent=1).encode() + b"\n", 0o644)


def write_whole(path: Path, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Write beside it, then take its place: half a file is never seen, also after a power cut."""
    unfinished = beside(path)
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # A full disk does not say which file it was.
        raise OSError(error.errno, error.strerror, str(path)) from error
    unfinished.rename(path)


def beside(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    return path.with_name(f".{path.name}.new")
