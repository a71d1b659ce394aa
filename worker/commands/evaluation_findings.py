"""Which people and faces an evaluation says are to be looked at, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from faces.people.evaluation.holding_together import HOLDS, PersonHolds, Suspicion
from faces.people.refs import Ref
from worker.commands.evaluation_words import many, percent, person_in_words

if TYPE_CHECKING:
    from faces.people.evaluation.evaluation import Evaluation

#: Faces and people that are told of one kind at most, and faces of one person.
_MOST, _MOST_FACES = 20, 12


def findings(evaluation: Evaluation, names: Mapping[int, str]) -> Iterator[str]:
    """Sentences, the most serious first; one also where nothing is wrong."""
    two = [one for one in evaluation.holds if one.is_probably_two]
    told_as_two = {one.person_id for one in two}
    for one in two[:_MOST]:
        yield _two(one, names)
    yield from _more(two, "people who are probably two")
    yield from _suspicions([one for one in evaluation.suspicions if one.person_id not in told_as_two], names)
    falling = [one for one in evaluation.holds if one.falls_apart and not one.is_probably_two]
    for one in falling[:_MOST]:
        yield (
            f"Does not hold together: {person_in_words(one.person_id, names)}. Only {one.fitting} of {one.judged} "
            f"faces fit the others ({percent(one.share)}; below {percent(HOLDS)} it is told). Very different ages, "
            "poor photos or other people among them do that."
        )
    yield from _more(falling, "people who do not hold together")
    yield from _of_the_library(evaluation)
    if two or evaluation.suspicions:
        yield "Mend first what is wrong here, and measure again: wrong names make the figures above look worse."
    if not (evaluation.holds or evaluation.suspicions or evaluation.alarms):
        yield "No confirmed face looks wrong, and nobody looks like two people."


def _two(one: PersonHolds, names: Mapping[int, str]) -> str:
    ref, faces = Ref("person", one.person_id), [str(Ref("face", face)) for face in one.second]
    if len(faces) <= _MOST_FACES:
        told, remedy = ", ".join(faces), f"`split {ref} {' '.join(faces)}` parts them"
    else:
        told = f"{', '.join(faces[:_MOST_FACES])} and {len(faces) - _MOST_FACES} more"
        remedy = f"`split {ref}` with these faces parts them, and `evaluate --json` has all"
    return (
        f"Probably two people: {person_in_words(one.person_id, names)}. {len(faces)} of {one.faces} faces look like "
        f"somebody else: {told}. If they are, {remedy}."
    )


def _suspicions(suspicions: Sequence[Suspicion], names: Mapping[int, str]) -> Iterator[str]:
    if not suspicions:
        return
    yield "Probably confirmed wrongly, the least likely first:"
    for one in suspicions[:_MOST]:
        yield f"  {_suspicion(one, names)}"
    if len(suspicions) > _MOST:
        yield f"  and {len(suspicions) - _MOST} more: `faces --doubtful` lists all"


def _suspicion(one: Suspicion, names: Mapping[int, str]) -> str:
    standing = one.standing
    likelier = "" if standing.likelier is None else f"; {person_in_words(standing.likelier, names)} is likelier"
    person, sure = person_in_words(one.person_id, names), percent(standing.probability, 1)
    return f"{Ref('face', one.face_id)} as {person}: {sure} sure beside {many(standing.others, 'other face')}{likelier}"


def _of_the_library(evaluation: Evaluation) -> Iterator[str]:
    alarms = evaluation.alarms
    if "alike" in alarms:
        yield (
            "Careful: the people here look more alike to the program than people usually do (shift "
            f"{evaluation.learned.shift:.3f}). Links stay safe, but groups of unknown faces may mix people: look at "
            "them before you name one."
        )
    if "alike_in_photos" in alarms:
        photos = evaluation.photos
        yield (
            f"Careful: on {photos.alike} of {many(photos.photos, 'photo')} with several faces two of them look like "
            "one person. Where these are no mirrors, pictures on a wall or twins, people here are of a kind that the "
            "program knows little of, and groups of unknown faces may mix them."
        )


def _more(all_of_them: Sequence[PersonHolds], what: str) -> Iterator[str]:
    if len(all_of_them) > _MOST:
        yield f"And {len(all_of_them) - _MOST} more {what}: `evaluate --json` has them."
