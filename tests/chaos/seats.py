"""Where does a gateway run that may be killed at any moment? At a seat, which the next process takes after it."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc.aio

from tests.chaos.diary import RESPONSES, Deed
from tests.cli.program import environment

__all__ = ["Seat", "seated"]

_START_S: Final = 30.0
_END_S: Final = 10.0


class Seat:
    """One gateway process after another; each listens on a port of its own."""

    def __init__(self, config: Path) -> None:
        self.name = config.stem
        self.log = config.with_suffix(".log")
        self._config = config
        self._process: Process | None = None
        self._channels: list[grpc.aio.Channel] = []
        self.kills = 0

    async def start(self) -> None:
        """Start a process and wait until it serves."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "serve", "--config", str(self._config)),
                stdout=PIPE,
                stderr=log,
                env=environment(),
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(_START_S):
            line = (await self._process.stdout.readline()).decode().split()
        if len(line) != 2:
            raise RuntimeError(f"{self.name} did not start; see {self.log}")
        # The channels of killed processes stay open until the end: closing one would cancel what is still in it.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels.append(grpc.aio.insecure_channel(line[1], options=options))

    def rpc(self, deed: Deed) -> Callable[..., Any]:
        """Return what calls the latest process, whether it still lives or not."""
        return self._channels[-1].unary_unary(
            f"/{deed}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=RESPONSES[deed].FromString,
        )

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
        for channel in self._channels:
            await channel.close()

    def tracebacks(self) -> int:
        """Count what the processes did not expect, by their log."""
        return self.log.read_text(errors="replace").count("Traceback (most recent call last)")


@asynccontextmanager
async def seated(configs: Iterable[Path]) -> AsyncIterator[Sequence[Seat]]:
    """Run a gateway with each of these settings; its log is beside them."""
    seats = [Seat(config) for config in configs]
    try:
        await asyncio.gather(*(seat.start() for seat in seats))
        yield seats
    finally:
        await asyncio.gather(*(seat.leave() for seat in seats))
