"""How is a server loaded, and what did each call cost it? In a closed loop: a stream asks again once it has its answer.

h2load sends the same bytes over and over, which is right for reads. It takes every HTTP status 200 for success; that every
answer was a ticket is seen by the bytes that came back. Money calls need an id each, so they come from a client of gRPC's
own, which sees every status; it has the other core to itself, and what it costs is not counted.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from tests.benchmark.servers import GET, REQUEST, Server

__all__ = [
    "Sample",
    "WrongAnswers",
    "burst",
    "direct_latency_s",
    "lasting",
    "latencies_s",
    "latency_s",
    "money",
    "reads",
]

_PATIENCE_S: Final = 120
_CONNECTIONS: Final = 8
_IN_A_CONNECTION: Final = 100
_HEADERS: Final = ("-H", "content-type: application/grpc", "-H", "te: trailers")
_ALONE: Final = ("-c", "1", "-m", "1", "-t", "1")
_FINISHED: Final = re.compile(r"finished in ([\d.]+)(us|ms|s|m),")
_DONE: Final = re.compile(r"(\d+) done, (\d+) succeeded")
_DATA: Final = re.compile(r"\((\d+)\) data")
_UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class WrongAnswers(Exception):  # noqa: N818 - it says what came back
    """Not every call was answered as it should be, so that the figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run of one server gave: calls a second, CPU seconds a call, and how much of its core it had."""

    calls_s: float
    cpu_s: float
    core: float
    seconds: float = 0


def reads(server: Server, home: Path, streams: int, seconds: float) -> Sample:
    """Call GetTicket over so many streams for about so many seconds, after a warm-up; raises WrongAnswers."""
    calls = 4 * streams
    took = _run_of_reads(server, home, streams, calls)
    while True:
        calls = max(4 * streams, int(calls * seconds / took))
        before = server.cpu_seconds()
        took = _run_of_reads(server, home, streams, calls)
        cpu_s = server.cpu_seconds() - before
        if took > seconds / 2:
            break
    return Sample(calls / took, cpu_s / calls, cpu_s / took)


def _run_of_reads(server: Server, home: Path, streams: int, calls: int) -> float:
    each = streams // _CONNECTIONS
    said = _h2load(f"http://{server.target}{GET}", home, "-c", str(_CONNECTIONS), "-m", str(each), "-n", str(calls))
    done, data = _DONE.search(said), _DATA.search(said)
    expected = calls * (5 + server.answer_bytes)
    if done is None or data is None or int(done[2]) != calls or int(data[1]) != expected:
        raise WrongAnswers(f"{calls} calls should have brought {expected} bytes: {said[-900:]}")
    return _took_s(said)


def _took_s(said: str) -> float:
    found = _FINISHED.search(said)
    assert found is not None
    return float(found[1]) * _UNITS[found[2]]


def _h2load(url: str, home: Path, *options: str) -> str:
    frame = _framed(home / "frame", REQUEST.SerializeToString())
    command = ("h2load", "-t", "1", "-d", str(frame), *_HEADERS, *options, url)
    return subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True).stdout


def _framed(path: Path, message: bytes) -> Path:
    path.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
    return path


def latency_s(server: Server, home: Path, calls: int) -> float:
    """Return the median time of a call, one at a time."""
    return median(latencies_s(server, home, calls))


def latencies_s(server: Server, home: Path, calls: int) -> list[float]:
    """Return the times of calls, one at a time."""
    log = home / "latencies"
    log.unlink(missing_ok=True)
    _h2load(f"http://{server.target}{GET}", home, *_ALONE, "-n", str(calls), "--log-file", str(log))
    return _times_s(log)


def burst(server: Server, home: Path, calls: int) -> float:
    """Make calls all at once; returns how many were not answered with a ticket."""
    connections = calls // _IN_A_CONNECTION
    said = _h2load(
        f"http://{server.target}{GET}", home, "-c", str(connections), "-m", str(_IN_A_CONNECTION), "-n", str(calls)
    )
    data = _DATA.search(said)
    assert data is not None
    return calls - int(data[1]) / (5 + server.answer_bytes)


@contextmanager
def lasting(server: Server, home: Path, rpc: str, message: bytes, streams: int) -> Iterator[None]:
    """Make calls of one kind until the block ends."""
    frame = _framed(home / "lasting", message)
    options = ("-c", "1", "-m", str(streams), "-t", "1", "-D", str(_PATIENCE_S), "-d", str(frame))
    with subprocess.Popen(
        ("h2load", *options, *_HEADERS, f"http://{server.target}{rpc}"), stdout=subprocess.DEVNULL
    ) as running:
        try:
            yield
        finally:
            running.kill()


def direct_latency_s(url: str, home: Path, calls: int) -> float:
    """Return the same of the upstream itself, over HTTP/1.1."""
    log = home / "latencies"
    log.unlink(missing_ok=True)
    command = ("h2load", "--h1", *_ALONE, "-n", str(calls), "--log-file", str(log), f"{url}/be/tickets/1")
    subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=True)
    return median(_times_s(log))


def _times_s(log: Path) -> list[float]:
    """Read what h2load keeps of each call: when it began, its status, and its microseconds."""
    return [int(line.split("\t")[2]) / 1e6 for line in log.read_text().splitlines()]


def money(server: Server, streams: int, seconds: float) -> Sample:
    """Call CreateTicket, each with an id of its own; raises WrongAnswers unless each call has its ticket."""
    command = (sys.executable, "-m", "tests.benchmark.money", server.target, str(streams), str(seconds))
    before = server.cpu_seconds()
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False, cwd=Path(__file__).parents[2]
    )
    if done.returncode:
        raise WrongAnswers(done.stderr[-900:])
    cpu_s = server.cpu_seconds() - before
    told = json.loads(done.stdout)
    seconds_taken = told["seconds"]
    return Sample(told["calls"] / seconds_taken, cpu_s / told["calls"], cpu_s / seconds_taken, seconds_taken)
