"""why: all that is known of a face."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from faces.errors import SchemaError
from faces.laravel.disks import place_of
from faces.people.identify import Rule
from faces.people.refs import Ref
from worker.commands.invocation import Invocation
from worker.commands.output import Output
from worker.commands.parser import ref_of
from worker.commands.verbs import add_verb

if TYPE_CHECKING:
    # Not at run time: only a database with our tables needs it.
    from faces.answers.history.face_story import FaceStory

_DETAILS = """\
Tells of a face, such as f12: the photo, the face's number and box there, and when it was found; what it is now and by
which rule, with the probability (p), the score (t) and the distance that it was linked with; where it is unknown why
nobody is linked or offered; its group; the three nearest people as of now; and what the ledger has about it."""


def add_to(verbs: Any) -> None:
    parser = add_verb(verbs, "why", run, _DETAILS)
    parser.add_argument("face", metavar="FACE", type=ref_of("face"), help="the face's id, such as f12")


def run(arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Tell it."""
    # Here, and not above: what people are compared with is a second of a worker's start.
    from faces.answers.history.face_story import story

    with invocation.store() as store:
        store.schema.require_sidecar()
        library = invocation.library(store)
        if library.arrivals is None or library.settling is None:
            raise SchemaError(
                f"found no tables of people and groups in {store.name}, needed those of `tables --create`"
            )
        with store.reading() as transaction:
            told = story(
                transaction,
                library.arrivals.library,
                library.settling,
                arguments.face,
                calibrated=library.is_calibrated,
            )
    _print(invocation.output, told)
    invocation.output.record(_record(told))
    return 0


def _print(output: Output, told: FaceStory) -> None:
    from faces.answers.history import story_sentences as sentences

    for line in _where(told):
        output.result(line)
    output.result(f"now: {sentences.state_sentence(told)}")
    _list(output, sentences.by_sentences(told))
    _list(output, sentences.reasons(told))
    if told.group is not None:
        output.result(_group(told))
    if told.nearest:
        output.result("nearest as of now:")
        _list(output, (sentences.contender_sentence(one, told) for one in told.nearest))
    if told.entries:
        output.result("in the ledger:")
        undone = {one.id: f" (undone by {one.undone_by})" for one in told.entries if one.undone_by is not None}
        _list(output, (f"{one.id}, {one.at}, {one.actor}: {one.what}{undone.get(one.id, '')}" for one in told.entries))
    if told.more_entries:
        output.result(f"  … and older ones: `ledger --face f{told.found.face_id}`")


def _list(output: Output, lines: Any) -> None:
    for line in lines:
        output.result(f"  {line}")


def _where(told: FaceStory) -> list[str]:
    found = told.found
    place = place_of(found.disk, found.path, found.filename)
    lines = [f"f{found.face_id}: face {found.face_index} in {place}, found {found.found_at or 'at an unknown time'}"]
    if found.box is not None:
        edges = ", ".join(f"{name} {value:.3f}" for name, value in asdict(found.box).items())
        lines.append(f"  box in parts of the photo: {edges}")
    if found.quality is not None:
        lines.append(f"  quality {found.quality:g}")
    if found.taken_at is not None:
        lines.append(f"  taken {found.taken_at}")
    return lines


def _group(told: FaceStory) -> str:
    from faces.answers.history.entry_sentences import person_words

    group = told.group
    if group is None:
        return "in no group"
    faces = "1 face" if group.size == 1 else f"{group.size} faces"
    whose = "" if group.person_id is None else f", {person_words(group.person_id, told.names)}'s"
    offered = ""
    if group.offered is not None:
        offered = f", offered as {person_words(group.offered, told.names)}, p {group.probability or 0:.2f}"
    return f"in the group g{group.id} of {faces}{whose}{offered}"


def _record(told: FaceStory) -> dict[str, Any]:
    from faces.answers.history import story_sentences as sentences

    answer = told.row.answer
    return {
        **_found_record(told),
        "state": None if told.state is None else told.state.word,
        "person": _person(told, told.person),
        "said": answer and {"what": answer.said.name.lower(), "entry": answer.entry},
        "linked": _link_record(told),
        "nearest": [{**asdict(one), "person": _person(told, one.person_id)} for one in told.nearest],
        "reasons": list(sentences.reasons(told)),
        "refused": [{"what": str(one.what), "other": str(one.other), "entry": one.entry} for one in told.refused],
        "group": _group_record(told),
        "ledger": [one.record for one in told.entries],
        "ledger_has_more": told.more_entries,
    }


def _found_record(told: FaceStory) -> dict[str, Any]:
    found = told.found
    times = {name: getattr(found, name) for name in ("found_at", "taken_at", "removed_at")}
    return {
        "face": str(Ref("face", found.face_id)),
        "photo": place_of(found.disk, found.path, found.filename),
        "image_id": found.image_id,
        "disk": found.disk,
        "source": found.source,
        "face_index": found.face_index,
        "box": found.box and asdict(found.box),
        "quality": found.quality,
        **{name: time and time.isoformat() for name, time in times.items()},
    }


def _link_record(told: FaceStory) -> dict[str, Any] | None:
    link = told.link
    if link is None:
        return None
    rule = Rule.parse(link.rule or "")
    numbers = {"p": link.p, "t": link.t, "distance": link.distance, "rule": link.rule}
    calibrated = None if rule is None else asdict(rule)
    return {"entry": link.id, "at": link.at.isoformat(), **numbers, "calibrated": calibrated, "holds": told.link_holds}


def _group_record(told: FaceStory) -> dict[str, Any] | None:
    group = told.group
    if group is None:
        return None
    people = {"person": _person(told, group.person_id), "offered": _person(told, group.offered)}
    return {"group": str(Ref("group", group.id)), "faces": group.size, **people, "probability": group.probability}


def _person(told: FaceStory, person: int | None) -> dict[str, Any] | None:
    if person is None:
        return None
    today = told.names.get(person)
    return {"id": person, "ref": f"p{person}", "name": today.name if today else None}
