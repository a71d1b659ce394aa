"""What two runs of an evaluation differ in, in words."""

from __future__ import annotations

from collections.abc import Iterator

from faces.people.evaluation.figures import Headline
from faces.store.sidecar.evaluations import KeptEvaluation
from worker.commands.evaluation_words import percent

#: Two shares of two runs that differ by less are the same.
_SAME = 0.0005


def changes(before: KeptEvaluation, now: KeptEvaluation) -> Iterator[str]:
    """One or two sentences."""
    old, new = Headline.read(before.figures), Headline.read(now.figures)
    title = f"Since run {before.id}, {before.at} UTC"
    if old is None or new is None:
        yield f"{title}, the program has come to measure otherwise (it was {before.version}): nothing is compared."
        return
    if before.cohort != now.cohort:
        yield f"{title} another cohort is in force, the set of faces that distances are compared with."
    elif before.version != now.version:
        yield f"{title} the program was updated, from {before.version} to {now.version}."
    changed = [*_counts(old, new), *_shares(old, new), *_lists(old, new)]
    yield f"{title}: {'; '.join(changed)}." if changed else f"{title} nothing has changed."


def _counts(old: Headline, new: Headline) -> Iterator[str]:
    if old.people != new.people:
        yield f"people known {old.people} -> {new.people}"
    if old.known != new.known:
        yield f"faces that could be found {old.known} -> {new.known}"


def _shares(old: Headline, new: Headline) -> Iterator[str]:
    pairs = {
        "linked rightly by itself": (old.found, new.found),
        "linked to somebody else": (old.wrong, new.wrong),
        "strangers linked": (old.strangers, new.strangers),
    }
    for what, (was, is_now) in pairs.items():
        if abs(was - is_now) >= _SAME:
            yield f"{what} {percent(was, 1)} -> {percent(is_now, 1)}"
    limits = [None if limit is None else percent(limit, 1) for limit in (old.threshold, new.threshold)]
    if limits[0] != limits[1]:
        yield f"one stranger in a hundred from {limits[0] or 'unknown'} -> {limits[1] or 'unknown'} on"


def _lists(old: Headline, new: Headline) -> Iterator[str]:
    kinds = {
        "faces that look wrong": (old.suspicious, new.suspicious),
        "people who are probably two": (old.two_people, new.two_people),
        "people who do not hold together": (old.falling_apart, new.falling_apart),
    }
    for what, (was, is_now) in kinds.items():
        if was != is_now:
            yield f"{what}: {len(is_now - was)} new, {len(was - is_now)} gone"
