"""After any photos, changes of the app's, answers and undos all that is derived is as made anew, and answers hold."""

from __future__ import annotations

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
    max_examples=2,
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


#: What went wrong once, as short as it was found, and where.
WENT_WRONG: dict[str, tuple[str, list[Step]]] = {
    "a linked face is apart from its person": ("our own", [("our job links", 35, 45), ("say apart", 15, 34)]),
    "a member is deleted unseen before its group is joined": (
        "our own",
        [("remove", 38, 42), ("force-delete image", 13, 30), ("force-delete", 8, 29), ("say join", 0, 41)],
    ),
    "somebody who lost the name has a face again": (
        "our own",
        [
            *[("our job", 7, 4), ("our job links", 47, 1), ("remove person", 19, 3), ("say rename", 27, 42)],
            *[("say forget", 33, 12), ("new person", 13, 45), ("say name", 14, 33), ("say stranger", 32, 7)],
            *[("undo", 17, 4), ("say apart", 12, 15), ("unknown", 28, 45), ("our job links", 12, 23), ("undo", 25, 8)],
        ],
    ),
    "an undone link's group was offered the same person": (
        "v2",
        [
            *[("new encoding", 29, 29), ("look", 40, 40), ("force-delete", 3, 38), ("say name", 40, 47)],
            *[("look again", 29, 22), ("say name", 19, 23), ("say split", 20, 34), ("settle", 34, 15)],
            *[("undo", 13, 29), ("unknown", 29, 7)],
        ],
    ),
    "an answered face is looked at before its parent that was renamed": (
        "v2",
        [
            *[("say apart", 28, 15), ("say stranger", 11, 1), ("look", 2, 30), ("say reject", 16, 8)],
            *[("say stranger", 3, 32), ("remove", 30, 7), ("say name", 35, 24), ("photo by PHP", 29, 42)],
            *[("look again", 5, 0), ("say unknown", 37, 22), ("open", 34, 20), ("remove", 19, 17)],
            *[("say name", 0, 29), ("settle", 37, 37), ("say reject", 1, 11), ("name", 22, 13)],
            *[("our job links", 43, 9), ("our job", 27, 19)],
        ],
    ),
    "a person of the app's is removed": (
        "v5",
        [
            ("say apart", 13, 21),
            ("remove person", 11, 25),
            ("look", 29, 20),
            ("say unknown", 7, 39),
            ("say name", 31, 37),
        ],
    ),
    "when a linked face's photo was taken is known late": ("v2", [("look", 9, 16), ("metadata", 31, 43)]),
    "a group that gets a name has a face that is somebody untold": (
        "v5",
        [("ok", 13, 16), ("our job", 16, 10), ("say join", 5, 46), ("name", 45, 18)],
    ),
    "somebody else has the name of a person who is renamed again": (
        "v2",
        [
            *[("look", 43, 7), ("say forget", 27, 20), ("force-delete image", 21, 22), ("say name", 1, 5)],
            ("undo", 41, 46),
        ],
    ),
}

