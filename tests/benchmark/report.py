"""What do the figures say? One table, the goals with their verdicts, and ``BENCHMARKS.md``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from tests.benchmark.load import Sample

__all__ = ["Figures", "Name", "goal_lines", "notes", "table"]


class Name:
    """The rows, as they are printed."""

    ECHO: Final = "(a) bare grpc.aio echo"
    PLAIN: Final = "(b) plain gateway, httpx.AsyncClient"
    BARE: Final = "(c) bare-socket bound"
    ECHO_BACK: Final = "(a), its threads standing back as ours do"
    BARE_BACK: Final = "(c), its threads standing back as ours do"
    NODE: Final = "(d) Node.js, grpc-js and undici"
    OURS: Final = "(e) this gateway, read"
    LOGGED: Final = "(e) read, one log line a call"
    UVLOOP: Final = "(e) read, on uvloop"
    TWO: Final = "(e) read, 2 workers, a core each"
    SQLITE: Final = "(e) money call, SQLite"
    POSTGRESQL: Final = "(e) money call, PostgreSQL"
    SLOW_PLAIN: Final = "(b), 512 streams, 50 ms upstream"
    SLOW_BARE: Final = "(c), 512 streams, 50 ms upstream"
    SLOW_OURS: Final = "(e) read, 512 streams, 50 ms upstream"


@dataclass(slots=True)
class Figures:
    """All that was measured: rows by name, one sample a round, and numbers that are no row; times are seconds."""

    rows: dict[str, list[Sample]] = field(default_factory=dict)
    road_cpu_s: list[float] = field(default_factory=list)
    codec_ratio: list[float] = field(default_factory=list)
    direct_s: list[float] = field(default_factory=list)
    through_s: list[float] = field(default_factory=list)
    start_s: list[float] = field(default_factory=list)
    uvloop_road_cpu_s: list[float] = field(default_factory=list)
    many_errors: dict[int, list[float]] = field(default_factory=dict)
    many_bytes: dict[int, list[float]] = field(default_factory=dict)
    many_last_s: dict[int, list[float]] = field(default_factory=dict)
    beside_lists_s: list[float] = field(default_factory=list)
    lag_s: list[float] = field(default_factory=list)
    fsyncs: dict[int, float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def add(self, name: str, sample: Sample) -> None:
        """Keep what a round gave."""
        self.rows.setdefault(name, []).append(sample)

    def calls(self, name: str) -> list[float]:
        """Return the calls a second of a row, round by round."""
        return [each.calls_s for each in self.rows.get(name, ())]

    def cpu(self, name: str) -> list[float]:
        """Return the CPU seconds a call of a row, round by round."""
        return [each.cpu_s for each in self.rows.get(name, ())]


@dataclass(frozen=True, slots=True)
class _Goal:
    """What has to be reached: ``least`` says that more is better. A stretch of None is none."""

    what: str
    values: Callable[[Figures], list[float]]
    goal: float
    stretch: float | None
    unit: str = "x"
    least: bool = False

    def is_met(self, value: float, bound: float) -> bool:
        return value >= bound if self.least else value <= bound


def _ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Return the ratio of each round, whose two sides were measured within seconds of each other."""
    return [one / other for one, other in zip(over, under, strict=False)]


_GOALS: Final = (
    _Goal(
        "baseline: (b) is no straw man, its CPU per call against (a), 64 streams",
        lambda all_: _ratios(all_.cpu(Name.PLAIN), all_.cpu(Name.ECHO)),
        3.5,
        None,
        least=True,
    ),
    _Goal(
        "read, throughput against (b), 64 streams, instant upstream",
        lambda all_: _ratios(all_.calls(Name.OURS), all_.calls(Name.PLAIN)),
        2.0,
        2.4,
        least=True,
    ),
    _Goal(
        "read, throughput against (b), 512 streams, 50 ms upstream",
        lambda all_: _ratios(all_.calls(Name.SLOW_OURS), all_.calls(Name.SLOW_PLAIN)),
        4.0,
        4.8,
        least=True,
    ),
    _Goal(
        "read, CPU per call against (c)",
        lambda all_: _ratios(all_.cpu(Name.OURS), all_.cpu(Name.BARE)),
        1.35,
        1.15,
    ),
    _Goal(
        "the road without gRPC, CPU per call against (a)",
        lambda all_: _ratios(all_.road_cpu_s, all_.cpu(Name.ECHO)),
        0.8,
        0.4,
    ),
    _Goal(
        "read, CPU per call against (a)",
        lambda all_: _ratios(all_.cpu(Name.OURS), all_.cpu(Name.ECHO)),
        2.0,
        1.6,
    ),
    _Goal(
        "read, 2 workers, CPU per call against one",
        lambda all_: _ratios(all_.cpu(Name.TWO), all_.cpu(Name.OURS)),
        1.1,
        None,
    ),
    _Goal(
        "money call on SQLite, 64 streams, throughput against the read",
        lambda all_: _ratios(all_.calls(Name.SQLITE), all_.calls(Name.OURS)),
        0.6,
        0.75,
        least=True,
    ),
    _Goal("codec, 20 fields there and back, against json.dumps and json.loads", lambda all_: all_.codec_ratio, 2, 1),
    _Goal(
        "added latency, one call at a time, p50",
        lambda all_: [1000 * (one - other) for one, other in zip(all_.through_s, all_.direct_s, strict=True)],
        1.0,
        0.5,
        " ms",
    ),
    _Goal(
        "the road without gRPC on uvloop, CPU per call against (a)",
        lambda all_: _ratios(all_.uvloop_road_cpu_s, all_.cpu(Name.ECHO)),
        0.8,
        0.4,
    ),
    _Goal("1,000 calls in flight, 1 s upstream, errors", lambda all_: all_.many_errors.get(1000, []), 0, None, ""),
    _Goal("10,000 calls in flight, 1 s upstream, errors", lambda all_: all_.many_errors.get(10_000, []), 0, None, ""),
    _Goal(
        "event loop lag, two lists of 1 MB being read all the time, latest of all looks",
        lambda all_: [1000 * each for each in all_.lag_s],
        20,
        None,
        " ms",
    ),
    _Goal("start to first served call", lambda all_: all_.start_s, 1.0, 0.5, " s"),
)


