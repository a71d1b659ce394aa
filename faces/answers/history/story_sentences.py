"""What is known of a face, in sentences: what it is, by which rule, and why it is not linked or offered. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from faces.answers.history.entry_sentences import person_words
from faces.answers.history.face_story import FaceStory
from faces.people.identify import LINK, OFFER, Contender, Identification, Rule
from faces.people.judging.doubtful import DOUBTED, FEWEST_FACES
from faces.people.kept_face import FaceState, Said
from faces.people.refs import Ref

_SAID = {
    Said.YES: "said who it is",
    Said.NO: "said who it is not",
    Said.UNKNOWN: "took out who it was said or linked to be",
    Said.STRANGER: "said that it is a stranger",
    Said.NOT_FACE: "said that it is no face",
    Said.ADDED: "added it",
}


def state_sentence(story: FaceStory) -> str:
    """What it is now: linked to Ann (p3)."""
    if story.row.deleted:
        return "removed"
    if story.state is None:
        return "not in our tables yet: `group` takes it in"
    who = "nobody that is known" if story.person is None else person_words(story.person, story.names)
    return {
        FaceState.UNKNOWN: "unknown",
        FaceState.SUGGESTED: f"offered as {who}",
        FaceState.LINKED: f"linked to {who}",
        FaceState.CONFIRMED: f"confirmed as {who}",
        FaceState.STRANGER: "a stranger",
        FaceState.NOT_FACE: "no face",
    }[story.state]


def by_sentences(story: FaceStory) -> Iterator[str]:
    """By whom and by which rule it is what it is."""
    if (answer := story.row.answer) is not None:
        yield f"a person {_SAID[answer.said]}, entry {answer.entry}"
    elif story.state in (FaceState.CONFIRMED, FaceState.STRANGER, FaceState.NOT_FACE):
        yield "a person said so in the app, or by `enrol`: the ledger has no entry of it"
    is_link = story.state is FaceState.LINKED or (
        story.state is FaceState.SUGGESTED and story.row.person_id is not None
    )
    if not is_link:
        return
    if story.link is None:
        yield "linked by the app's own job, or before there were our tables: the ledger has no entry of it"
        return
    if not story.link_holds:
        yield f"linked otherwise since entry {story.link.id} linked it: the ledger has no entry of that"
        return
    link = story.link
    yield f"linked by itself on {link.at} UTC, entry {link.id}: {_numbers(link.p, link.t, link.distance)}"
    yield rule_sentence(link.rule)


def rule_sentence(text: str | None) -> str:
    """A rule of the ledger in words."""
    rule = Rule.parse(text or "")
    if rule is None:
        return f"by the rule {text}" if text else "by a rule that the ledger does not tell"
    group = "the face alone" if rule.faces == 1 else f"a group of {rule.faces} faces"
    return (
        f"by the rule calibrated: {rule.people} people (N), {_faces(rule.confirmed)} of this one (k), {group} (m), "
        f"shift {rule.shift:.4f}, share of strangers {rule.strangers:.3f}, cohort {rule.cohort}"
    )


def contender_sentence(one: Contender, story: FaceStory) -> str:
    """One of the nearest people, as of now."""
    who = person_words(one.person_id, story.names)
    is_own = story.state is FaceState.CONFIRMED and one.person_id == story.person
    return f"{who}: {_numbers(one.probability, one.t, one.distance)}, by {_faces(one.confirmed, other=is_own)}"


def reasons(story: FaceStory) -> Iterator[str]:
    """Why it is not linked or not even offered; or why a person who said who it is may be wrong."""
    if story.state is FaceState.CONFIRMED:
        yield from _doubt(story)
    if story.state not in (FaceState.UNKNOWN, FaceState.SUGGESTED):
        return
    if not story.readable:
        yield "it has no encoding that can be read: it is compared with nobody"
        return
    if not story.known:
        yield "nobody has a confirmed face yet"
        return
    yield from _refusals(story)
    found = story.answer.found if story.answer else None
    if found is None:
        yield _nobody(story)
    else:
        yield from _of_group(story, found)


def _nobody(story: FaceStory) -> str:
    if story.group is None:
        return "it is in no group: `group` puts it into one and asks"
    if story.group.person_id is not None:
        return f"its group is {person_words(story.group.person_id, story.names)}'s, and another person is likelier"
    return "nobody is left to compare it with"


def _doubt(story: FaceStory) -> Iterator[str]:
    own = next((one for one in story.nearest if one.person_id == story.person), None)
    if own is not None and own.confirmed + 1 >= FEWEST_FACES and own.probability < DOUBTED:
        who = person_words(own.person_id, story.names)
        yield f"it does not fit the other faces of {who}: below p {DOUBTED} `faces --doubtful` lists it"


def _refusals(story: FaceStory) -> Iterator[str]:
    near = {one.person_id for one in story.nearest}
    for one in story.refused:
        if one.other.kind == "person" and one.other.id not in near:
            continue
        entry = "" if one.entry is None else f", entry {one.entry}"
        other = person_words(one.other.id, story.names) if one.other.kind == "person" else str(one.other)
        what = "it is" if one.what == Ref("face", story.found.face_id) else f"its group {one.what} is"
        yield f"a person said that {what} not {other}{entry}"


def _of_group(story: FaceStory, found: Identification) -> Iterator[str]:
    who = person_words(found.person_id, story.names)
    answer = story.answer
    by = f", by its group of {answer.faces} faces" if answer is not None and answer.faces > 1 else ""
    likeliest = f"the likeliest is {who}, p {found.probability:.2f}{by}"
    if found.probability < OFFER:
        yield f"{likeliest}: below {OFFER} nobody is offered"
        return
    if found.probability < LINK:
        yield f"{likeliest}: below {LINK} it is only offered"
    if found.two_are_near:
        second = person_words(found.others[0].person_id, story.names)
        yield f"two people are near, {who} and {second} (score {found.others[0].score:.2f}): a person tells them apart"
    if answer is not None and answer.in_photo:
        yield f"{who} is in one of its photos already"
    if answer is not None and answer.decision == "link":
        yield from _not_linked_yet(story, who)


def _not_linked_yet(story: FaceStory, who: str) -> Iterator[str]:
    if not story.links_by_itself:
        yield f"it would be linked to {who}, but FACE_MATCH is nearest: that links to a master below the threshold"
    elif story.row.touched:
        yield f"it would be linked to {who}, but a person has decided about it: from then on it is only offered"
    else:
        yield f"it is to be linked to {who} when groups settle: `group` does it now"


def _numbers(p: float | None, t: float | None, distance: float | None) -> str:
    parts = [
        None if p is None else f"p {min(p, 0.999):.3f}",
        None if t is None else f"t {t:.3f}",
        None if distance is None else f"distance {distance:.3f}",
    ]
    return ", ".join(part for part in parts if part)


def _faces(number: int, *, other: bool = False) -> str:
    return f"{number} {'other ' if other else ''}{'face' if number == 1 else 'faces'}"
