"""What a library teaches about itself, learned anew of its tables when its people have changed, and once a day."""

from __future__ import annotations

from datetime import timedelta

from faces.library.library import Library
from faces.people.learning import asked_places
from faces.store.database import Store, Transaction
from faces.store.sidecar import calibrations, known_encodings, library_row

#: After so long it is learned again, however few people have come.
_DAY = timedelta(days=1)


def is_due(transaction: Transaction, library: Library) -> bool:
    """Whether the number of people has changed enough, or what was learned is a day old."""
    if not len(library.people):
        return False
    measured_at = calibrations.newest_at(transaction, library.cohort.version)
    return measured_at is None or library.learned.is_due(len(library.people)) or transaction.now - measured_at > _DAY


def relearn(store: Store, library: Library) -> None:
    """Learn shift and share of strangers anew, where that is due, and keep them; the library follows later.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    with store.reading() as transaction:
        library.follow(transaction)
        if not is_due(transaction, library):
            return
        with library.mutex:
            asked = library.people.ids[asked_places(len(library.people))].tolist()
        first = known_encodings.first_confirmed(transaction, asked)
    learned = library.learn(first)

    def keep(transaction: Transaction) -> None:
        calibrations.add(transaction, library.cohort.version, learned)
        library_row.next_change(transaction)

    store.write(keep)
