"""How fast is the gateway, beside what else there is? ``make bench``: ten minutes; ``make bench QUICK=1``: one.

Everything runs in turn, round by round, on the same core with the same load, and every ratio is one of figures that were
taken within the same round.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from tests.benchmark import servers
from tests.benchmark.burdens import bear
from tests.benchmark.codec import codec_s
from tests.benchmark.load import Sample, WrongAnswers, direct_latency_s, latency_s, money, reads
from tests.benchmark.machine import a_core_each, described, pinned_to, server_core, stay_off_the_servers_core
from tests.benchmark.report import Figures, Name, goal_lines, notes, table
from tests.benchmark.servers import Server, asked_once
from tests.benchmark.upstream import Upstream, upstream
from tests.ledger.postgresql import server as postgresql

_ROOT: Final = Path(__file__).parents[2]
_STREAMS: Final = 64
_MANY_STREAMS: Final = 512
_LATENCY_CALLS: Final = 400
_PATIENCE_S: Final = 60
_COMPILING_S: Final = 2.0
"""How long Node.js is called before it counts: it compiles what it runs often."""


@dataclass(frozen=True, slots=True)
class _Pace:
    """How much is measured: rounds, seconds of each run, and after how many seconds no round begins any more."""

    rounds: int
    seconds: float
    budget_s: float


_FULL: Final = _Pace(rounds=7, seconds=3.0, budget_s=480)
_QUICK: Final = _Pace(rounds=1, seconds=0.7, budget_s=40)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table: how a sample of it is taken."""

    name: str
    sample: Callable[[], Sample]


def main() -> int:
    """Measure, print, and write the file; returns the exit status, which is no verdict about the goals."""
    options = _options()
    missing = [program for program in ("h2load", "nginx", "taskset") if shutil.which(program) is None]
    if missing:
        print(
            f"make bench needs {', '.join(missing)}: "
            "apt-get install nghttp2-client nginx-light libnginx-mod-http-echo util-linux",
            file=sys.stderr,
        )
        return 2
    signal.signal(signal.SIGTERM, _ended)
    stay_off_the_servers_core()
    pace = _QUICK if options.quick else _FULL
    load_before = os.getloadavg()[0]
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch, ExitStack() as stack:
        home = Path(scratch)
        platform = stack.enter_context(upstream(home))
        rows = list(_rows(stack, home, platform, pace, figures))
        ours = stack.enter_context(servers.gateway(home / "alone", platform.url))
        _all_rounds(rows, ours, home, platform, pace, figures)
        bear(home, platform, min(1, pace.seconds), figures)
    lines = list(_lines(figures, pace, load_before))
    print("\n".join(lines))
    if options.output is not None:
        options.output.write_text(_document(lines), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one minute; the figures are rough")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the figures there, too")
    return parser.parse_args()


def _ended(*_: Any) -> NoReturn:
    """End in the way that ends what was started."""
    raise SystemExit(143)


def _rows(stack: ExitStack, home: Path, platform: Upstream, pace: _Pace, figures: Figures) -> Iterator[_Row]:
    """Start everybody who is measured; who waits for its turn costs nothing."""

    def read(name: str, server: Server, streams: int = _STREAMS) -> _Row:
        return _Row(name, lambda: reads(server, home, streams, pace.seconds))

    url = platform.url
    yield read(Name.ECHO, stack.enter_context(servers.python_peer(home, "echo")))
    yield read(Name.PLAIN, stack.enter_context(servers.python_peer(home, "plain", url)))
    yield read(Name.BARE, stack.enter_context(servers.python_peer(home, "bare", url)))
    yield read(Name.ECHO_BACK, stack.enter_context(servers.python_peer(home, "echo", stand_back=True)))
    yield read(Name.BARE_BACK, stack.enter_context(servers.python_peer(home, "bare", url, stand_back=True)))
    if problem := servers.node_problem():
        figures.missing.append(f"{Name.NODE}: {problem}")
    else:
        node = stack.enter_context(servers.node_peer(home, url))
        reads(node, home, _STREAMS, _COMPILING_S)
        yield read(Name.NODE, node)
    ours = stack.enter_context(servers.gateway(home / "ours", url))
    yield read(Name.OURS, ours)
    yield read(Name.LOGGED, stack.enter_context(servers.gateway(home / "logged", url, log="info")))
    yield read(Name.UVLOOP, stack.enter_context(servers.gateway(home / "uvloop", url, loop="uvloop")))
    two = stack.enter_context(servers.gateway(home / "two", url, workers=2))
    a_core_each(two.process)
    yield read(Name.TWO, two)
    yield _Row(Name.SQLITE, lambda: money(ours, _STREAMS, pace.seconds))
    yield from _postgresql_row(stack, home, url, pace, figures)
    if platform.slow is None:
        figures.missing.append("50 ms upstream: nginx has no echo module (libnginx-mod-http-echo)")
        return
    slow = platform.slow
    yield read(Name.SLOW_PLAIN, stack.enter_context(servers.python_peer(home, "plain", slow)), _MANY_STREAMS)
    yield read(Name.SLOW_BARE, stack.enter_context(servers.python_peer(home, "bare", slow)), _MANY_STREAMS)
    yield read(Name.SLOW_OURS, stack.enter_context(servers.gateway(home / "slow", slow)), _MANY_STREAMS)


