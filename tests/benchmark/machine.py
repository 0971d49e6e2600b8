"""What does the machine say? Its cores, who runs on which, and how much time a process took, by the system's own count."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

__all__ = [
    "a_core_each",
    "cpu_seconds",
    "described",
    "memory_bytes",
    "pinned_to",
    "server_core",
    "stay_off_the_servers_core",
    "thread_seconds",
]

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_CORES: Final = sorted(os.sched_getaffinity(0))
_PACKAGES: Final = ("grpcio", "protobuf", "httpx", "httpcore", "httptools")


def server_core() -> int:
    """Return the core that whoever is measured has for itself."""
    return _CORES[0]


def stay_off_the_servers_core() -> None:
    """Run on the other cores from now on, with all that is started without being pinned; raises SystemExit without any."""
    if len(_CORES) < 2:
        raise SystemExit("two cores are needed: one for the gateway, one for the load and the upstream")
    os.sched_setaffinity(0, _CORES[1:])


def a_core_each(process: int) -> None:
    """Give the processes that one has started a core each, the server's core first."""
    for place, worker in enumerate([each for each in _family(process) if each != process]):
        for thread in Path(f"/proc/{worker}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {_CORES[place % len(_CORES)]})


def memory_bytes(process: int, *, most: bool = False) -> int:
    """Return how much memory a process holds, or held at most."""
    found = re.search(r"VmHWM:\s+(\d+)" if most else r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    return 1024 * int(found[1]) if found else 0


def pinned_to(core: int, *command: str) -> tuple[str, ...]:
    """Return the command that runs a command on one core, with all of its threads and children."""
    return ("taskset", "-c", str(core), *command)


def cpu_seconds(process: int) -> float:
    """Return the CPU time of a process so far, with its threads and living and dead children, in seconds."""
    return sum(_own_seconds(each) for each in _family(process))


def _family(process: int) -> Iterator[int]:
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))


def _own_seconds(process: int) -> float:
    return _seconds(Path(f"/proc/{process}/stat"), 4)


def thread_seconds(process: int) -> dict[int, float]:
    """Return the CPU time of each thread of a process so far, in seconds."""
    return {int(thread.name): _seconds(thread / "stat", 2) for thread in Path(f"/proc/{process}/task").iterdir()}


def _seconds(stat: Path, of: int) -> float:
    """Add up the first of: time in the program, in the system, and both of children that have ended."""
    fields = stat.read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 11 + of])) * _TICK_S


def described() -> list[str]:
    """Return what the figures were measured on, one line each; nothing in it names the machine."""
    programs = {
        "h2load": _said("h2load", "--version"),
        "nginx": _said("nginx", "-v"),
        "Node.js": _said("node", "--version"),
    }
    return [
        f"{len(_CORES)} cores, {_model()}, {platform.system()} {platform.release().partition('-')[0]}",
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        ", ".join(f"{name} {found}" for name, found in programs.items() if found),
    ]


def _model() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.machine()


def _said(program: str, question: str) -> str:
    if shutil.which(program) is None:
        return ""
    done = subprocess.run([program, question], capture_output=True, text=True, check=False, timeout=10)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else ""
