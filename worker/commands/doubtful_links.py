"""link --again: the links that the fixed threshold made before, looked at again; doubtful ones are taken back."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faces.errors import RequestError, SchemaError
from faces.library.opening import OpenLibrary
from faces.people.judging.old_links import BELIEVED
from faces.store.database import Store
from worker.commands.invocation import Invocation

if TYPE_CHECKING:
    # Not at run time: only a database with our tables needs it.
    from faces.library.old_library import Batch, DoubtfulLink, OldLibrary


def look_again(arguments: argparse.Namespace, session: Invocation, store: Store) -> int:
    """Tell of each doubtful link and, with `--apply`, take it back to unknown.

    Raises:
        RequestError, SchemaError: it cannot be done as it was asked, or not in this database; nothing has changed.
    """
    _refuse_contradictions(arguments)
    library = session.library(store)
    old = _opened(store, library)
    seen = _Seen(session)
    with session.output.progress("links", old.links) as step:
        for batch in old.batches():
            seen.add(batch)
            if arguments.apply:
                seen.taken += old.take_back(batch.doubtful)
            for _ in range(batch.judged + batch.answered):
                step()
    seen.sum_up(old, applied=arguments.apply)
    if arguments.apply and seen.taken and not library.is_calibrated:
        session.output.say(
            "link: FACE_MATCH is nearest, which links these faces again when it meets them: needed calibrated"
        )
    return 0


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    if arguments.apply == arguments.dry_run:
        raise RequestError(
            "--again needs either --dry-run, which shows the links of before that are doubtful, or --apply, which "
            "takes them back to unknown: see `link --help`"
        )


def _opened(store: Store, library: OpenLibrary) -> OldLibrary:
    if not store.schema.rule.has_masters:
        raise SchemaError(
            f"found a table `persons` in {store.name}, which faces are linked to: persons are the app's, and what is "
            "doubtful is answered there; `link --again` is for links to other faces. Nothing was changed"
        )
    if library.arrivals is None:
        raise RequestError(
            f"found no tables of ours in {store.name}, which keep what is taken back: `worker tables --create` makes "
            "them, `worker group` takes the faces in"
        )
    from faces.library.old_library import OldLibrary

    return OldLibrary(library.arrivals)


@dataclass(slots=True)
class _Seen:
    """What was found so far; tells each doubtful link as it comes."""

    session: Invocation
    judged: int = 0
    answered: int = 0
    taken: int = 0
    becomes: Counter[str] = field(default_factory=Counter)
    records: list[dict[str, Any]] = field(default_factory=list)

    def add(self, batch: Batch) -> None:
        self.judged += batch.judged
        self.answered += batch.answered
        for one in batch.doubtful:
            self.becomes[one.becomes] += 1
            self.session.output.result(_sentence(one))
            if self.session.output.as_json:
                self.records.append(_record(one))

    def sum_up(self, old: OldLibrary, *, applied: bool) -> None:
        output = self.session.output
        if old.not_indexed:
            output.say(f"link: {old.not_indexed} faces are not in our tables yet: `worker group` takes them in")
        doubtful = self.becomes.total()
        output.result(
            f"{self.judged} links looked at again, {doubtful} doubtful (p below {BELIEVED}). By today's rule "
            f"{self.becomes['linked again']} of these would be linked again, {self.becomes['linked to another']} to "
            f"another person, {self.becomes['offered']} offered, {self.becomes['unknown']} unknown"
        )
        if self.answered:
            output.result(f"{self.answered} linked faces that a person has said something of stay as they are")
        if applied:
            entry = f", in the ledger as {old.uuid}" if self.taken else ""
            output.result(f"{self.taken} faces taken back to unknown{entry}")
        output.record(
            {
                "applied": applied,
                "judged": self.judged,
                "answered": self.answered,
                "doubtful": self.records,
                "taken_back": self.taken,
                "entry": old.uuid if self.taken else None,
            }
        )


def _sentence(one: DoubtfulLink) -> str:
    link, old = one.link, one.old
    likelier = f", p{old.likelier} is likelier" if old.likelier is not None else ""
    return (
        f"f{link.face_id} -> {_person(link.person_id, link.name)}, distance {old.distance:.3f}, "
        f"p {old.probability:.2f}{likelier}; today: {_today(one)}"
    )


def _today(one: DoubtfulLink) -> str:
    if one.found is None or one.becomes == "unknown":
        return "unknown"
    verb = "linked to" if one.decision == "link" else "offered as"
    return f"{verb} {_person(one.found.person_id, one.name)}, p {one.found.probability:.2f}"


def _person(person_id: int, name: str | None) -> str:
    return f'p{person_id} "{name}"' if name else f"p{person_id}"


def _record(one: DoubtfulLink) -> dict[str, Any]:
    return {
        "face": f"f{one.link.face_id}",
        "image_id": one.link.image_id,
        "parent_id": one.link.parent_id,
        "person": f"p{one.link.person_id}",
        "name": one.link.name,
        "distance": one.old.distance,
        "probability": one.old.probability,
        "likelier": None if one.old.likelier is None else f"p{one.old.likelier}",
        "today": {
            "becomes": one.becomes,
            "person": None if one.found is None else f"p{one.found.person_id}",
            "name": one.name,
            "probability": None if one.found is None else one.found.probability,
        },
    }
