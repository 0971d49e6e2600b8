"""Where does a call's time go? ``make profile``: a flame graph and a table by stage, of a read and of a money call.

The system counts the time of each thread while 64 streams call, and nobody looks. Then py-spy looks two hundred times a
second, from outside, and what it sees shares out the time of the main thread: a look counts for the innermost folder of
the gateway that is at work, and what belongs to none is the event loop and gRPC's part in this thread.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Final

from tests.benchmark import servers
from tests.benchmark.load import Sample, money, reads
from tests.benchmark.machine import stay_off_the_servers_core, thread_seconds
from tests.benchmark.servers import Server
from tests.benchmark.upstream import upstream

_PY_SPY: Final = str(Path(sys.executable).parent / "py-spy")
_STREAMS: Final = 64
_WARM_UP_S: Final = 1.0
_RATE: Final = 200
_MORE_S: Final = 3.0
"""How much longer the load lasts than the looking, in seconds: py-spy takes a while to begin."""

_ELSE: Final = "event loop, and gRPC in its thread"
_MAIN: Final = "main"
_LEDGER: Final = "the ledger's thread"
_OTHERS: Final = "gRPC's threads"
_NAMES: Final = {"MainThread": _MAIN, "ledger": _LEDGER}
_STAGES: Final = {
    "server/aio.py": "arrival and answer",
    "server/entrance.py": "arrival and answer",
    "server/": "steps",
    "telemetry/": "telemetry",
    "upstream/platform.py": "one signed call",
    "upstream/breaker.py": "one signed call",
    "upstream/": "transport",
    "wire/signing.py": "signature",
    "wire/": "message to JSON and back",
    "ledger/": "ledger",
}
"""What the parts of the gateway do in a call, the first that fits."""

_THREAD: Final = re.compile(r'^Thread (\d+) \(.*?\): "(.*)"$', re.MULTILINE)
_OUTERMOST: Final = "_run_module_as_main "
_WAITING: Final = "EpollSelector.select "
_OURS: Final = re.compile(r"\(\S*gateway/(\S+?):\d+\)")

Load = Callable[[Server, float], Sample]


def main() -> int:
    """Look, write the flame graphs, print the table; returns the exit status."""
    options = _options()
    missing = [program for program in ("h2load", "nginx", "taskset") if shutil.which(program) is None]
    if missing:
        print(f"make profile needs {', '.join(missing)}; make bench says where they are", file=sys.stderr)
        return 2
    stay_off_the_servers_core()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="profile-") as scratch:
        home = Path(scratch)
        with upstream(home) as platform, servers.gateway(home / "gateway", platform.url) as server:
            loads: dict[str, Load] = {
                "read": lambda server, seconds: reads(server, home, _STREAMS, seconds),
                "money call": lambda server, seconds: money(server, _STREAMS, seconds),
            }
            times = {name: _times(server, load, name, options) for name, load in loads.items()}
    print("\n".join(_table(times)))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.profile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="how long each of four looks takes")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the flame graphs go")
    return parser.parse_args()


def _times(server: Server, load: Load, name: str, options: argparse.Namespace) -> dict[str, float]:
    """Return the microseconds of a call by stage; a look from outside writes the flame graph."""
    load(server, _WARM_UP_S)
    threads = _threads(server, load, options.seconds / 2)
    graph, stacks = options.output / f"{name.partition(' ')[0]}.svg", options.output / f"{name.partition(' ')[0]}.txt"
    for file, kind in ((graph, "flamegraph"), (stacks, "raw")):
        with _loaded(server, load, options.seconds + _MORE_S):
            _looked(server, file, kind, options.seconds)
    print(f"{name}: {graph}", file=sys.stderr)
    counts, main_us = _counts(stacks.read_text()), threads.pop(_MAIN)
    return {stage: main_us * count / counts.total() for stage, count in counts.items()} | threads


def _threads(server: Server, load: Load, seconds: float) -> dict[str, float]:
    """Return the microseconds of a call by thread."""
    names = {int(thread): _NAMES.get(name, _OTHERS) for thread, name in _THREAD.findall(_said(server))}
    before = thread_seconds(server.process)
    cpu_us = load(server, seconds).cpu_s * 1e6
    took = Counter[str]()
    for thread, seconds_then in thread_seconds(server.process).items():
        took[names.get(thread, _OTHERS)] += round(1000 * (seconds_then - before.get(thread, 0)))
    return {name: cpu_us * ms / took.total() for name, ms in took.items()}


def _said(server: Server) -> str:
    """Return what py-spy says of the threads."""
    command = (_PY_SPY, "dump", "--pid", str(server.process))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise SystemExit(f"py-spy could not look at the gateway, which takes ptrace (root has it): {done.stderr}")
    return done.stdout


@contextmanager
def _loaded(server: Server, load: Load, seconds: float) -> Iterator[None]:
    thread = Thread(target=load, args=(server, seconds))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _looked(server: Server, file: Path, kind: str, seconds: float) -> None:
    command = (
        *(_PY_SPY, "record", "--pid", str(server.process)),
        *("--duration", str(round(seconds)), "--rate", str(_RATE), "--format", kind, "--output", str(file)),
    )
    subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)


def _counts(stacks: str) -> Counter[str]:
    """Count the looks at the main thread by stage; a line is a stack, outermost frame first, and how often it was seen."""
    counts: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, seen = line.rpartition(" ")
        if frames.startswith(_OUTERMOST) and not frames.rpartition(";")[2].startswith(_WAITING):
            counts[_stage(frames)] += int(seen)
    return counts


def _stage(frames: str) -> str:
    ours = _OURS.findall(frames)
    if not ours:
        return _ELSE
    return next((stage for part, stage in _STAGES.items() if ours[-1].startswith(part)), _ELSE)


def _table(times: dict[str, dict[str, float]]) -> Iterator[str]:
    yield f"| Stage | {' | '.join(f'{name}, µs' for name in times)} |"
    yield f"| --- |{' --- |' * len(times)}"
    for stage in (_ELSE, *dict.fromkeys(_STAGES.values()), _LEDGER, _OTHERS):
        yield f"| {stage} | {' | '.join(f'{each.get(stage, 0):.0f}' for each in times.values())} |"
    yield f"| all | {' | '.join(f'{sum(each.values()):.0f}' for each in times.values())} |"


if __name__ == "__main__":
    sys.exit(main())
