"""Any sequence of photos, the app's changes, answers and undos: all that is derived is as made anew, and answers hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faces.library.upkeep.refresh import Refresh
from faces.store.database import Store
from tests.integration.faces.answers.answering_app import STEPS, Answering
from tests.integration.faces.library.upkeep.changing_app import COHORT, ChangingApp
from tests.integration.faces.library.upkeep.derived import Derived
from tests.integration.faces.library.upkeep.happenings import BEGINNING, Step, emptied, numbers, opened
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
    assert COHORT is process.arrivals.library.cohort
