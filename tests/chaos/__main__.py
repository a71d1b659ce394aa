"""The command line of a soak: see script/chaos."""

from __future__ import annotations

import argparse
import random
import signal
import sys
from types import FrameType

from tests.chaos import library_soak, queued_library
from tests.chaos.jobs import POISON, USUAL
from tests.chaos.library_soak import LibraryTold
from tests.chaos.queued_library import VERSIONS, QueuedTold
from tests.chaos.soak import Told, soak


def main() -> int:
    """Do it, print, and return the exit status."""
    # SIGINT, too: a shell that starts this in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    told = _told()
    if isinstance(told, LibraryTold):
        return _end(library_soak.soak(told, lambda line: print(line, flush=True)))  # noqa: T201  the answer
    if isinstance(told, QueuedTold):
        return _end(queued_library.soak(told, lambda line: print(line, flush=True)))  # noqa: T201  the answer
    print(f"seed {told.seed}, cache in {told.cache}, poison: {', '.join(told.poison) or 'none'}", flush=True)  # noqa: T201
    try:
        found = soak(told, lambda line: print(line, flush=True))  # noqa: T201  the answer
    except KeyboardInterrupt:
        print("stopped; all that was started has ended")  # noqa: T201  the answer
        return 130
    return _end(found)


def _end(found: list[str]) -> int:
    for fault in found:
        print(f"WRONG: {fault}")  # noqa: T201  the answer
    return 1 if found else 0


def _told() -> Told | LibraryTold | QueuedTold:
    parser = argparse.ArgumentParser(prog="script/chaos", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, default=random.SystemRandom().randrange(10**6), metavar="N", help="default: any")
    add("--jobs", type=int, default=500, metavar="N", help="default: 500")
    add("--faults", type=int, default=60, metavar="N", help="default: 60")
    add("--minutes", type=float, default=15, metavar="N", help="when it must be over (default: 15)")
    add("--cache", choices=("database", "redis"), help="default: as the seed has it")
    add("--poison", default=",".join(USUAL), metavar="A,B", help=f"some of {', '.join(POISON)}; or all, or none")
    add("--library", choices=("sqlite", "mariadb"), help="groups of faces instead of jobs, in such a database")
    add("--queued", choices=tuple(VERSIONS), help="real workers that group faces beside this version")
    add("--photos", type=int, default=300, metavar="N", help="of a library (default: 300)")
    add("--workers", type=int, default=4, metavar="N", help="that work on a library at once (default: 4)")
    words = parser.parse_args()
    if words.queued:
        return QueuedTold(words.seed, words.photos, words.faults, words.workers, words.queued)
    if words.library:
        return LibraryTold(words.seed, words.photos, words.faults, words.workers, words.library)
    cache = words.cache or random.Random(words.seed).choice(("database", "redis"))  # noqa: S311  the same again
    named = {"all": tuple(POISON), "none": ()}
    names = named[words.poison] if words.poison in named else tuple(words.poison.split(","))
    if unknown := set(names) - set(POISON):
        parser.error(f"found {', '.join(sorted(unknown))}, needed some of {', '.join(POISON)}")
    return Told(words.seed, words.jobs, words.faults, words.minutes, cache, names)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
