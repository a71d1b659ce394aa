"""What the API counts, and the text of /metrics for Prometheus: sums over all processes, replaced ones included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from face_api.server.shared_counters import SharedCounters
from faces.settings import FAST_PARTS

#: Seconds. A photo takes 0.1–5 s; waiting may take minutes.
_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 240, float("inf"))

_GAUGES = ("engines", "busy", "waiting", *FAST_PARTS)

#: Processes at a time for each that the settings ask for: a reload starts new ones before the old ones have ended.
_GENERATIONS = 3

#: And some more, for processes that end late.
_SPARE_SLOTS = 8


class Metrics:
    """Counts by name. Made in the master; after the fork each process counts into its own slot, from any thread.

    The event loop counts requests, the engine's thread photos; the master gives out and takes back the slots.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, processes: int) -> None:
        """`processes` serve at a time."""
        self._counters = SharedCounters(processes * _GENERATIONS + _SPARE_SLOTS, _GAUGES)

    def reserve(self) -> int | None:
        """A slot for a process that is to be forked. For the master only."""
        return self._counters.reserve()

    def use(self, slot: int | None) -> None:
        """This process counts there from now on."""
        self._counters.use(slot)

    def count_request(self, path: str, status: int, code: str | None) -> None:
        """One request is answered; `status` 0: the client disconnected before; `code` is the error's."""
        self._counters.add(_name("requests", path, status or "gone"))
        if code is not None:
            self._counters.add(_name("errors", code))

    def count_photo(self, notes: Mapping[str, Any]) -> None:
        """One photo is done; `notes` holds seconds by stage and perhaps `faces`."""
        self._counters.add("photos")
        self._counters.add("faces", notes.get("faces", 0))
        for stage, value in notes.items():
            if isinstance(value, float):
                bucket = next(number for number, most in enumerate(_BUCKETS) if value <= most)
                self._counters.add(_name("seconds", stage, bucket))
                self._counters.add(_name("sums", stage), value)

    def set_waiting(self, photos: int) -> None:
        self._counters.set("waiting", photos)

    def set_engine(self, there: bool, busy: bool) -> None:
        """Whether this process has an engine, and whether that has a photo in hand."""
        self._counters.set("engines", there)
        self._counters.set("busy", busy)

    def set_fast(self, fast: frozenset[str]) -> None:
        """The parts that faster code does in this process."""
        for part in FAST_PARTS:
            self._counters.set(part, part in fast)

    def process_ended(self, slot: int | None) -> None:
        """The process that counted there ended: its gauges end, its counters stay. For the master only."""
        self._counters.add("ends")
        self._counters.end(slot)

    def page(self) -> bytes:
        """The text of /metrics."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Called by Prometheus' client library for `page`."""
        counters, gauges = self._counters.counters(), self._counters.gauges()
        yield _counter("requests", "Requests by path and status", ["path", "status"], counters)
        yield _counter("errors", "Answers with an error, by code", ["code"], counters)
        yield _sum("photos", "Photos that engines worked on", counters, "photos")
        yield _sum("faces", "Faces found", counters, "faces")
        yield _histogram(counters)
        yield _gauge("waiting", "Photos that wait for an engine", gauges, "waiting")
        yield _gauge("engines_busy", "Engines at work", gauges, "busy")
        yield _gauge("engines", "Engines", gauges, "engines")
        yield _fast(gauges)
        yield _sum("process_ends", "Processes that ended", counters, "ends")
        yield GaugeMetricFamily(
            "face_api_figures_complete",
            "Whether every figure found room (1); if not (0), these are too low until the service is restarted",
            value=self._counters.is_complete,
        )


def _name(metric: str, *labels: str | int) -> str:
    return "\n".join([metric, *map(str, labels)])


def _labelled(counters: Mapping[str, float], metric: str) -> list[tuple[list[str], float]]:
    """Labels and value of each count of this metric."""
    split = ((name.split("\n"), value) for name, value in sorted(counters.items()))
    return [(labels, value) for (first, *labels), value in split if first == metric]


def _counter(metric: str, meaning: str, labels: Sequence[str], counters: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(f"face_api_{metric}", meaning, labels=labels)
    for values, value in _labelled(counters, metric):
        family.add_metric(values, value)
    return family


def _sum(metric: str, meaning: str, counters: Mapping[str, float], name: str) -> Metric:
    return CounterMetricFamily(f"face_api_{metric}", meaning, value=counters.get(name, 0.0))


def _gauge(metric: str, meaning: str, gauges: Sequence[Mapping[str, float]], name: str) -> Metric:
    return GaugeMetricFamily(f"face_api_{metric}", meaning, value=sum(one[name] for one in gauges))


def _histogram(counters: Mapping[str, float]) -> Metric:
    family = HistogramMetricFamily("face_api_stage_seconds", "Seconds a photo spent in each stage", labels=["stage"])
    for [stage], seconds in _labelled(counters, "sums"):
        each = [counters.get(_name("seconds", stage, number), 0.0) for number in range(len(_BUCKETS))]
        bounds = map(floatToGoString, _BUCKETS)
        family.add_metric([stage], buckets=list(zip(bounds, accumulate(each), strict=True)), sum_value=seconds)
    return family


def _fast(gauges: Sequence[Mapping[str, float]]) -> Metric:
    family = GaugeMetricFamily(
        "face_api_fast",
        "Whether faster code with the same numbers does this part (1), or dlib and Pillow do (0)",
        labels=["part"],
    )
    if serving := [one for one in gauges if one["engines"]]:
        for part in FAST_PARTS:
            family.add_metric([part], min(one[part] for one in serving))
    return family
