"""How does a process run that may be killed at any moment? At a place, which the next process takes after it."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from tests.cli.program import environment

__all__ = ["Place", "taken"]

_ROOT: Final = Path(__file__).parents[2]
_START_S: Final = 60.0
_END_S: Final = 10.0


class Place:
    """One process after another: a module of Python with its arguments, which says first where it can be found.

    It prints a line for each of ``says``: that name and an address. What it logs is added to a file.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, says: Sequence[str]) -> None:
        self.name = name
        self.command = command
        self.log = log
        self.kills = 0
        self._says = says
        self._process: Process | None = None

    async def start(self) -> dict[str, str]:
        """Start a process and wait until it is there; returns its addresses by name."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *self.command), stdout=PIPE, stderr=log, env=environment(), cwd=_ROOT
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(_START_S):
            lines = [(await self._process.stdout.readline()).decode().split() for _ in self._says]
        if [line[:1] for line in lines] != [[name] for name in self._says]:
            raise RuntimeError(f"{self.name} did not start; see {self.log}")
        return {line[0]: line[1] for line in lines}

    async def kill(self) -> None:
        """End the process as a power cut does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        self.kills += 1

    async def end(self) -> int:
        """Ask the process to end, and return its exit status."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(_END_S):
                return await self._process.wait()
        except TimeoutError:
            return -1

    async def leave(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def tracebacks(self) -> int:
        """Count what the processes did not expect, by their log."""
        return self.log.read_text(errors="replace").count("Traceback (most recent call last)")


P = TypeVar("P", bound=Place)


@asynccontextmanager
async def taken(places: Sequence[P]) -> AsyncIterator[Sequence[P]]:
    """See to it that nobody is left at these places after the block."""
    try:
        yield places
    finally:
        await asyncio.gather(*(place.leave() for place in places))
