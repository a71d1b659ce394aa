"""After any photos, changes of the app's, answers and undos all that is derived is as made anew, and answers hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faces.answers.answer import GivenAnswer
from faces.answers.undo import undo
from faces.library.upkeep.refresh import Refresh
from faces.store.database import Store
from tests.integration.faces.answers.answering_app import ACTORS, STEPS, VERBS, Answering
from tests.integration.faces.library.upkeep.changing_app import ChangingApp
from tests.integration.faces.library.upkeep.derived import Derived
from tests.integration.faces.library.upkeep.happenings import BEGINNING, Step, emptied, numbers, opened
from tests.servers.all_facts import all_facts, differing
from tests.servers.library_verdict import unlike_a_fresh_one

steps = st.lists(st.tuples(st.sampled_from(STEPS), numbers, numbers), min_size=3, max_size=30)

several = settings(
    max_examples=int(os.environ.get("N", "6")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a file for every photo."""
    folder = tmp_path_factory.mktemp("disk")
    (folder / "2020").mkdir()
    for number in range(48):
        (folder / f"2020/{number}.jpg").write_bytes(b"a photo")
    return folder


@pytest.mark.parametrize("version", ["our own", "v2", "v5"])
@several
@given(sequence=steps)
def test_after_any_answers_all_is_as_made_anew_and_what_was_said_holds(
    templates: dict[str, Path], disk: Path, version: str, sequence: list[Step]
) -> None:
    with opened(templates[version]) as (app, store):
        run_and_check(app, store, disk, sequence)


@pytest.mark.parametrize("server_url", ["v1", "v2", "v5"], indirect=True)
@several
@given(sequence=steps)
def test_the_same_beside_an_app_on_its_server(server_url: str, disk: Path, sequence: list[Step]) -> None:
    with emptied(server_url) as (app, store):
        run_and_check(app, store, disk, sequence)


answers = st.lists(st.tuples(st.sampled_from(list(VERBS)), numbers, numbers), min_size=2, max_size=12)


@pytest.mark.parametrize("version", ["our own", "v5"])
@several
@given(sequence=steps, said=answers)
def test_all_answers_taken_back_newest_first_leave_the_facts_of_before_to_the_bit(
    templates: dict[str, Path], disk: Path, version: str, sequence: list[Step], said: list[Step]
) -> None:
    with opened(templates[version]) as (app, store):
        answer_and_take_back(app, store, disk, sequence, said)


def answer_and_take_back(app: ChangingApp, store: Store, disk: Path, sequence: list[Step], said: list[Step]) -> None:
    """Let anything happen, answer, and undo what is in force of that."""
    answering = Answering(app, store, disk)
    for step in [*BEGINNING, *sequence]:
        answering.do(step)
    answering.processes[0].changes.look()
    before, newest = all_facts(answering.said.read), max(answering.said.entries(), default=0)
    for step in said:
        answering.do(step)
    # Undos, too: such as left something do not cancel out with what they took back.
    entries = [entry for entry in answering.said.entries() if entry > newest]
    for place, entry in enumerate(reversed(entries)):
        done = undo(answering.answers[place % 2], GivenAnswer(ACTORS[place % 2]), entry)
        assert done.left == ()
    difference = differing(before, all_facts(answering.said.read))
    assert difference == "", difference
    Derived(app).check()
    assert Refresh(answering.processes[1].arrivals, keep=False).run().is_nothing


def run_and_check(app: ChangingApp, store: Store, disk: Path, sequence: list[Step]) -> None:
    """Do it all, take in what the app has changed, and see that everything is as it must be."""
    answering = Answering(app, store, disk)
    for step in [*BEGINNING, *sequence]:
        answering.do(step)
    answering.processes[0].changes.look()
    Derived(app).check()
    answering.said.check()
    assert Refresh(answering.processes[1].arrivals, keep=False).run().is_nothing
    for process in answering.processes:
        assert unlike_a_fresh_one(store, process.arrivals.library) == []