#: The same of answers that are all taken back: what happened before, and what was said.
NOT_AS_BEFORE: dict[str, tuple[str, list[Step], list[Step]]] = {
    "a face was in its person's group before": ("v5", [("new person", 11, 45)], [("say name", 47, 22)]),
    "a link to nobody hangs on what changes": ("our own", [("move parent", 2, 20)], [("say no face", 0, 3)]),
    "a link to nobody is named": ("our own", [("move parent", 28, 36)], [("say name", 28, 34)]),
    "somebody is offered who is no more": (
        "our own",
        [("say name", 43, 37), ("look again", 14, 9), ("undo", 36, 27)],
        [("say confirm", 9, 33)],
    ),
    "a confirmed face hangs on nobody": (
        "our own",
        [("name", 6, 12), ("force-delete image", 39, 26), ("move parent", 32, 38)],
        [("say forget", 34, 34)],
    ),
    "a person's name is spelled in two ways": (
        "our own",
        [("say name", 13, 27)],
        [("say rename", 29, 38), ("say name", 14, 40), ("say join", 2, 43)],
    ),
    "faces hang on each other": ("our own", [("move parent", 0, 35)], [("say no face", 20, 36)]),
    "a face has another name than its person": (
        "our own",
        [("photo without a time", 30, 2), ("photo by PHP", 24, 47), ("say name", 13, 27), ("name", 30, 23)],
        [("say join", 2, 43)],
    ),
    "a person was not known by the best face": (
        "our own",
        [("photo by PHP", 38, 43), ("name", 16, 1)],
        [("say forget", 18, 2)],
    ),
    "a group was nobody's again, and no face of it changes": (
        "v5",
        [("look", 46, 22), ("say move", 37, 42), ("say name", 2, 47), ("open", 17, 37)],
        [("undo", 14, 43)],
    ),
    "faces have not heard yet that nobody is offered for their group": (
        "v2",
        [("say add", 9, 17), ("say name", 26, 23), ("settle", 16, 5)],
        [("say move", 27, 32), ("say forget", 13, 20), ("say confirm", 29, 11)],
    ),
    "a face is linked to one that the app has hung elsewhere": (
        "v2",
        [("linked photo by PHP", 45, 34), ("move parent", 17, 2)],
        [("say move", 39, 47)],
    ),
    "a person without a name had one for a while": ("our own", [("ok", 11, 45)], [("say enrol", 11, 3)]),
    "an undo of an undo is among them": (
        "v2",
        [("linked photo by PHP", 25, 33)],
        [("say apart", 45, 14), ("undo", 47, 23), ("undo", 6, 43)],
    ),
}


@pytest.mark.parametrize("what", WENT_WRONG)
def test_what_went_wrong_once(templates: dict[str, Path], disk: Path, what: str) -> None:
    version, sequence = WENT_WRONG[what]
    with opened(templates[version]) as (app, store):
        run_and_check(app, store, disk, sequence)


@pytest.mark.parametrize("what", NOT_AS_BEFORE)
def test_what_was_not_as_before_once(templates: dict[str, Path], disk: Path, what: str) -> None:
    version, sequence, said = NOT_AS_BEFORE[what]
    with opened(templates[version]) as (app, store):
        answer_and_take_back(app, store, disk, sequence, said)


answers = st.lists(st.tuples(st.sampled_from(list(VERBS)), numbers, numbers), min_size=2, max_size=12)


@pytest.mark.parametrize("version", ["our own", "v2", "v5"])
@several
@given(sequence=steps, said=answers)
def test_all_answers_taken_back_newest_first_leave_the_facts_of_before_and_their_undos_of_after_to_the_bit(
    templates: dict[str, Path], disk: Path, version: str, sequence: list[Step], said: list[Step]
) -> None:
    with opened(templates[version]) as (app, store):
        answer_and_take_back(app, store, disk, sequence, said)


def answer_and_take_back(app: ChangingApp, store: Store, disk: Path, sequence: list[Step], said: list[Step]) -> None:
    """Let anything happen, answer, undo what is in force of that, and undo these undos."""
    answering = Answering(app, store, disk)
    for step in [*BEGINNING, *sequence]:
        answering.do(step)
    answering.processes[0].changes.look()
    before, newest = all_facts(answering.said.read), max(answering.said.entries(), default=0)
    for step in said:
        answering.do(step)
    after = all_facts(answering.said.read)
    # Undos, too: such as left something do not cancel out with what they took back.
    entries = [entry for entry in answering.said.entries() if entry > newest]
    for expected in (before, after):
        undone = []
        for place, entry in enumerate(reversed(entries)):
            done = undo(answering.answers[place % 2], GivenAnswer(ACTORS[place % 2]), entry)
            assert done.left == ()
            undone += [] if done.entry is None else [done.entry]
        difference = differing(expected, all_facts(answering.said.read))
        assert difference == "", difference
        Derived(app).check()
        assert Refresh(answering.processes[1].arrivals, keep=False).run().is_nothing
        entries = undone


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
