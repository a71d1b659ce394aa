from __future__ import annotations

import multiprocessing

import pytest

from face_api.server.figures import MASTER, Figures
from face_api.server.metrics import Metrics


def _count(figures: Figures, place: int | None) -> None:
    figures.use(place)
    figures.set("busy", 1)
    for _ in range(1000):
        figures.add("photos")
    figures.add("seconds", 0.25)


def in_a_fork(figures: Figures, place: int | None) -> None:
    process = multiprocessing.get_context("fork").Process(target=_count, args=(figures, place))
    process.start()
    process.join(30)
    assert process.exitcode == 0


def test_processes_count_into_one_sum_and_levels_are_each_ones_own() -> None:
    figures = Figures(4, ["busy"])
    figures.add("photos", 2)
    places = [figures.reserve(), figures.reserve()]
    for place in places:
        in_a_fork(figures, place)
    assert figures.counts() == {"photos": 2002, "seconds": 0.5}
    assert sum(level["busy"] for level in figures.levels()) == 2


def test_the_counts_of_the_dead_stay_and_their_place_is_given_out_again() -> None:
    figures = Figures(2, ["busy"])
    for generation in range(1, 6):
        place = figures.reserve()
        in_a_fork(figures, place)
        figures.end(place)
        assert figures.counts() == {"photos": 1000 * generation, "seconds": 0.25 * generation}
        assert sum(level["busy"] for level in figures.levels()) == 0
    assert figures.is_complete


def test_a_process_without_a_place_counts_nothing_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    figures = Figures(1, ["busy"])
    assert figures.reserve() is None
    _count(figures, None)
    assert figures.counts() == {}
    assert not figures.is_complete
    assert len(caplog.records) == 1
    figures.end(None)


def test_names_beyond_the_room_are_lost_and_the_others_counted_on() -> None:
    figures = Figures(1, ["busy"])
    for number in range(5000):
        figures.add(f"{number:0100}")
    figures.add(f"{0:0100}")
    counts = figures.counts()
    assert counts[f"{0:0100}"] == 2
    assert 500 < len(counts) < 5000
    assert not figures.is_complete
    figures.use(MASTER)


def test_the_page_has_buckets_that_grow_and_every_label() -> None:
    metrics = Metrics(1)
    metrics.count_photo({"faces": 2, "wait": 0.003, "total": 300.0})
    metrics.count_request("/encode", 200, None)
    metrics.count_request("/encode", 0, None)
    metrics.count_request("/encode", 503, "busy")
    metrics.set_engine(there=True, busy=False)
    metrics.set_fast(frozenset({"decode"}))
    page = metrics.page().decode().splitlines()
    for line in (
        'face_api_requests_total{path="/encode",status="200"} 1.0',
        'face_api_requests_total{path="/encode",status="gone"} 1.0',
        'face_api_errors_total{code="busy"} 1.0',
        "face_api_faces_total 2.0",
        'face_api_stage_seconds_bucket{le="0.005",stage="wait"} 1.0',
        'face_api_stage_seconds_bucket{le="240.0",stage="total"} 0.0',
        'face_api_stage_seconds_bucket{le="+Inf",stage="total"} 1.0',
        'face_api_stage_seconds_sum{stage="total"} 300.0',
        'face_api_stage_seconds_count{stage="wait"} 1.0',
        'face_api_fast{part="decode"} 1.0',
        'face_api_fast{part="scan"} 0.0',
        "face_api_engines 1.0",
        "face_api_figures_complete 1.0",
    ):
        assert line in page
