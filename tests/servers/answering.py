"""Answers that a process of its own gives, which a test may kill at any statement of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from faces.answers import joins, people_marks, splits, who_it_is, who_it_is_not
from faces.answers.added import DrawnFace, add
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.giving import Answers
from faces.answers.undo import undo
from faces.library.opening import OpenLibrary
from faces.people.refs import Ref
from faces.photo.face import RatioBox
from faces.store.who import identities_of
from tests.servers.arriving import Arriving, Work
from tests.unit.faces.people.made_people import made_people
from worker.commands.enrol import enrol_face
from worker.commands.face_naming import Enrolled

Said = Callable[[Answers, GivenAnswer, Sequence[str], str], Answered | Enrolled]

#: What can be said, of ids as people write them and a name, a person or an entry.
SAYING: dict[str, Said] = {
    "name": lambda answers, said, ids, who: who_it_is.name(answers, said, _refs(ids), _who(who)),
    "confirm": lambda answers, said, ids, _: who_it_is.confirm(answers, said, _refs(ids)),
    "move": lambda answers, said, ids, who: who_it_is.move(answers, said, _refs(ids), _who(who)),
    "enrol": lambda answers, _, ids, who: _enrol(answers, _refs(ids)[0], who),
    "add": lambda answers, said, ids, who: add(answers, said, int(ids[0]), _drawn(), _who(who)),
    "reject": lambda answers, said, ids, who: who_it_is_not.reject(answers, said, _refs(ids), _who(who)),
    "apart": lambda answers, said, ids, _: who_it_is_not.apart(answers, said, *_refs(ids)),
    "stranger": lambda answers, said, ids, _: who_it_is_not.stranger(answers, said, _refs(ids)),
    "not face": lambda answers, said, ids, _: who_it_is_not.not_face(answers, said, _refs(ids)),
    "unknown": lambda answers, said, ids, _: who_it_is_not.unknown(answers, said, _refs(ids)),
    "join": lambda answers, said, ids, _: joins.join(answers, said, _refs(ids)),
    "split": lambda answers, said, ids, _: splits.split(answers, said, _refs(ids)[0], _refs(ids)[1:]),
    "rename": lambda answers, said, ids, who: people_marks.rename(answers, said, _refs(ids)[0], who),
    "hide": lambda answers, said, ids, _: people_marks.hide(answers, said, _refs(ids)),
    "favourite": lambda answers, said, ids, _: people_marks.favourite(answers, said, _refs(ids)),
    "cover": lambda answers, said, ids, _: people_marks.cover(answers, said, *_refs(ids)),
    "forget": lambda answers, said, ids, _: people_marks.forget(answers, said, _refs(ids)[0]),
    "undo": lambda answers, said, _, entry: undo(answers, said, int(entry)),
}


def saying(what: str, uuid: str, ids: Sequence[str], who: str = "") -> Work:
    """To say this under this uuid, and to ask again about who may be somebody who has changed; as work of a process."""
    return partial(_say, what, uuid, tuple(ids), who)


def _say(what: str, uuid: str, ids: Sequence[str], who: str, arriving: Arriving) -> None:
    answers = Answers(arriving.arrivals, arriving.settling)
    SAYING[what](answers, GivenAnswer("a process", uuid), ids, who)
    answers.look_again()


def _enrol(answers: Answers, face: Ref, name: str) -> Enrolled:
    store = answers.arrivals.store
    library = OpenLibrary(identities_of(store.schema), answers.arrivals, answers.settling, is_calibrated=True)
    return enrol_face(store, name, face.id, rename=True, library=library)


def _drawn() -> DrawnFace:
    """Of somebody whom no album has."""
    return DrawnFace(made_people(1, seed=91)[0], None, RatioBox(0.1, 0.4, 0.3, 0.2))


def _refs(ids: Sequence[str]) -> list[Ref]:
    return [Ref.parse(one) for one in ids]


def _who(who: str) -> str | Ref:
    return Ref.parse(who) if who[:1] == "p" and who[1:].isdigit() else who
