"""Figures for Prometheus, added up over all processes, also over those that were replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from face_api.server.figures import Figures
from faces.settings import FAST_PARTS

#: Seconds. A photo takes 0.1–5 s; waiting may take minutes.
_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 240, float("inf"))

_LEVELS = ("engines", "busy", "waiting", *FAST_PARTS)

#: Processes at a time for each one that is set: a reload starts the new ones before the old ones have ended.
_GENERATIONS = 3

#: And some more, for processes that end late.
_SPARE_PLACES = 8


class Metrics:
    """What is counted; made in the master, used in every process after the fork."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, processes: int) -> None:
        """Nothing is counted yet; `processes` are those that serve at a time."""
        self._figures = Figures(processes * _GENERATIONS + _SPARE_PLACES, _LEVELS)

    def reserve(self) -> int | None:
        """A place for the figures of a process that is to be forked. For the master only."""
        return self._figures.reserve()

    def use(self, place: int | None) -> None:
        """This process counts there from now on."""
        self._figures.use(place)

    def count_request(self, path: str, status: int, code: str | None) -> None:
        """One request is answered; `status` 0 means that its client left, `code` is the error's."""
        self._figures.add(_name("requests", path, status or "gone"))
        if code is not None:
            self._figures.add(_name("errors", code))

    def count_photo(self, notes: Mapping[str, Any]) -> None:
        """One photo is done; `notes` holds seconds by stage and perhaps `faces`."""
        self._figures.add("photos")
        self._figures.add("faces", notes.get("faces", 0))
        for stage, value in notes.items():
            if isinstance(value, float):
                bucket = next(number for number, most in enumerate(_BUCKETS) if value <= most)
                self._figures.add(_name("seconds", stage, bucket))
                self._figures.add(_name("sums", stage), value)

    def set_waiting(self, photos: int) -> None:
        """So many photos of this process wait."""
        self._figures.set("waiting", photos)

    def set_engine(self, there: bool, busy: bool) -> None:
        """This process's engine."""
        self._figures.set("engines", there)
        self._figures.set("busy", busy)

    def set_fast(self, fast: frozenset[str]) -> None:
        """What faster code does in this process."""
        for part in FAST_PARTS:
            self._figures.set(part, part in fast)

    def bury(self, place: int | None) -> None:
        """The process that counted there ended: its levels end, its counts stay. For the master only."""
        self._figures.add("ends")
        self._figures.end(place)

    def page(self) -> bytes:
        """What Prometheus reads: the sums over all processes."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """What is known now, as Prometheus' client wants it."""
        counts, levels = self._figures.counts(), self._figures.levels()
        yield _counter("requests", "Requests by path and status", ["path", "status"], counts)
        yield _counter("errors", "Answers with an error, by code", ["code"], counts)
        yield _sum("photos", "Photos that engines worked on", counts, "photos")
        yield _sum("faces", "Faces found", counts, "faces")
        yield _histogram(counts)
        yield _gauge("waiting", "Photos that wait for an engine", levels, "waiting")
        yield _gauge("engines_busy", "Engines at work", levels, "busy")
        yield _gauge("engines", "Engines", levels, "engines")
        yield _fast(levels)
        yield _sum("process_ends", "Processes that ended", counts, "ends")
        yield GaugeMetricFamily(
            "face_api_figures_complete",
            "Whether every figure found room (1); if not (0), these are too low until the service is restarted",
            value=self._figures.is_complete,
        )


def _name(figure: str, *labels: str | int) -> str:
    return "\n".join([figure, *map(str, labels)])


def _labelled(counts: Mapping[str, float], figure: str) -> list[tuple[list[str], float]]:
    """Labels and value of each count of this figure."""
    split = ((name.split("\n"), value) for name, value in sorted(counts.items()))
    return [(labels, value) for (first, *labels), value in split if first == figure]


def _counter(figure: str, meaning: str, labels: Sequence[str], counts: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(f"face_api_{figure}", meaning, labels=labels)
    for values, value in _labelled(counts, figure):
        family.add_metric(values, value)
    return family


def _sum(figure: str, meaning: str, counts: Mapping[str, float], name: str) -> Metric:
    return CounterMetricFamily(f"face_api_{figure}", meaning, value=counts.get(name, 0.0))


def _gauge(figure: str, meaning: str, levels: Sequence[Mapping[str, float]], name: str) -> Metric:
    return GaugeMetricFamily(f"face_api_{figure}", meaning, value=sum(level[name] for level in levels))


def _histogram(counts: Mapping[str, float]) -> Metric:
    family = HistogramMetricFamily("face_api_stage_seconds", "Seconds a photo spent in each stage", labels=["stage"])
    for [stage], seconds in _labelled(counts, "sums"):
        each = [counts.get(_name("seconds", stage, number), 0.0) for number in range(len(_BUCKETS))]
        bounds = map(floatToGoString, _BUCKETS)
        family.add_metric([stage], buckets=list(zip(bounds, accumulate(each), strict=True)), sum_value=seconds)
    return family


def _fast(levels: Sequence[Mapping[str, float]]) -> Metric:
    family = GaugeMetricFamily(
        "face_api_fast",
        "Whether faster code with the same numbers does this part (1), or dlib and Pillow do (0)",
        labels=["part"],
    )
    if serving := [level for level in levels if level["engines"]]:
        for part in FAST_PARTS:
            family.add_metric([part], min(level[part] for level in serving))
    return family
