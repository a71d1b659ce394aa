"""Whatever the app does to its rows, and whenever we look: our tables say what they would say if made anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from faces.library.upkeep.refresh import Differences, Refresh
from tests.integration.faces.library.upkeep.derived import Derived
from tests.integration.faces.library.upkeep.happenings import Step, emptied, opened, run, steps


@pytest.mark.parametrize("version", ["our own", "v2", "v4", "v5"])
@settings(
    max_examples=int(__import__("os").environ.get("N", "10")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sequence=steps)
def test_after_any_changes_and_looks_all_that_is_derived_equals_what_is_made_anew(
    templates: dict[str, Path], version: str, sequence: list[Step]
) -> None:
    with opened(templates[version]) as (app, store):
        process = run(app, store, sequence)
        Derived(app).check()
        assert Refresh(process.arrivals, keep=False).run() == Differences()


@pytest.mark.parametrize("server_url", ["v1", "v2 made new", "v3", "v4", "v5"], indirect=True)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=steps)
def test_the_same_on_an_apps_server(server_url: str, sequence: list[Step]) -> None:
    with emptied(server_url) as (app, store):
        process = run(app, store, sequence)
        Derived(app).check()
        assert Refresh(process.arrivals, keep=False).run() == Differences()
