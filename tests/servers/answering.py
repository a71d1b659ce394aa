"""Answers that a process of its own gives, which a test may kill at any statement of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from faces.answers import joins, people_marks, who_it_is, who_it_is_not
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.people.refs import Ref
from tests.servers.arriving import Arriving, Work

Said = Callable[[Answers, GivenAnswer, Sequence[str], str], Answered]

#: What can be said, of ids as people write them and a name, a person or an entry.
SAYING: dict[str, Said] = {
    "name": lambda answers, said, ids, who: who_it_is.name(answers, said, _refs(ids), _who(who)),
    "move": lambda answers, said, ids, who: who_it_is.move(answers, said, _refs(ids), _who(who)),
    "reject": lambda answers, said, ids, who: who_it_is_not.reject(answers, said, _refs(ids), _who(who)),
    "not face": lambda answers, said, ids, _: who_it_is_not.not_face(answers, said, _refs(ids)),
    "rename": lambda answers, said, ids, who: people_marks.rename(answers, said, _refs(ids)[0], who),
    "join": lambda answers, said, ids, _: joins.join(answers, said, _refs(ids)),
    "undo": lambda answers, said, _, entry: undo(answers, said, int(entry)),
}


def saying(what: str, uuid: str, ids: Sequence[str], who: str = "") -> Work:
    """To say this under this uuid; as work of a process."""
    return partial(_say, what, uuid, tuple(ids), who)


def _say(what: str, uuid: str, ids: Sequence[str], who: str, arriving: Arriving) -> None:
    SAYING[what](Answers(arriving.arrivals, arriving.settling), GivenAnswer("a process", uuid), ids, who)


def _refs(ids: Sequence[str]) -> list[Ref]:
    return [Ref.parse(one) for one in ids]


def _who(who: str) -> str | Ref:
    return Ref.parse(who) if who[:1] == "p" and who[1:].isdigit() else who
