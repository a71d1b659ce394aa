"""What was put on this machine, written down before it is put: what --uninstall removes, and what an upgrade keeps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from faces.system import atomic_file
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
        atomic_file.replace_as(self.path, json.dumps(values, indent=1).encode() + b"\n", 0o644)
