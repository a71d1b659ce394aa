"""The command line of a soak: see script/chaos."""

from __future__ import annotations

import argparse
import random
import signal
import sys
from types import FrameType

from tests.chaos.jobs import POISON, USUAL
from tests.chaos.soak import Told, soak


def main() -> int:
    """Do it, print, and return the exit status."""
    # SIGINT, too: a shell that starts this in the background has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    told = _told()
    print(f"seed {told.seed}, cache in {told.cache}, poison: {', '.join(told.poison) or 'none'}", flush=True)  # noqa: T201
    try:
        found = soak(told, lambda line: print(line, flush=True))  # noqa: T201  the answer
    except KeyboardInterrupt:
        print("stopped; all that was started has ended")  # noqa: T201  the answer
        return 130
    for fault in found:
        print(f"WRONG: {fault}")  # noqa: T201  the answer
    return 1 if found else 0


def _told() -> Told:
    parser = argparse.ArgumentParser(prog="script/chaos", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, default=random.SystemRandom().randrange(10**6), metavar="N", help="default: any")
    add("--jobs", type=int, default=500, metavar="N", help="default: 500")
    add("--faults", type=int, default=60, metavar="N", help="default: 60")
    add("--minutes", type=float, default=15, metavar="N", help="when it must be over (default: 15)")
    add("--cache", choices=("database", "redis"), help="default: as the seed has it")
    add("--poison", default=",".join(USUAL), metavar="A,B", help=f"some of {', '.join(POISON)}; or all, or none")
    words = parser.parse_args()
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
