"""A command of ours in a process of its own, as a person would start it."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Final

from tests import surroundings

PATIENCE_S: Final = 20
"""How long a process may take for anything, in seconds."""

FREE: Final = "127.0.0.1:0"
FREE_SANDBOX: Final = ("--listen", FREE, "--control", FREE)
FREE_ALL: Final = (*FREE_SANDBOX, "--sandbox-listen", FREE, "--webhooks-listen", FREE, "--wallet-listen", FREE)

MODULE: Final = (sys.executable, "-m", "gateway")
SCRIPT: Final = (str(Path(sys.executable).parent / "betstack-gateway"),)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without settings of a gateway, and with some of the caller's."""
    return surroundings.environment() | dict(more or {})


def ended(
    *arguments: str, more: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*MODULE, *arguments],
        env=environment(more),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def pasted(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line that was printed for a shell."""
    return subprocess.run(
        shlex.split(line), env=environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


class Program:
    """A running command; what takes too long ends with the process being killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def line(self, beginning: str = "") -> str:
        """Read the next line that begins so; an empty text means that the output is over."""
        assert self._process.stdout is not None
        with self._patience():
            return next((line for line in self._process.stdout if line.startswith(beginning)), "").rstrip("\n")

    def lines(self, beginning: str, count: int) -> list[str]:
        """Read the next lines that begin so."""
        return [self.line(beginning) for _ in range(count)]

    def line_with(self, text: str) -> str:
        """Read the next line that has this text; an empty text means that the output is over."""
        assert self._process.stdout is not None
        with self._patience():
            return next((line for line in self._process.stdout if text in line), "").rstrip("\n")

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self._process.send_signal(number)
        with self._patience():
            return self._process.wait()

    @contextmanager
    def _patience(self) -> Iterator[None]:
        watchdog = Timer(PATIENCE_S, self._process.kill)
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()


@contextmanager
def started(
    *arguments: str,
    command: tuple[str, ...] = MODULE,
    more: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Program]:
    """Start a command that runs until it is told to end."""
    with subprocess.Popen(
        [*command, *arguments],
        env=environment(more),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()
