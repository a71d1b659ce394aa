"""What the API counts beside requests: photos, seconds by stage, engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client.metrics_core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from faces.http.figures import Figures, counts_of, name_of
from faces.settings import FAST_PARTS

#: Seconds. A photo takes 0.1–5 s; waiting may take minutes.
_BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 240, float("inf"))

_GAUGES = ("engines", "busy", "waiting", *FAST_PARTS)


class Metrics(Figures):
    """The figures of the face API. The engine's thread counts photos."""

    def __init__(self, processes: int) -> None:
        """`processes` serve at a time."""
        super().__init__("face_api", processes, _GAUGES)

    def count_photo(self, notes: Mapping[str, Any]) -> None:
        """One photo is done; `notes` holds seconds by stage and perhaps `faces`."""
        self.counters.add("photos")
        self.counters.add("faces", notes.get("faces", 0))
        for stage, value in notes.items():
            if isinstance(value, float):
                bucket = next(number for number, most in enumerate(_BUCKETS) if value <= most)
                self.counters.add(name_of("seconds", stage, bucket))
                self.counters.add(name_of("sums", stage), value)

    def set_waiting(self, photos: int) -> None:
        self.counters.set("waiting", photos)

    def set_engine(self, there: bool, busy: bool) -> None:
        """Whether this process has an engine, and whether that has a photo in hand."""
        self.counters.set("engines", there)
        self.counters.set("busy", busy)

    def set_fast(self, fast: frozenset[str]) -> None:
        """The parts that faster code does in this process."""
        for part in FAST_PARTS:
            self.counters.set(part, part in fast)

    def own(self, counters: Mapping[str, float], gauges: Sequence[Mapping[str, float]]) -> Iterator[Metric]:
        yield self.sum("photos", "Photos that engines worked on", counters, "photos")
        yield self.sum("faces", "Faces found", counters, "faces")
        yield _histogram(counters)
        yield self.gauge("waiting", "Photos that wait for an engine", gauges, "waiting")
        yield self.gauge("engines_busy", "Engines at work", gauges, "busy")
        yield self.gauge("engines", "Engines", gauges, "engines")
        yield _fast(gauges)


def _histogram(counters: Mapping[str, float]) -> Metric:
    family = HistogramMetricFamily("face_api_stage_seconds", "Seconds a photo spent in each stage", labels=["stage"])
    for [stage], seconds in counts_of(counters, "sums"):
        each = [counters.get(name_of("seconds", stage, number), 0.0) for number in range(len(_BUCKETS))]
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
