"""On which address is HTTP served? uvicorn as a guest in the gateway's event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

from gateway.settings import host_and_port

__all__ = ["listening"]

_BACKLOG: Final = 1024
_CONCURRENT_LIMIT: Final = 2048

_TURNS: Final = 10
"""Turns of the event loop in which an accepted connection becomes one that the server knows; it takes three."""


@asynccontextmanager
async def listening(app: Any, listen: str, *, shared: bool = False) -> AsyncIterator[str]:  # noqa: ANN401 - an ASGI app
    """Serve an application until the block ends; gives the address. Raises OSError where it cannot be bound.

    Where it is ``shared``, other processes listen on the same address, and connections are spread over all.
    """
    bound = _bind(listen, shared=shared)
    server = _Guest(
        uvicorn.Config(
            app,
            http="h11",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_CONCURRENT_LIMIT,
            timeout_graceful_shutdown=10,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[bound]), name=f"HTTP on {listen}")
    try:
        await server.until_started(serving)
        yield f"{listen.rpartition(':')[0]}:{bound.getsockname()[1]}"
    finally:
        server.end()
        await serving
        bound.close()


def _bind(listen: str, *, shared: bool) -> socket.socket:
    host, port = host_and_port(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only where it is; without it small answers wait.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if shared else socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


class _Guest(uvicorn.Server):
    """A server that leaves signals to whoever owns the loop and waits without polling."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._started = asyncio.Event()
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Let ``serve`` return once what is under way is answered."""
        self._ended.set()

    async def until_started(self, serving: asyncio.Task[None]) -> None:
        """Wait until requests are taken."""
        started = asyncio.ensure_future(self._started.wait())
        await asyncio.wait({started, serving}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if serving.done():
            serving.result()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when it is done."""
        await super().startup(sockets)
        self._started.set()

    async def main_loop(self) -> None:
        """Wait for the end."""
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, and let go also of connections that were just being accepted.

        A connection that the server learns of later would be served until nobody waits any longer. asyncio loses one that
        it is accepting when its listener closes, so that it is left in peace before; uvloop accepts until then, and so
        needs the turns after.
        """
        loop = asyncio.get_running_loop()
        for listener in sockets or ():
            loop.remove_reader(listener)
        await _turns()
        for server in self.servers:
            server.close()
        await _turns()
        await super().shutdown(sockets)


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