def goal_lines(figures: Figures) -> Iterator[str]:
    """Yield a line for each goal that could be measured, each ending in its verdict, and the sum."""
    passed = of = 0
    for goal in _GOALS:
        values = goal.values(figures)
        if not values:
            continue
        value, sign = median(values), "≥" if goal.least else "≤"
        is_met = goal.is_met(value, goal.goal)
        of, passed = of + 1, passed + is_met
        found = f"{_spread(values, 2)}{goal.unit}"
        yield f"{goal.what}: {found}, goal {sign} {goal.goal:g}{goal.unit}: {'pass' if is_met else 'short'}"
        if goal.stretch is not None:
            verdict = "reached" if goal.is_met(value, goal.stretch) else "open"
            yield f"    stretch {sign} {goal.stretch:g}{goal.unit}: {verdict}"
    yield f"{passed} of {of} pass"


def notes(figures: Figures) -> Iterator[str]:
    """Yield what is stated without a goal, and what could not be measured."""
    of_node = _ratios(figures.cpu(Name.OURS), figures.cpu(Name.NODE))
    if of_node:
        yield f"read, CPU per call against (d) Node.js: {_spread(of_node, 2)}x, stated"
    for name, other in ((Name.ECHO_BACK, "(a)"), (Name.BARE_BACK, "(c)")):
        if alike := _ratios(figures.cpu(Name.OURS), figures.cpu(name)):
            yield f"read, CPU per call against {other} with its threads standing back: {_spread(alike, 2)}x, stated"
    if figures.road_cpu_s:
        yield f"the road without gRPC: {_spread([1e6 * each for each in figures.road_cpu_s], 0)} µs CPU per call"
    if figures.direct_s:
        through, direct = (median(each) * 1000 for each in (figures.through_s, figures.direct_s))
        yield f"one call at a time, p50: {through:.2f} ms through the gateway, {direct:.2f} ms the upstream itself"
    for calls, each in figures.many_bytes.items():
        last = _spread(figures.many_last_s[calls], 1)
        memory = _spread(each, 0)
        yield f"{calls:,} calls in flight, 1 s upstream: the last answered after {last} s; {memory} KiB of memory a call"
    if figures.beside_lists_s:
        beside = _spread([1000 * each for each in figures.beside_lists_s], 1)
        yield f"beside two lists of 1 MB, one short call at a time, p99: {beside} ms"
    if figures.fsyncs:
        told = ", ".join(f"{each:.2f} at {calls}" for calls, each in figures.fsyncs.items())
        yield f"fsyncs a money call on SQLite, counted by strace, by calls at once: {told}"
    yield from (f"not measured: {each}" for each in figures.missing)


def table(figures: Figures) -> Iterator[str]:
    """Yield the rows: medians, with minimum and maximum."""
    yield "| 64 streams, instant upstream, unless said | calls/s | CPU µs per call | x (a) | x (c) | core |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, samples in figures.rows.items():
        cells = (
            name,
            _spread(figures.calls(name), 0),
            _spread([1e6 * each for each in figures.cpu(name)], 0),
            _against(figures, name, Name.ECHO),
            _against(figures, name, Name.BARE),
            f"{median(each.core for each in samples):.2f}",
        )
        yield f"| {' | '.join(cells)} |"


def _against(figures: Figures, name: str, other: str) -> str:
    ratios = _ratios(figures.cpu(name), figures.cpu(other))
    return f"{median(ratios):.2f}" if ratios else ""


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"
