"""Where does a gateway run that may be killed at any moment? At a seat, which the next process takes after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio

from tests.chaos.diary import RESPONSES, Deed
from tests.chaos.processes import Place, taken

__all__ = ["Seat", "seated"]


class Seat(Place):
    """One gateway process after another; each listens on a port of its own."""

    def __init__(self, config: Path) -> None:
        command = ("gateway", "serve", "--config", str(config))
        super().__init__(config.stem, command, config.with_suffix(".log"), ("gateway",))
        self._channels: list[grpc.aio.Channel] = []

    async def start(self) -> dict[str, str]:
        """Start a process and wait until it serves."""
        addresses = await super().start()
        # The channels of killed processes stay open until the end: closing one would cancel what is still in it.
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels.append(grpc.aio.insecure_channel(addresses["gateway"], options=options))
        return addresses

    def rpc(self, deed: Deed) -> Callable[..., Any]:
        """Return what calls the latest process, whether it still lives or not."""
        return self._channels[-1].unary_unary(
            f"/{deed}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=RESPONSES[deed].FromString,
        )

    async def leave(self) -> None:
        """Leave nothing behind."""
        await super().leave()
        for channel in self._channels:
            await channel.close()


@asynccontextmanager
async def seated(configs: Iterable[Path]) -> AsyncIterator[Sequence[Seat]]:
    """Run a gateway with each of these settings; its log is beside them."""
    async with taken([Seat(config) for config in configs]) as seats:
        await asyncio.gather(*(seat.start() for seat in seats))
        yield seats
