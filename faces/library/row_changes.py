"""Changes of faces' rows by a verb or an answer, and our tables with them, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from faces.store.database import Store, Transaction

if TYPE_CHECKING:
    # Not at run time: a database without our tables needs none of it.
    from faces.library.arrivals import Arrivals

T = TypeVar("T")


def write_rows(store: Store, arrivals: Arrivals | None, work: Callable[[Transaction, set[int]], T]) -> T:
    """Run `work` in a transaction, which notes in the set the images whose faces it changes; it holds their locks.

    Our tables are brought up to date with these images before the commit. Images whose faces hang on a face that is
    somebody else by then follow in transactions of their own: if this process is killed between, another one finds
    them noted and goes on.

    Args:
        store: the database.
        arrivals: None where it has no tables of ours.
        work: what `Store.write` runs; of several images only in a file of our own, which has one writer at a time.

    Raises:
        StoreUnavailable: the database cannot be used.
    """
    if arrivals is None:
        return store.write(lambda transaction: work(transaction, set()))
    arrivals.follow()
    followers: set[int] = set()

    def with_our_tables(transaction: Transaction) -> T:
        changed: set[int] = set()
        followers.clear()
        done = work(transaction, changed)
        for image_id in sorted(changed):
            followers.update(arrivals.bring_up_to_date(transaction, image_id))
        return done

    done = arrivals.write(with_our_tables)
    arrivals.update_images(sorted(followers))
    return done
