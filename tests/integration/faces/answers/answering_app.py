"""Two of our processes in which two people answer, beside an app that changes rows; and what must hold of it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from faces.answers import joins, people_marks, splits, who_it_is, who_it_is_not
from faces.answers.added import DrawnFace, add
from faces.answers.answer import Answered, GivenAnswer
from faces.answers.click import click, scope_of_click
from faces.answers.giving import Answers
from faces.answers.held_faces import HeldFaces
from faces.answers.row_style import RowStyle
from faces.answers.scope import Scope
from faces.answers.undo import undo
from faces.client.face_client import FaceClient
from faces.errors import RequestError, SchemaError
from faces.laravel.disks import Disks
from faces.library.calibrated import Calibrated
from faces.people.kept_face import KeptFace
from faces.people.linking import Linking
from faces.people.refs import Ref
from faces.photo.face import Quality, RatioBox
from faces.store import faces
from faces.store.database import Store, Transaction
from faces.store.who import identities_of
from tests.integration.faces.answers.what_was_said import WhatWasSaid
from tests.integration.faces.library.upkeep.changing_app import ENCODINGS, NAMES, ChangingApp, Process
from tests.integration.faces.library.upkeep.happenings import DOINGS, LOOKS, Step, do
from tests.servers.fake_api import FakeApi
from worker.jobs.context import Context
from worker.jobs.faces import Tools, process_image

ACTORS = ("ann's phone", "ben's desk")

#: Steps that are no program's of the app's.
OURS = frozenset({"settle", "our job", "our job links", *LOOKS})

Verb = Callable[["Answering", Answers, GivenAnswer, int, int], Answered]


class Answering:
    """An app, two processes of ours, and what has been said."""

    def __init__(self, app: ChangingApp, store: Store, folder: Path) -> None:
        self.app, self.store, self._folder = app, store, folder
        self.processes = [Process.start(store), Process.start(store)]
        self.answers = [Answers(process.arrivals, process.settling) for process in self.processes]
        self.said = WhatWasSaid(app)
        self.given: list[Answered] = []

    def do(self, step: Step) -> None:
        """A step of the app's, of ours, or an answer, by one of both processes."""
        what, one, other = step
        if what in VERBS:
            self.answer(what, one, other)
        elif what == "our redo":
            self._redo(one, other)
        elif what == "look again":
            self.answers[one % 2].look_again()
        elif what in OURS:
            do(self.app, self.processes, step)
        else:
            with self.said.changes_of_the_app():
                do(self.app, self.processes, step)

    def answer(self, what: str, one: int, other: int) -> Answered | None:
        """Give an answer, and now and then once more under its uuid; None where it was refused."""
        which = (one + other) % 2
        answer = GivenAnswer(ACTORS[which])
        with self.said.only_what_is_entered(answer.uuid) as entered, suppress(RequestError, SchemaError):
            done = VERBS[what](self, self.answers[which], answer, one, other)
            entered.append(done.entry)
            self.given.append(done)
            if other % 5 == 0 and done.entry is not None:
                again = VERBS[what](self, self.answers[1 - which], answer, one, other)
                assert (again.entry, again.again) == (done.entry, True)
            return done
        return None

    def _redo(self, one: int, other: int) -> None:
        """A photo is done again: its faces in another order, one of them not found any more, or one more."""
        images = self.app.rows.read("SELECT id FROM images ORDER BY id")
        if not images:
            return
        image = images[one % len(images)]["id"]
        found = list(self._encodings(image).values())[:: 1 if other % 2 else -1]
        found = found[1:] if other % 3 == 0 else found
        found += [ENCODINGS[other % len(ENCODINGS)]] if other % 7 == 0 else []
        process = self.processes[other % 2]
        with httpx2.Client(transport=httpx2.MockTransport(FakeApi(found=found)), base_url="http://api") as http:
            tools = Tools(
                self.store,
                FaceClient(http),
                Disks.of({"photos": self._folder}),
                Linking(0.6),
                Calibrated(process.arrivals.library, identities_of(self.store.schema)),
                debug_pictures=False,
                arrivals=process.arrivals,
            )
            process_image(tools, image, Context())

    def _encodings(self, image: int) -> dict[int, np.ndarray]:
        rows = self.app.rows.read("SELECT id, encoding FROM faces WHERE image_id = :id ORDER BY id", id=image)
        texts = {row["encoding"]: row["id"] for row in rows if row["encoding"] and len(row["encoding"]) > 100}
        return {face: np.array(__import__("json").loads(text)) for text, face in texts.items()}

    # --- who is meant ---

    def face(self, number: int) -> Ref:
        """One of the faces that there are."""
        return Ref("face", self.app.face(number) or 1)

    def refs(self, number: int, other: int) -> list[Ref]:
        """A face, two faces, or the group of a face."""
        face = self.face(number)
        if other % 3 == 0 and (group := self.said.group_of(face.id)):
            return [Ref("group", group)]
        return [face, self.face(number + 1)] if other % 3 == 1 and self.face(number + 1) != face else [face]

    def who(self, number: int) -> str | Ref:
        """A name, or a person's id; where the app keeps persons the id alone means anything."""
        people = self.said.people()
        if people and (self.app.has_persons or number % 4 == 0):
            return Ref("person", people[number % len(people)])
        return NAMES[number % len(NAMES)]

    def person(self, number: int) -> Ref:
        """One of those who have a name."""
        people = self.said.people()
        return Ref("person", people[number % len(people)] if people else 1)

    def image(self, number: int) -> int:
        """One of the photos that there are."""
        images = self.app.rows.read("SELECT id FROM images ORDER BY id")
        return images[number % len(images)]["id"] if images else 1

    def entry(self, number: int) -> int:
        """An entry of the ledger, the newest ones first."""
        entries = self.said.entries()
        return entries[-1 - number // 4 % len(entries)] if entries else 1


def _name(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    refs, who = the.refs(one, other), the.who(one)
    done = who_it_is.name(answers, answer, refs, who)
    the.said.named(done, refs, who)
    return done


def _move(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    refs, who = the.refs(one, other), the.who(other)
    done = who_it_is.move(answers, answer, refs, who)
    the.said.named(done, refs, who)
    return done


def _confirm(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    refs = the.refs(one, other)
    people = the.said.people()
    if other % 4 == 0 and people:
        refs = [Ref("person", people[one % len(people)])]
    done = who_it_is.confirm(answers, answer, refs)
    the.said.confirmed(done)
    return done


def _reject(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    refs, who = the.refs(one, other), None if other % 2 else the.who(other)
    done = who_it_is_not.reject(answers, answer, refs, who)
    the.said.rejected(done, refs, who)
    return done


def _apart(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    people = the.said.people()
    first, second = the.refs(one, other)[0], the.refs(other, one)[0]
    if people and one % 3 == 0:
        second = Ref("person", people[other % len(people)])
    done = who_it_is_not.apart(answers, answer, first, second)
    the.said.apart(done, first, second)
    return done


def _take_out(verb: Callable[..., Answered], what: str) -> Verb:
    def take_out(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
        refs = the.refs(one, other)
        done = verb(answers, answer, refs)
        the.said.taken_out(done, refs, what)
        return done

    return take_out


def _join(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    people = the.said.people()
    if other % 2 and len(people) > 1:
        refs = [Ref("person", people[(one + place) % len(people)]) for place in range(2)]
    else:
        groups = [the.said.group_of(the.face(number).id) for number in (one, other)]
        refs = [Ref("group", group or 1) for group in dict.fromkeys(groups)]
    done = joins.join(answers, answer, refs)
    the.said.joined(done, refs)
    return done


def _split(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    people, face = the.said.people(), the.face(one)
    whole = Ref("group", the.said.group_of(face.id) or 1)
    if other % 2 and people:
        whole = Ref("person", people[other % len(people)])
    done = splits.split(answers, answer, whole, [face])
    the.said.taken_away(done)
    return done


def _rename(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    done = people_marks.rename(answers, answer, the.person(one), (*NAMES, "Dora")[other % 5])
    the.said.taken_away(done, holding=True)
    return done


def _forget(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    done = people_marks.forget(answers, answer, the.person(other))
    the.said.taken_away(done)
    return done


def _mark(verb: Callable[..., Answered], mark: str) -> Verb:
    def give(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
        people = list(dict.fromkeys(the.person(number) for number in (one, one + other % 3)))
        done = verb(answers, answer, people, off=other % 4 == 0)
        the.said.marked(done, people, mark, int(other % 4 != 0))
        return done

    return give


def _cover(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    person, face = the.person(one), the.face(other)
    theirs = the.said.faces_of(person.id)
    if theirs and other % 4:
        face = Ref("face", theirs[other % len(theirs)])
    done = people_marks.cover(answers, answer, person, face)
    the.said.marked(done, [person], "cover", face.id)
    return done


def _add(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    quality = Quality(float(one), 1.0, 1.0, 1.0, 1.0) if other % 2 else None
    drawn = DrawnFace(ENCODINGS[other % len(ENCODINGS)], quality, RatioBox(0.1, 0.4, 0.3, 0.2))
    who = the.who(one) if one % 3 else None
    done = add(answers, answer, the.image(one), drawn, who)
    the.said.added(done, who)
    return done


def _enrol(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    face, name = the.face(one).id, NAMES[other % len(NAMES)]
    identities_of(the.store.schema).require_naming("enrol")

    def row_of(transaction: Transaction) -> tuple[int, KeptFace]:
        image = faces.image_of(transaction, face)
        found = [] if image is None else [row for row in faces.of_image(transaction, image) if row.id == face]
        if image is None or not found:
            raise RequestError(f"found no face {face}, needed one that is there")
        return image, found[0]

    def scope(transaction: Transaction) -> Scope:
        return scope_of_click(transaction, *row_of(transaction), name)

    def says(held: HeldFaces, style: RowStyle) -> None:
        row_of(held.transaction)
        click(held, style, face, name)

    done = answers.give(answer, "enrolled", scope, says)
    the.said.enrolled(done, face, name)
    return done


def _undo(the: Answering, answers: Answers, answer: GivenAnswer, one: int, other: int) -> Answered:
    entry = the.entry(one * 48 + other)
    done = undo(answers, answer, entry)
    the.said.undone(done, entry)
    return done


VERBS: Mapping[str, Verb] = {
    "say name": _name,
    "say move": _move,
    "say confirm": _confirm,
    "say reject": _reject,
    "say apart": _apart,
    "say stranger": _take_out(who_it_is_not.stranger, "unknown"),
    "say no face": _take_out(who_it_is_not.not_face, "not_face"),
    "say unknown": _take_out(who_it_is_not.unknown, "process"),
    "say join": _join,
    "say split": _split,
    "say rename": _rename,
    "say forget": _forget,
    "say hide": _mark(people_marks.hide, "hidden"),
    "say favourite": _mark(people_marks.favourite, "favourite"),
    "say cover": _cover,
    "say add": _add,
    "say enrol": _enrol,
    "undo": _undo,
}

#: All that happens, answers and undos most.
STEPS: list[Any] = [*DOINGS, *LOOKS, "our redo", "look again", "settle", *list(VERBS) * 2, *["undo", "say name"] * 4]
