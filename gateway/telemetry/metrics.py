"""How is what happened kept for Prometheus? One counter, one histogram and one gauge a kind of call.

With ``PROMETHEUS_MULTIPROC_DIR`` in the environment before this module is imported, all workers that have the same folder
there keep their numbers in it, and whichever is asked answers for all of them.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric as PrometheusMetric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway.telemetry.catalogue import (
    CATALOGUE,
    HOPS,
    OTHER,
    REPLAYS,
    UNMAPPED_CODES,
    UNMAPPED_FIELDS,
    HopMetrics,
    Kind,
    Metric,
)
from gateway.telemetry.record import CallRecord, Hop
from gateway.telemetry.sink import Sink

__all__ = ["Metrics", "Reading", "Series"]

disable_created_metrics()  # type: ignore[no-untyped-call]  # when a series began is nobody's question here

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_WORD: Final = re.compile(r"[\w.]{1,128}", re.ASCII)
_FOREIGN_WORDS: Final = frozenset({UNMAPPED_CODES, UNMAPPED_FIELDS})
"""Metrics whose labels the platform chooses."""

Series = tuple[tuple[str, ...], float]
"""The labels of one series, and its value."""

Reading = Mapping[Metric, Iterable[Series]]
"""What was read for a scrape."""

_KEYS: Final[Mapping[Hop, Callable[[CallRecord], tuple[str, ...]]]] = {
    Hop.RPC: attrgetter("name", "code", "reason"),
    Hop.UPSTREAM: attrgetter("api", "code", "stage"),
    Hop.WEBHOOK: attrgetter("api", "action", "code"),
    Hop.DISPATCH: attrgetter("name", "code"),
}
"""What tells calls apart: the labels of their counter without the operator, which comes second."""

_GROUPS: Final[Mapping[Hop, Callable[[CallRecord], str]]] = {
    Hop.RPC: attrgetter("name"),
    Hop.UPSTREAM: attrgetter("api"),
    Hop.WEBHOOK: attrgetter("api"),
    Hop.DISPATCH: attrgetter("api"),
}
"""The one label of how long calls took and how many are on their way."""


def _label(word: str) -> str:
    """Leave the package of an RPC out, ``TicketService/CreateTicket``, and HTTP statuses that are none."""
    if word.isdecimal() and not 100 <= int(word) < 600:
        return OTHER
    return word.rpartition(".")[2]


class _Durations(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, counts: Iterable[int], seconds: float) -> None:
        """Add so many to each bucket, and what they amount to."""
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        self._sum.inc(seconds)


class _Group:
    """The calls of one RPC or API: how many are on their way, and how long those took that ended since the last keeping."""

    __slots__ = ("bounds", "counts", "in_flight", "kept_in_flight", "kept_seconds", "seconds")

    def __init__(self, bounds: tuple[float, ...], in_flight: Gauge, seconds: _Durations) -> None:
        self.bounds = bounds
        self.kept_in_flight, self.kept_seconds = in_flight, seconds
        self.in_flight = 0
        self._clear()

    def _clear(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)
        self.seconds = 0.0

    def keep(self) -> None:
        self.kept_in_flight.set(self.in_flight)
        if self.seconds:
            self.kept_seconds.add(self.counts, self.seconds)
            self._clear()


class _Series:
    """Calls that ended in the same way since the last keeping."""

    __slots__ = ("calls", "group", "kept")

    def __init__(self, group: _Group, kept: Counter) -> None:
        self.group = group
        self.kept = kept
        self.calls = 0

    def keep(self) -> None:
        if self.calls:
            self.kept.inc(self.calls)
            self.calls = 0


class _Calls:
    """The metrics of one kind of call.

    A call adds to plain numbers, which are brought to where they are kept now and then: there each increase takes a lock,
    and with several workers writes into a file.
    """

    def __init__(self, hop: Hop, described: HopMetrics, made: Mapping[Metric, Any]) -> None:
        self._key, self._group = _KEYS[hop], _GROUPS[hop]
        self._bounds = described.seconds.buckets
        self._total, self._seconds = made[described.total], made[described.seconds]
        self._in_flight = made[described.in_flight]
        self._series: dict[tuple[str, tuple[str, ...]], _Series] = {}
        self._groups: dict[str, _Group] = {}

    def begun(self, record: CallRecord) -> None:
        name = self._group(record)
        group = self._groups.get(name)
        if group is None:
            in_flight, seconds = self._in_flight.labels(_label(name)), self._seconds.labels(_label(name))
            group = self._groups[name] = _Group(self._bounds, in_flight, seconds)
        group.in_flight += 1

    def ended(self, record: CallRecord, operator: str) -> None:
        key = (operator, self._key(record))
        series = self._series.get(key)
        if series is None:
            first, *rest = map(_label, key[1])
            kept = self._total.labels(first, operator, *rest)
            series = self._series[key] = _Series(self._groups[self._group(record)], kept)
        series.calls += 1
        group, seconds = series.group, record.seconds
        group.in_flight -= 1
        group.seconds += seconds
        group.counts[bisect_left(group.bounds, seconds)] += 1

    def keep(self) -> None:
        for series in self._series.values():
            series.keep()
        for group in self._groups.values():
            group.keep()


class Metrics(Sink):
    """The sink that Prometheus scrapes; ``operators`` are the configured ones."""

    def __init__(self, operators: Collection[str]) -> None:
        self._operators = frozenset(operators)
        self._folder = os.environ.get(_FOLDER)
        if self._folder is not None:
            Path(self._folder).mkdir(parents=True, exist_ok=True)
        self._registry = CollectorRegistry()
        self._made = {metric: _made(metric, self._registry) for metric in CATALOGUE if not metric.is_read}
        self._calls = {hop: _Calls(hop, described, self._made) for hop, described in HOPS.items()}

    def begun(self, record: CallRecord) -> None:
        """Count a call that is on its way."""
        self._calls[record.hop].begun(record)

    def ended(self, record: CallRecord) -> None:
        """Count a call that ended."""
        operator = record.operator if record.operator in self._operators else OTHER
        self._calls[record.hop].ended(record, operator)
        if record.is_replay:
            self._made[REPLAYS].labels(_label(record.name), operator).inc()

    def measured(self, metric: Metric, labels: tuple[str, ...], value: float) -> None:
        """Count, set or observe what is no call's."""
        if metric in _FOREIGN_WORDS:
            labels = tuple(label if _WORD.fullmatch(label) else OTHER for label in labels)
        made = self._made[metric]
        series = made.labels(*labels) if labels else made
        match metric.kind:
            case Kind.COUNTER:
                series.inc(value)
            case Kind.GAUGE:
                series.set(value)
            case Kind.HISTOGRAM:
                series.observe(value)

    @property
    def is_shared(self) -> bool:
        """Whether other workers expose these numbers, too."""
        return self._folder is not None

    def keep(self) -> None:
        """Bring what calls added to where it is exposed; to be called where calls are served, and before ``exposed``."""
        for calls in self._calls.values():
            calls.keep()

    def exposed(self, reading: Reading, accept: str) -> tuple[bytes, str]:
        """Return what a scrape is answered, in the format that it accepts, and that format's name."""
        encode, content_type = choose_encoder(accept)
        registry = self._registry
        if self._folder is not None:
            _bury_the_dead(Path(self._folder))
            registry = CollectorRegistry()
            MultiProcessCollector(registry, self._folder)  # type: ignore[no-untyped-call]
        return encode(_Answer([*registry.collect(), *map(_family, reading.items())])), content_type


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an encoder takes."""

    families: list[PrometheusMetric]

    def collect(self) -> Iterable[PrometheusMetric]:
        return self.families


def _made(metric: Metric, registry: CollectorRegistry) -> Any:  # noqa: ANN401 - a metric of prometheus-client's
    about: dict[str, Any] = {
        "name": metric.full_name,
        "documentation": metric.meaning,
        "labelnames": metric.labels,
        "registry": registry,
    }
    match metric.kind:
        case Kind.COUNTER:
            made: Any = Counter(**about)
        case Kind.GAUGE:
            made = Gauge(**about, multiprocess_mode=metric.workers)
        case Kind.HISTOGRAM:
            made = _Durations(**about, buckets=metric.buckets)
    for labels in metric.known:
        made.labels(*labels)
    return made


def _family(read: tuple[Metric, Iterable[Series]]) -> PrometheusMetric:
    metric, series = read
    family = GaugeMetricFamily(metric.full_name, metric.meaning, labels=metric.labels)
    for labels, value in series:
        family.add_metric(labels, value)
    return family


def _bury_the_dead(folder: Path) -> None:
    """Take away what workers had on their way when they died; what they had counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        worker = file.stem.rpartition("_")[2]
        if worker.isdigit() and not _lives(int(worker)):
            mark_process_dead(int(worker), str(folder))  # type: ignore[no-untyped-call]


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
