"""evaluate: how good recognition is on this library's own confirmed faces, and what changed since the last time."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from faces import __version__
from faces.errors import SchemaError
from faces.people.names import canonical
from faces.people.refs import Ref
from faces.store.database import Store
from faces.store.sidecar.people_rows import marks
from worker.commands.answering import speaker
from worker.commands.evaluation_text import Told, told
from worker.commands.invocation import Invocation
from worker.commands.verbs import add_verb

if TYPE_CHECKING:
    # Not at run time: only a database with our tables needs it.
    from faces.library.evaluating.own_library import Run
    from faces.people.evaluation.evaluation import Evaluation
    from faces.store.sidecar.evaluations import KeptEvaluation

_DETAILS = """\
Takes each face that a person has confirmed out of the library and asks who it is: once with its person known by other
photos, once as if that person were a stranger. Tells how many are found, how many are taken for somebody else, and how
many strangers get a wrong name; what a percentage is worth here; which confirmed faces are probably wrong; and what has
changed since the last time. Reads no photo and changes no name; what was measured is kept."""


def add_to(verbs: Any) -> None:
    """Add the verb to the command line."""
    add_verb(verbs, "evaluate", run, _DETAILS)


def run(_arguments: argparse.Namespace, invocation: Invocation) -> int:
    """Measure, keep and tell.

    Raises:
        SchemaError: there are no tables of ours.
    """
    output = invocation.output
    with invocation.store() as store:
        store.schema.require_sidecar()
        opened = invocation.library(store)
        if opened.arrivals is None:
            raise SchemaError(
                f"found no tables of people and groups in {store.name}: `worker tables --create` makes them"
            )
        from faces.library.evaluating.own_library import evaluate, faces_to_ask

        library = opened.arrivals.library
        with store.reading() as transaction:
            library.follow(transaction)
        with output.progress("faces", faces_to_ask(library)) as step:
            found = evaluate(store, library, speaker(), __version__, lambda faces: _steps(step, faces))
        names = _names(store, found.evaluation)
    if output.as_json:
        output.record(_record(found, names))
    else:
        _tell(told(found, names, calibrated=opened.is_calibrated), invocation)
    return 0


def _steps(step: Any, count: int) -> None:
    for _ in range(count):
        step()


def _tell(parts: Iterable[Told], invocation: Invocation) -> None:
    for part in parts:
        for line in part.lines:
            invocation.output.result(line)
        if part.columns:
            invocation.output.table(part.columns, part.rows)


def _names(store: Store, evaluation: Evaluation) -> dict[int, str]:
    """Of the people that are told about, where they have one."""
    with store.reading() as transaction:
        found = marks(transaction, _people_of(evaluation))
    return {person: name for person, one in found.items() if (name := canonical(str(one["name"] or "")))}


def _people_of(evaluation: Evaluation) -> Collection[int]:
    people = {one.person_id for one in evaluation.suspicions} | {one.person_id for one in evaluation.holds}
    return people | {other for one in evaluation.suspicions if (other := one.standing.likelier) is not None}


def _record(found: Run, names: dict[int, str]) -> dict[str, object]:
    return {
        **_kept(found.kept),
        "names": {str(Ref("person", person)): name for person, name in sorted(names.items())},
        "previous": None if found.previous is None else _kept(found.previous),
    }


def _kept(run: KeptEvaluation) -> dict[str, object]:
    return {
        "run": run.id,
        "at": run.at.isoformat(),
        "actor": run.actor,
        "version": run.version,
        "cohort": run.cohort,
        "figures": run.figures,
    }
