"""How a library uses its machine's index file: what one process has measured anew, the others map."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from faces.library import index_file
from faces.library.index_file import Saved
from faces.people.groups.growing import SLICE
from faces.store.sidecar.library_row import LibraryState


@dataclass(slots=True)
class SharedRows:
    """The file of one library, for one process. One thread at a time."""

    folder: Path
    """FACE_STATE_DIR."""
    identity: str
    """What tells the library from any other of the machine: where its database is."""
    _renewing: ExitStack | None = field(default=None, init=False)

    def is_worth(self, rows: int) -> bool:
        """Whether so many people and groups are measured slower than they are mapped."""
        return rows > SLICE

    def load(self, state: LibraryState, cohort: str) -> Saved | None:
        """What is of no later time than the tables: a database may have been put back."""
        saved = index_file.load(self.folder, self.identity, cohort)
        return saved if saved and saved.change <= state.change and saved.number <= state.number else None

    def is_renewed(self, state: LibraryState, cohort: str) -> bool:
        """Whether all was measured with the neighbourhood in force, by whichever process."""
        return index_file.saved_number(self.folder, self.identity, cohort) == state.number

    def begin(self) -> bool:
        """Whether it is this process that measures anew, from now until `end`: False while another does."""
        if self._renewing is None:
            stack = ExitStack()
            if not stack.enter_context(index_file.renewal(self.folder, self.identity)):
                stack.close()
                return False
            self._renewing = stack
        return True

    def end(self, saved: Saved | None = None) -> None:
        """All is measured anew: keep it, and let others begin."""
        if saved is not None:
            index_file.save(self.folder, self.identity, saved)
        if self._renewing is not None:
            self._renewing.close()
            self._renewing = None
