"""What does the gateway bear? Many calls at once, long answers beside short ones, and a disk under the ledger."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Final

from betstack.ticket.v1 import ticket_service_pb2 as pb
from tests.benchmark import servers
from tests.benchmark.load import burst, lasting, latencies_s, money
from tests.benchmark.machine import memory_bytes
from tests.benchmark.report import Figures
from tests.benchmark.upstream import Upstream

__all__ = ["bear"]

_MANY: Final = (1000, 10_000)
_AT_ONCE: Final = (1, 16, 64, 256)
_LISTS_AT_ONCE: Final = 2
_SHORT_CALLS: Final = 300
_LIST: Final = "/betstack.ticket.v1.TicketService/ListTickets"


def bear(home: Path, platform: Upstream, seconds: float, figures: Figures) -> None:
    """Measure all of it once."""
    if platform.second is not None:
        for calls in _MANY:
            _many_calls(home / f"many-{calls}", platform.second, calls, figures)
    _beside_lists(home / "lists", platform.lists, figures)
    _fsyncs(home / "fsyncs", platform.url, seconds, figures)


def _many_calls(home: Path, url: str, calls: int, figures: Figures) -> None:
    with servers.gateway(home, url) as server:
        idle = memory_bytes(server.process)
        began = time.monotonic()
        errors = burst(server, home, calls)
        figures.many_last_s.setdefault(calls, []).append(time.monotonic() - began)
        grown = memory_bytes(server.process, most=True) - idle
        figures.many_errors.setdefault(calls, []).append(errors)
        figures.many_bytes.setdefault(calls, []).append(grown / calls / 1024)


def _beside_lists(home: Path, url: str, figures: Figures) -> None:
    request = pb.ListTicketsRequest(operator="site", limit=10_000).SerializeToString()
    home.mkdir()
    told = home / "lag"
    with servers.python_peer(home, "watched", url, str(home / "ledger.db"), str(told)) as server:
        os.kill(server.process, signal.SIGUSR1)
        with lasting(server, home, _LIST, request, _LISTS_AT_ONCE):
            taken = latencies_s(server, home, _SHORT_CALLS)
    figures.beside_lists_s.append(sorted(taken)[len(taken) * 99 // 100])
    figures.lag_s.append(float(told.read_text()))


def _fsyncs(home: Path, url: str, seconds: float, figures: Figures) -> None:
    """Count what the gateway asks the disk for; strace stops it at nothing else."""
    if shutil.which("strace") is None:
        figures.missing.append("fsyncs: strace is not installed")
        return
    counted = home / "fsyncs"
    under = ("strace", "-D", "-f", "-qq", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o", str(counted))
    with servers.gateway(home, url, under=under) as server:
        for calls in _AT_ONCE:
            before = _lines(counted)
            done = money(server, calls, seconds)
            figures.fsyncs[calls] = (_lines(counted) - before) / (done.calls_s * done.seconds)


def _lines(path: Path) -> int:
    return sum("sync(" in line for line in path.read_text(errors="replace").splitlines())
