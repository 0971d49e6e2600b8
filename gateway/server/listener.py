"""On which port is the gRPC face, and how does it go away? Start, and a shutdown that tears no call."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import grpc
import grpc.aio

from gateway.server.discovery import HEALTH, REFLECTION_SERVICES, Health, add_health, add_reflection
from gateway.server.drain import OpenCalls
from gateway.server.events import SERVICE as EVENTS
from gateway.server.operations import SERVICE as OPERATIONS
from gateway.server.tls import Certificates
from gateway.settings import Server

__all__ = ["OWN_SERVICES", "Listener"]

OWN_SERVICES: Final = (OPERATIONS, EVENTS, HEALTH, *REFLECTION_SERVICES)
"""The services that the gateway serves itself; with the platform services they are all there is."""

ANSWER_BEFORE_END_S: Final = 0.5
"""How long before the grace ends open calls are answered, in seconds."""


class Listener:
    """A running gRPC server."""

    def __init__(self, server: grpc.aio.Server, health: Health, open_calls: OpenCalls, host: str, port: int) -> None:
        self._server = server
        self._health = health
        self._open_calls = open_calls
        self.host = host
        self.port = port

    @property
    def target(self) -> str:
        """What a client connects to."""
        return f"{self.host}:{self.port}"

    @classmethod
    async def open(
        cls,
        settings: Server,
        services: Iterable[str],
        handlers: Iterable[grpc.GenericRpcHandler],
        open_calls: OpenCalls,
        certificates: Certificates | None,
    ) -> Listener:
        """Bind and serve, with TLS where there are certificates; raises RuntimeError where the address cannot be bound."""
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers(tuple(handlers))
        names = (*services, OPERATIONS, EVENTS)
        health = await add_health(server, names)
        if settings.reflection:
            add_reflection(server, (*names, HEALTH))
        if certificates is None:
            port = server.add_insecure_port(settings.listen)
        else:
            port = server.add_secure_port(settings.listen, certificates.credentials())
        await server.start()
        return cls(server, health, open_calls, settings.listen.rpartition(":")[0], port)

    async def drain(self, grace_s: float) -> None:
        """Say NOT_SERVING, take no new work, let calls in flight finish within ``grace_s`` seconds.

        Until the last one is over, request ids that are known are still answered from their rows. Half a second before
        the end, calls other than READ that are still open are answered OUTCOME_UNKNOWN.
        """
        ends = time.monotonic() + grace_s
        await self._health.enter_graceful_shutdown()
        self._open_calls.close()
        await self._open_calls.idle(max(grace_s - ANSWER_BEFORE_END_S, 0))
        await self._open_calls.answer()
        # Streams of watchers never end by themselves: they are not worth the rest of the grace.
        await self._server.stop(min(max(ends - time.monotonic(), 0), ANSWER_BEFORE_END_S))
