"""An evaluation in words, part by part: figures, what a percentage is worth, what to look at, what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faces.people.evaluation.rates import Level, Reliability
from faces.people.evaluation.stranger_threshold import FEWEST_PEOPLE, StrangerThreshold
from faces.people.identify import LINK, OFFER
from worker.commands.evaluation_changes import changes
from worker.commands.evaluation_findings import findings
from worker.commands.evaluation_words import many, of_hundred, percent, share_of

if TYPE_CHECKING:
    from faces.library.evaluating.own_library import Run
    from faces.people.evaluation.evaluation import Evaluation

#: A percentage is worth little below so many faces; between two that differ by so much it is too bold or too careful.
_FEW, _OFF = 30, 0.05


@dataclass(frozen=True, slots=True)
class Told:
    """Sentences, and behind them a table where there is one."""

    lines: Sequence[str]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def told(found: Run, names: Mapping[int, str], *, calibrated: bool) -> Iterator[Told]:
    """All parts, in the order in which they are read.

    Args:
        found: the run, and the one before it.
        names: of people, by id; who has none is told by the id.
        calibrated: whether faces are linked by these percentages, else by distance.
    """
    evaluation = found.evaluation
    yield Told(list(_beginning(found, calibrated=calibrated)))
    if evaluation.asked.strangers:
        yield _levels(evaluation)
        yield Told(list(_in_words(evaluation)))
        yield _reliability(evaluation)
        yield Told(list(_worth(evaluation)))
        yield Told(list(findings(evaluation, names)))
    if found.previous is not None:
        yield Told(list(changes(found.previous, found.kept)))


def _beginning(found: Run, *, calibrated: bool) -> Iterator[str]:
    evaluation, asked = found.evaluation, found.evaluation.asked
    yield f"How good recognition is on this library: run {found.kept.id}, {found.kept.at} UTC"
    if not evaluation.people:
        yield "Nobody is known here yet, so there is nothing to measure: `name` or `enrol` say who somebody is."
        return
    if not asked.strangers:
        yield "No face of the people who are known has been confirmed yet, so there is nothing to measure."
        return
    yield (
        f"Measured on the {many(asked.strangers, 'face')} that people have confirmed, of "
        f"{many(evaluation.measured, 'person', 'people')}. Each face was taken out and asked about as if it had just "
        "come: once with its person known by other photos, once as if nobody knew its person. Photos of the same "
        "moment and copies of a photo do not help each other."
    )
    if asked.alone:
        yield (
            f"{many(asked.alone, 'face')} could only be asked about as strangers: their person has no other photo. "
            "One more confirmed photo of each of these people says the most."
        )
    yield (
        f"The program says how sure it is, in percent. From {percent(LINK)} on it links a face to a person by itself, "
        f"from {percent(OFFER)} on it asks you, and below that it says nothing."
    )
    if not calibrated:
        yield "Here FACE_MATCH is nearest: faces are linked by distance, and the percentages only decide what is asked."


def _levels(evaluation: Evaluation) -> Told:
    asked = evaluation.asked

    def row(name: str, level: Level) -> tuple[str, ...]:
        return (
            name,
            share_of(level.found, asked.known),
            share_of(level.wrong, asked.known),
            share_of(level.strangers, asked.strangers),
        )

    rows = [row(f"{percent(level.p)} or more", level) for level in evaluation.levels]
    rows.append(row("linked by itself", evaluation.by_itself))
    columns = ("how sure", "known people found", "taken for somebody else", "strangers given a name")
    return Told([], columns, rows)


def _in_words(evaluation: Evaluation) -> Iterator[str]:
    asked, level = evaluation.asked, evaluation.by_itself
    if asked.known:
        yield (
            f"Of 100 faces of people who are known, {of_hundred(level.found, asked.known)} are linked rightly without "
            f"you and {of_hundred(level.wrong, asked.known)} to somebody else; the others are asked about or left."
        )
    else:
        yield "Nobody has two photos of different moments yet, so it cannot be said how many faces would be found."
    if evaluation.people > 1:
        yield f"Of 100 faces of strangers, {of_hundred(level.strangers, asked.strangers)} are linked to somebody."
    else:
        yield "With one person there is nobody whom a stranger could be taken for: nothing is said of strangers."
    yield _threshold(evaluation.threshold, evaluation.measured)


def _threshold(threshold: StrangerThreshold | None, measured: int) -> str:
    if threshold is None:
        return (
            "Too few people: to say from which percentage on one stranger in a hundred gets a wrong name, "
            f"{FEWEST_PEOPLE} people with confirmed faces are needed, and there are {measured}."
        )
    places = 0 if threshold.p < LINK else 1
    sentence = (
        f"If faces were linked from {percent(threshold.p, places)} on, one stranger in a hundred would get a wrong "
        "name; with other people of this kind it might take anything between "
        f"{percent(threshold.low, places)} and {percent(threshold.high, places)}."
    )
    if threshold.p > LINK:
        return f"{sentence} The program links from {percent(LINK)} on, so more strangers than that get one."
    return f"{sentence} The program links from {percent(LINK)} on, so fewer get one."


def _reliability(evaluation: Evaluation) -> Told:
    strangers = percent(evaluation.learned.strangers)
    lines = [
        f"What a percentage is worth here, if {strangers} of the faces that come are strangers: what was said, on "
        "average, beside how often it was true."
    ]
    rows = [
        (
            f"{percent(one.low)} to {percent(one.high)}",
            "" if one.said is None else percent(one.said, 1),
            "" if one.true is None else percent(one.true, 1),
            str(_faces(one)),
        )
        for one in evaluation.reliability
    ]
    return Told(lines, ("how sure", "said", "true", "faces"), rows)


def _worth(evaluation: Evaluation) -> Iterator[str]:
    asked = [one for one in evaluation.reliability if one.low >= OFFER and _faces(one) >= _FEW]
    for one in asked:
        if one.said is None or one.true is None or abs(one.said - one.true) < _OFF:
            continue
        kind = "too sure" if one.said > one.true else "too careful"
        between = f"Between {percent(one.low)} and {percent(one.high)}"
        yield f"{between} it is {kind}: it said {percent(one.said)}, and {percent(one.true)} was true."
    if not asked:
        yield "There are too few faces to say what the percentages are worth."
    yield (
        "All this is about people like those who are confirmed here. Children who grow up, brothers and sisters, and "
        "people unlike the others are harder, and a stranger may look more like somebody here than these people do."
    )


def _faces(one: Reliability) -> int:
    return one.right + one.wrong + one.strangers