def _postgresql_row(stack: ExitStack, home: Path, url: str, pace: _Pace, figures: Figures) -> Iterator[_Row]:
    try:
        ledger = stack.enter_context(stack.enter_context(postgresql()).database())
    except (pytest.skip.Exception, pytest.fail.Exception) as reason:
        figures.missing.append(f"{Name.POSTGRESQL}: {reason}")
        return
    server = stack.enter_context(servers.gateway(home / "postgresql", url, ledger))
    yield _Row(Name.POSTGRESQL, lambda: money(server, _STREAMS, pace.seconds))


def _all_rounds(rows: list[_Row], ours: Server, home: Path, platform: Upstream, pace: _Pace, figures: Figures) -> None:
    ends = time.monotonic() + pace.budget_s
    for number in range(pace.rounds):
        if number and time.monotonic() > ends:
            break
        print(f"round {number + 1} of {pace.rounds}", file=sys.stderr, flush=True)
        for row in rows:
            _sampled(row, figures)
        figures.direct_s.append(direct_latency_s(platform.url, home, _LATENCY_CALLS))
        figures.through_s.append(latency_s(ours, home, _LATENCY_CALLS))
        road = home / f"road-{number}.db"
        figures.road_cpu_s.append(_road_cpu_s(platform.url, road, pace.seconds, "asyncio"))
        figures.uvloop_road_cpu_s.append(_road_cpu_s(platform.url, road, pace.seconds, "uvloop"))
        one, other = codec_s()
        figures.codec_ratio.append(one / other)
        figures.start_s.append(_start_s(home / f"start-{number}", platform.url))


def _sampled(row: _Row, figures: Figures) -> None:
    """Take a sample; where answers were wrong there is no figure, and that is said."""
    try:
        figures.add(row.name, row.sample())
    except WrongAnswers as problem:
        figures.missing.append(f"{row.name}, once: {str(problem).splitlines()[-1]}")


def _road_cpu_s(url: str, ledger: Path, seconds: float, loop: str) -> float:
    command = pinned_to(
        server_core(), sys.executable, "-m", "tests.benchmark.road", url, str(ledger), str(seconds), loop
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True, cwd=_ROOT)
    told = json.loads(done.stdout)
    return float(told["cpu_s"] / told["calls"])


def _start_s(home: Path, url: str) -> float:
    """Return how long it takes from the start of the process until a call was answered."""
    began = time.monotonic()
    with servers.gateway(home, url) as server:
        took = time.monotonic() - began  # `gateway` asks once before it gives the server
        asked_once(server.target)
    return took


def _lines(figures: Figures, pace: _Pace, load_before: float) -> Iterator[str]:
    yield from table(figures)
    yield ""
    yield f"rounds: {len(figures.start_s)}, each row about {pace.seconds:g} s in each"
    yield from notes(figures)
    if load_before > 0.5:
        yield f"other work was on the machine: a load of {load_before:.1f} when this began; throughput suffers most"
    yield ""
    yield from described()
    yield ""
    yield from goal_lines(figures)


def _document(lines: list[str]) -> str:
    """Return the file: table and verdicts as they are printed."""
    end_of_table = lines.index("")
    rest = "\n".join(f"    {line}" if line else "" for line in lines[end_of_table + 1 :])
    return f"{_HEAD}\n" + "\n".join(lines[:end_of_table]) + f"\n\n{rest}\n"


_HEAD: Final = """\
# Benchmarks

Written by `make bench`. Everything ran in turn, round by round: whoever is measured alone on one core, load and upstream on
the other, in a closed loop; medians with minimum and maximum, ratios round by round. CPU is what the operating system
counted for the process, its threads and its workers. The read is GetTicket with a ticket of 20 fields; the upstream is
nginx with a fixed answer, plain HTTP. The gateway runs with signatures, checks, limits, breaker, ledger and metrics; the
call log is off but where a row says so. (c) has no timeouts, no limits, no checks and no errors. The goals are ratios;
absolute figures belong to the machine. On one core it counts who interrupts whom: the threads beside our event loop do not
interrupt it, which those of (a), (b) and (c) do; two rows have (a) and (c) with theirs standing back, too. PostgreSQL runs
in memory without fsync, so that its row is about the gateway's own cost. Money calls come from a client of gRPC's in
Python, which shares the other core with the upstream.
"""


if __name__ == "__main__":
    sys.exit(main())
