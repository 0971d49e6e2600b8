"""How is an ASGI application served in somebody else's event loop, and ended without waiting for anybody?"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from gateway.sandbox.connection import Connection

__all__ = ["listener_at", "serving", "url_of"]


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    """Answer requests until the block ends."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        # As long as common proxies keep idle connections, so that they do not go away between two steps of a test.
        timeout_keep_alive=75,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.until_listening(task)
        yield
    finally:
        server.stop()
        await task


class _Server(uvicorn.Server):
    """uvicorn as a guest in somebody else's event loop: without signal handlers, and without polling."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._listening = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Make ``serve`` return."""
        self._stopping.set()

    async def until_listening(self, serving: asyncio.Task[None]) -> None:
        """Wait until requests are answered; raises what ``serve`` raised if it ends before."""
        listening = asyncio.ensure_future(self._listening.wait())
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            listening.cancel()
            serving.result()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever owns the event loop."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and say so."""
        await super().startup(sockets)
        self._listening.set()

    async def main_loop(self) -> None:
        """Wait to be stopped."""
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        """Close everything at once: whoever stops a sandbox does not wait for its answers."""
        for server in self.servers:
            server.close()
        while self.server_state.connections or self.server_state.tasks:
            # Each time anew: one may have been on its way in when the listener closed.
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.hang_up()
            await asyncio.gather(*self.server_state.tasks, return_exceptions=True)
            await asyncio.sleep(0)  # one turn of the loop, in which transports close


def listener_at(listen: str) -> socket.socket:
    """Take an address, host and port; OSError if it cannot be had."""
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name: asyncio turns Nagle's algorithm off only where the socket says what it is, and with it on, an answer
    # in two pieces takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), int(port)))
        listener.listen(1_024)
    except BaseException:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the beginning of all URLs there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
