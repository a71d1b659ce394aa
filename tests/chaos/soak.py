"""The soak: jobs are pushed, a fault comes into their midst, and so on; in the end everything must be right."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos import verdict
from tests.chaos.faults import Fault, chosen
from tests.chaos.jobs import Jobs
from tests.chaos.world import World

#: Seconds of work before a fault comes, at most.
_BEFORE = 1.0

#: Seconds in which the workers may get on with a part of what is queued, so that the next fault meets jobs at work.
_BETWEEN = 6.0

#: The part of all the time in which faults come; the rest is for what they held up.
_STRIKING = 0.7

#: Seconds between two looks at the rows, and whether all is over.
_GLANCE, _LOOK = 0.2, 2.0


@dataclass(frozen=True)
class Told:
    """How a soak is to be; the same seed brings the same faults in the same order."""

    seed: int
    jobs: int
    faults: int
    minutes: float
    cache: str
    poison: tuple[str, ...]
    workers: int = 3


def soak(told: Told, say: Callable[[str], None]) -> list[str]:
    """Do it; says one line a fault and a summary, and returns what is wrong."""
    start = time.monotonic()
    dice = random.Random(told.seed)  # noqa: S311  the same again is what it is for
    faults = chosen(dice, told.faults)
    world = World(told.workers, told.cache)
    try:
        jobs = Jobs(world, dice, told.poison)
        end = start + told.minutes * 60
        _strike(world, jobs, told, faults, dice, end, say)
        over = _wait(world, jobs, end, say)
        codes = world.end_workers()
        found = verdict.wrong(world, jobs.expected)
        if not over:
            found.insert(0, f"not all was over after {told.minutes:g} minutes")
        if any(codes):
            found.append(f"the workers left with {codes}")
        say(_summary(told, jobs, time.monotonic() - start, found))
        if found:
            say(f"the end of the workers' log:\n{world.log()[-5000:]}")
        return found
    finally:
        world.close()


def _strike(
    world: World,
    jobs: Jobs,
    told: Told,
    faults: list[Fault],
    dice: random.Random,
    end: float,
    say: Callable[[str], None],
) -> None:
    """Every fault has its share of the jobs, and comes while they are in hand."""
    start = time.monotonic()
    for number, fault in enumerate(faults, 1):
        jobs.push(told.jobs * number // told.faults - jobs.pushed)
        time.sleep(dice.uniform(0, _BEFORE))
        began = time.monotonic() - start
        what = fault(world, dice)
        codes = world.keep_workers()
        again = f"; workers that left with {codes} were started again" if codes else ""
        done, failed = verdict.ended(world)
        say(f"{began:6.1f} s  {number:2d}/{told.faults}  {what}{again}; {done} done, {failed} failed of {jobs.pushed}")
        if time.monotonic() > end:
            return
        share = start + (end - start) * _STRIKING * number / told.faults
        _let_work(world, done + failed + told.jobs // told.faults, min(share, time.monotonic() + _BETWEEN))


def _let_work(world: World, wanted: int, end: float) -> None:
    """Until so many jobs have ended, or it is time."""
    while sum(verdict.ended(world)) < wanted and time.monotonic() < end:
        time.sleep(_GLANCE)


def _wait(world: World, jobs: Jobs, end: float, say: Callable[[str], None]) -> bool:
    """Until all jobs have ended; whether they have."""
    while time.monotonic() < end:
        if codes := world.keep_workers():
            say(f"workers that left with {codes} were started again")
        if verdict.is_over(world, jobs.expected):
            return True
        time.sleep(_LOOK)
    return False


def _summary(told: Told, jobs: Jobs, seconds: float, found: list[str]) -> str:
    words = f"{len(found)} things are wrong" if found else "every image is exact, nothing was doubled, lost or left"
    good, bad = len(jobs.expected.people), len(jobs.expected.failed)
    return (
        f"seed {told.seed}, cache in {told.cache}: {jobs.pushed} jobs ({good} good images, {bad} bad jobs) and "
        f"{told.faults} faults in {seconds:.0f} s: {words}"
    )
