"""Where does a process listen that may be killed at any moment? Behind a door that stays, as a load balancer does.

A door leads each connection to one of those behind it. It can lose an answer that was given, and it can let a connection's
bytes reach two of them at the same time.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from random import Random
from typing import Final

__all__ = ["Connection", "Door", "door"]

_MOST: Final = 65_536


@dataclass(slots=True)
class Connection:
    """A way through a door, by the address that its other end sees; times are of the machine's monotonic clock."""

    peer: str
    opened: float
    closed: float | None = None


class Door:
    """An address, and who is behind it at the moment.

    ``lost`` is the share of the answers that nobody gets; ``twins`` is the share of the connections that reach two.
    """

    def __init__(self, random: Random) -> None:
        self.address = ""
        self.behind: dict[str, str] = {}
        self.lost = 0.0
        self.twins = 0.0
        self.happened: Counter[str] = Counter()
        self.connections: list[Connection] = []
        self._random = random

    async def lead(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Lead one connection through; it is closed where nobody is behind."""
        with closing(writer), suppress(OSError):
            if self.behind:
                await self._lead(reader, writer)

    async def _lead(self, reader: StreamReader, writer: StreamWriter) -> None:
        is_twin = self._random.random() < self.twins
        self.happened["twins"] += is_twin
        async with self._way() as (first, answers), self._way(is_wanted=is_twin) as (second, unheard):
            there = asyncio.create_task(self._carry(reader, first, second))
            back = asyncio.create_task(self._carry(answers, writer, may_lose=True))
            ignored = asyncio.create_task(self._carry(unheard))
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            for task in (there, back, ignored):
                task.cancel()
            await asyncio.gather(there, back, ignored, return_exceptions=True)

    @asynccontextmanager
    async def _way(self, *, is_wanted: bool = True) -> AsyncIterator[tuple[StreamWriter | None, StreamReader | None]]:
        if not is_wanted:
            yield None, None
            return
        host, _, port = self._random.choice(list(self.behind.values())).rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        connection = Connection("{}:{}".format(*writer.get_extra_info("sockname")), time.monotonic())
        self.connections.append(connection)
        try:
            yield writer, reader
        finally:
            connection.closed = time.monotonic()
            writer.close()

    async def _carry(self, source: StreamReader | None, *targets: StreamWriter | None, may_lose: bool = False) -> None:
        """Carry bytes until there are no more, or an answer is lost."""
        while source is not None and (some := await source.read(_MOST)):
            if may_lose and self._random.random() < self.lost:
                self.happened["lost"] += 1
                return
            for target in targets:
                if target is not None and not target.is_closing():
                    with suppress(OSError):
                        target.write(some)
                        await target.drain()


@asynccontextmanager
async def door(random: Random) -> AsyncIterator[Door]:
    """Keep a door until the block ends."""
    kept = Door(random)
    under_way: set[asyncio.Task[None]] = set()

    def led(reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.create_task(kept.lead(reader, writer))
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    server = await asyncio.start_server(led, "127.0.0.1", 0)
    kept.address = "{}:{}".format(*server.sockets[0].getsockname())
    try:
        yield kept
    finally:
        server.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
