"""After any photos, changes of the app's, answers and undos a search that followed has what one has that begins."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faces.library.search.exact_search import ExactSearch
from faces.store.database import Store
from tests.integration.faces.answers.answering_app import STEPS, Answering
from tests.integration.faces.library.search.plain_search import PlainSearch
from tests.integration.faces.library.upkeep.changing_app import ENCODINGS, ChangingApp
from tests.integration.faces.library.upkeep.happenings import BEGINNING, Step, emptied, numbers, opened

steps = st.lists(st.tuples(st.sampled_from(STEPS), numbers, numbers), min_size=5, max_size=40)

several = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))


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
def test_in_a_file(templates: dict[str, Path], disk: Path, version: str, sequence: list[Step]) -> None:
    with opened(templates[version], "searched.db") as (app, store):
        follow_and_compare(app, store, disk, sequence)


@pytest.mark.parametrize("server_url", ["v1", "v5"], indirect=True)
@several
@given(sequence=steps)
def test_beside_an_app_on_its_server(server_url: str, disk: Path, sequence: list[Step]) -> None:
    with emptied(server_url) as (app, store):
        follow_and_compare(app, store, disk, sequence)


def follow_and_compare(app: ChangingApp, store: Store, disk: Path, sequence: list[Step]) -> None:
    answering, search, plain = Answering(app, store, disk), ExactSearch(store, None), PlainSearch(store)
    for number, step in enumerate([*BEGINNING, *sequence]):
        answering.do(step)
        if number % 3 == 0:
            search.follow()
            plain.follow()
            assert search.nearest(ENCODINGS[::9], 1000) == plain.nearest(ENCODINGS[::9], 1000)
    answering.processes[0].changes.look()
    search.follow()
    plain.follow()
    assert search.nearest(ENCODINGS[::9], 1000) == plain.nearest(ENCODINGS[::9], 1000)
