"""What every HTTP door counts, and the text of /metrics for Prometheus.

Sums are over all processes, replaced ones included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from faces.http.server.shared_counters import SharedCounters

#: Processes at a time for each that the settings ask for: a reload starts new ones before the old ones have ended.
_GENERATIONS = 3

#: And some more, for processes that end late.
_SPARE_SLOTS = 8


class Figures:
    """Counts by name. Made in the master; after the fork each process counts into its own slot, from any thread.

    The event loop counts requests; the master gives out and takes back the slots. A door adds its own by `own`.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, door: str, processes: int, gauges: Sequence[str] = ()) -> None:
        """`door` is what names begin with; `processes` serve at a time; `gauges` are those of one process."""
        self._door = door
        self.counters = SharedCounters(processes * _GENERATIONS + _SPARE_SLOTS, gauges)

    def reserve(self) -> int | None:
        """A slot for a process that is to be forked. For the master only."""
        return self.counters.reserve()

    def use(self, slot: int | None) -> None:
        """This process counts there from now on."""
        self.counters.use(slot)

    def count_request(self, path: str, status: int, code: str | None) -> None:
        """One request is answered; `status` 0: the client disconnected before; `code` is the error's."""
        self.counters.add(name_of("requests", path, status or "gone"))
        if code is not None:
            self.counters.add(name_of("errors", code))

    def process_ended(self, slot: int | None) -> None:
        """The process that counted there ended: its gauges end, its counters stay. For the master only."""
        self.counters.add("ends")
        self.counters.end(slot)

    def page(self) -> bytes:
        """The text of /metrics."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Called by Prometheus' client library for `page`."""
        counters, gauges = self.counters.counters(), self.counters.gauges()
        yield self.labelled("requests", "Requests by path and status", ["path", "status"], counters)
        yield self.labelled("errors", "Answers with an error, by code", ["code"], counters)
        yield from self.own(counters, gauges)
        yield self.sum("process_ends", "Processes that ended", counters, "ends")
        yield GaugeMetricFamily(
            f"{self._door}_figures_complete",
            "Whether every figure found room (1); if not (0), these are too low until the service is restarted",
            value=self.counters.is_complete,
        )

    def own(self, counters: Mapping[str, float], gauges: Sequence[Mapping[str, float]]) -> Iterator[Metric]:
        """What this door counts beside requests."""
        yield from ()

    def labelled(self, metric: str, meaning: str, labels: Sequence[str], counters: Mapping[str, float]) -> Metric:
        """A counter for each combination of labels that `name_of` was called with."""
        family = CounterMetricFamily(f"{self._door}_{metric}", meaning, labels=labels)
        for values, value in counts_of(counters, metric):
            family.add_metric(values, value)
        return family

    def sum(self, metric: str, meaning: str, counters: Mapping[str, float], name: str) -> Metric:
        """One counter."""
        return CounterMetricFamily(f"{self._door}_{metric}", meaning, value=counters.get(name, 0.0))

    def gauge(self, metric: str, meaning: str, gauges: Sequence[Mapping[str, float]], name: str) -> Metric:
        """One gauge, summed over the processes."""
        return GaugeMetricFamily(f"{self._door}_{metric}", meaning, value=sum(one[name] for one in gauges))


def name_of(metric: str, *labels: str | int) -> str:
    """Under which name a metric with labels is counted."""
    return "\n".join([metric, *map(str, labels)])


def counts_of(counters: Mapping[str, float], metric: str) -> list[tuple[list[str], float]]:
    """Labels and value of each count of this metric."""
    split = ((name.split("\n"), value) for name, value in sorted(counters.items()))
    return [(labels, value) for (first, *labels), value in split if first == metric]
