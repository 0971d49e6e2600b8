"""Which connection carries the next request? The one used last, or a new one while there may be more.

Taking and giving back cost the same however many there are. The connection used last is the one that the server has had
the least time to close.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from gateway.settings import Upstream
from gateway.upstream.connection import Connection

__all__ = ["Origin", "Pool"]

_NEXT_FAMILY_AFTER_S: Final = 0.25
"""When the next address of a name is tried beside one that does not answer (RFC 8305, 5), in seconds."""


class Origin(NamedTuple):
    """Where a server is: RFC 6454's triple."""

    scheme: str
    host: str
    port: int


@dataclass(slots=True)
class _Lane:
    """The connections to one origin."""

    idle: list[Connection] = field(default_factory=list)
    waiting: deque[asyncio.Future[Connection | None]] = field(default_factory=deque)


class Pool:
    """Connections to all servers; raises RuntimeError where it is used after ``close``."""

    def __init__(self, settings: Upstream, context: Callable[[], ssl.SSLContext]) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._context = context
        self._lanes: dict[Origin, _Lane] = {}
        self._open: dict[Connection, Origin] = {}
        self._opening = 0
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def take(self, origin: Origin, timeout_s: float) -> Connection:
        """Return a connection for one exchange; raises OSError or TimeoutError where there is none.

        ``timeout_s`` bounds connecting. Waiting for one that others use is bounded by whoever asks.
        """
        lane = self._lanes.get(origin)
        if lane is None:
            lane = self._lanes[origin] = _Lane()
        while True:
            connection = self.idle(origin)
            if connection is not None:
                return connection
            if self._has_room():
                return await self._connect(origin, timeout_s)
            connection = await self._waited(lane)
            if connection is not None:
                if connection.is_fresh():
                    return connection
                connection.close()

    def idle(self, origin: Origin) -> Connection | None:
        """Return a connection that nobody uses; None where there is none."""
        lane = self._lanes.get(origin)
        while lane is not None and lane.idle:
            connection = lane.idle.pop()
            connection.is_idle = False
            if self._loop.time() - connection.idle_since < self._settings.keepalive_s and connection.is_fresh():
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> None:
        """Take back a connection that has carried a whole exchange."""
        if not connection.is_open:
            return
        lane = self._lanes[self._open[connection]]
        if _handed(lane.waiting, connection):
            return
        connection.is_idle, connection.idle_since = True, self._loop.time()
        lane.idle.append(connection)
        if len(self._lanes) > 1 and any(other.waiting for other in self._lanes.values() if other is not lane):
            self._evict()
        elif self._sweep is None:
            self._sweep = self._loop.call_later(self._settings.keepalive_s, self._swept)

    async def close(self) -> None:
        """Close everything."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in tuple(self._open):
            connection.abort()
        # Transports tell in the next round of the loop that they are closed.
        while self._open:  # noqa: ASYNC110 - it takes one round
            await asyncio.sleep(0)

    def _has_room(self) -> bool:
        if len(self._open) + self._opening < self._settings.max_connections:
            return True
        return self._evict()

    def _evict(self) -> bool:
        """Close an idle connection of any origin; its place is free at once."""
        for lane in self._lanes.values():
            if lane.idle:
                connection = lane.idle.pop(0)
                connection.close()
                self._forget(connection)
                return True
        return False

    async def _connect(self, origin: Origin, timeout_s: float) -> Connection:
        if self._closed:
            raise RuntimeError("the transport is closed")
        self._opening += 1
        try:
            async with asyncio.timeout(timeout_s):
                is_tls = origin.scheme == "https"
                _, connection = await self._loop.create_connection(
                    partial(Connection, self._loop, self._forget),
                    origin.host,
                    origin.port,
                    ssl=self._context() if is_tls else None,
                    server_hostname=origin.host if is_tls else None,
                    happy_eyeballs_delay=_NEXT_FAMILY_AFTER_S,
                )
        except BaseException:
            self._opening -= 1
            self._wake()
            raise
        self._opening -= 1
        self._open[connection] = origin
        if not connection.is_open:  # closed by the server before this task went on
            self._forget(connection)
            raise ConnectionResetError("closed at once")
        return connection

    async def _waited(self, lane: _Lane) -> Connection | None:
        """Wait for a connection that is given back; None where one was closed, so that there is room for another."""
        waiting: asyncio.Future[Connection | None] = self._loop.create_future()
        lane.waiting.append(waiting)
        try:
            return await waiting
        except BaseException:
            if waiting.done() and not waiting.cancelled():
                connection = waiting.result()
                if connection is None:
                    self._wake()
                else:
                    self.give_back(connection)
            else:
                with suppress(ValueError):
                    lane.waiting.remove(waiting)
            raise

    def _forget(self, connection: Connection) -> None:
        """Strike out a connection that is gone; there is room for another."""
        origin = self._open.pop(connection, None)
        if origin is None:
            return
        if connection.is_idle:
            with suppress(ValueError):
                self._lanes[origin].idle.remove(connection)
        self._wake()

    def _wake(self) -> None:
        for lane in self._lanes.values():
            if _handed(lane.waiting, None):
                return

    def _swept(self) -> None:
        """Close what has been idle for too long; nothing of it is left to be found by a server that closes it."""
        self._sweep = None
        before = self._loop.time() - self._settings.keepalive_s
        oldest = None
        for lane in self._lanes.values():
            while lane.idle and lane.idle[0].idle_since <= before:
                lane.idle.pop(0).close()
            if lane.idle and (oldest is None or lane.idle[0].idle_since < oldest):
                oldest = lane.idle[0].idle_since
        if oldest is not None:
            self._sweep = self._loop.call_at(oldest + self._settings.keepalive_s, self._swept)


def _handed(waiting: deque[asyncio.Future[Connection | None]], connection: Connection | None) -> bool:
    """Give a connection, or the news of room for one, to whoever has waited longest."""
    while waiting:
        first = waiting.popleft()
        if not first.done():
            first.set_result(connection)
            return True
    return False
