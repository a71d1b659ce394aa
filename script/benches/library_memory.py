"""Follow a library in a process of its own, and print how many bytes of memory it has more for that."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import closing
from pathlib import Path

import numpy as np

from faces.library.library import Library
from faces.people.cohort import read_cohort
from faces.store.database import Store


def main() -> None:
    """Measure and print."""
    with closing(Store.open(sys.argv[1])) as store, store.reading() as transaction:
        library = Library(read_cohort())
        # What is loaded with the first query, and the room that the allocator keeps, belong to no library.
        library.neighbourhood.around(np.zeros((2048, 128)))
        before = _private()
        library.follow(transaction)
        after = _private()
        print(after - before, len(library.people) + len(library.groups))  # noqa: T201  the answer


def _private() -> int:
    """Bytes that only this process has, after all that is free was given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Private_Clean")))


if __name__ == "__main__":
    main()
