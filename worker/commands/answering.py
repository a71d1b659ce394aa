"""What the verbs share by which a person answers: ids, who is speaking, and what is printed of an answer."""

from __future__ import annotations

import argparse
import getpass
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from faces.errors import RequestError
from faces.people.refs import Kind, Ref
from worker.commands.invocation import Invocation
from worker.commands.output import Output

if TYPE_CHECKING:
    # Not at run time: only a database with our tables needs them.
    from faces.answers.answer import Answered, GivenAnswer
    from faces.answers.giving import Answers

#: How many of those that stay as they are, for one reason, are named.
_NAMED = 8

Give = Callable[["Answers", "GivenAnswer"], "Answered"]


def refs(texts: Collection[str], *kinds: Kind) -> list[Ref]:
    """Ids as they were typed, each once.

    Raises:
        RequestError: one is a bare number, of another kind, or no id.
    """
    return list(dict.fromkeys(Ref.parse(text, *kinds) for text in texts))


def person(text: str) -> str | Ref:
    """A person by id, such as p12, or by name.

    Raises:
        RequestError: it is a bare number, which may be either.
    """
    if text.isascii() and text.isdigit():
        raise RequestError(f"found {text} as a name, needed an id with its letter, p{text}, or a name with letters")
    return Ref.parse(text, "person") if text[:1] == "p" and text[1:].isdigit() else text


def add_ids(parser: argparse.ArgumentParser, metavar: str, help_: str) -> None:
    """The ids that an answer is about, as text: `refs` reads them."""
    parser.add_argument("ids", metavar=metavar, nargs="+", help=help_)


def speaker() -> str:
    """Who answers on this terminal, by the name that they have on the machine; under sudo the one before it."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


@contextmanager
def answers_of(invocation: Invocation) -> Iterator[Answers]:
    """What answers are given with in the database of the settings.

    Raises:
        SchemaError: it has no tables of ours.
    """
    with invocation.store() as store:
        store.schema.require_sidecar()
        library = invocation.library(store)
        if library.arrivals is None or library.settling is None:
            raise AssertionError("found tables of ours and nothing that keeps them, needed both")
        from faces.answers.giving import Answers

        yield Answers(library.arrivals, library.settling)


def answer(invocation: Invocation, give: Give, sentence: Callable[[Answered], str]) -> int:
    """Give one answer, ask about everything unnamed near whoever has changed, and tell; 1 where nothing was written.

    Args:
        invocation: this run.
        give: gives the answer.
        sentence: tells of one that was written, without its entry.
    """
    from faces.answers.answer import GivenAnswer

    with answers_of(invocation) as answers:
        done = give(answers, GivenAnswer(speaker()))
        if done.entry is not None:
            answers.look_again()
    output = invocation.output
    tell_left(output, done)
    output.record(asdict(done))
    if done.entry is None:
        output.say("nothing was changed: all was as it was said already" if not done.left else "nothing was changed")
        return 1
    number = len(done.followed)
    hung = "1 face that hung on them follows" if number == 1 else f"{number} faces that hung on them follow"
    followed = f"; {hung}" if number else ""
    output.result(f"{sentence(done)}{followed}. `undo {done.entry}` takes it back")
    return 0


def number_of_faces(done: Answered) -> str:
    """Such as `1 face` or `12 faces`."""
    return "1 face" if len(done.faces) == 1 else f"{len(done.faces)} faces"


def tell_left(output: Output, done: Answered) -> None:
    """What an answer did not touch, and why; those of one reason in one line, which names a few."""
    by_reason: dict[str, list[str]] = {}
    for left in done.left:
        by_reason.setdefault(left.why, []).append(left.ref)
    for why, refs_ in by_reason.items():
        named = ", ".join(refs_[:_NAMED])
        more = f" and {len(refs_) - _NAMED} more" if len(refs_) > _NAMED else ""
        stay = "stays as it is" if len(refs_) == 1 else "stay as they are"
        output.say(f"{named}{more} {stay}: {why}")
