"""Over which connections do requests travel? The seam between the gateway and what carries its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from gateway.settings import Upstream
from gateway.upstream.exchange import Transport
from gateway.upstream.fast_transport import FastTransport
from gateway.upstream.httpx_transport import HttpxTransport

__all__ = ["OpenTransport", "open_transport"]

OpenTransport = Callable[[Upstream], AbstractAsyncContextManager[Transport]]


@asynccontextmanager
async def open_transport(settings: Upstream) -> AsyncIterator[Transport]:
    """Give the transport that the settings name, until the block ends."""
    transport = FastTransport(settings) if settings.transport == "fast" else HttpxTransport(settings)
    try:
        yield transport
    finally:
        await transport.close()
