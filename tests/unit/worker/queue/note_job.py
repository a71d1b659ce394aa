"""The smallest job class: it writes a note into its image's row."""

from __future__ import annotations

from faces.errors import EngineError
from faces.store import images
from faces.store.database import Store, Transaction
from worker.jobs.context import Context, Done, JobClass


class NoteJob(JobClass):
    """Breaks so often before it does its first job."""

    def __init__(self, store: Store, breaks: int = 0) -> None:
        self._store, self._breaks = store, breaks

    def do(self, context: Context, image_id: int) -> Done:
        if self._breaks > 0:
            self._breaks -= 1
            raise EngineError("broken here")

        def work(transaction: Transaction) -> None:
            context.take(transaction, image_id)
            images.note_error(transaction, image_id, "noted")
            context.settle(transaction)
            context.leave(transaction)

        self._store.write(work)
        return Done()
