"""On which port is the gRPC face, and how does it go away? Start, and a shutdown that tears no call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Final

import grpc
import grpc.aio

from gateway.server.discovery import HEALTH, REFLECTION_SERVICES, Health, add_health, add_reflection
from gateway.server.drain import OpenCalls
from gateway.server.events import SERVICE as EVENTS
from gateway.server.intake import close_intake
from gateway.server.operations import SERVICE as OPERATIONS
from gateway.server.tls import Certificates
from gateway.settings import Server

__all__ = ["OWN_SERVICES", "Listener"]

OWN_SERVICES: Final = (OPERATIONS, EVENTS, HEALTH, *REFLECTION_SERVICES)
"""The services that the gateway serves itself; with the platform services they are all there is."""

ANSWER_BEFORE_END_S: Final = 0.5
"""How long before the grace ends open calls are answered, in seconds."""


_QUIET_S: Final = 1.0
"""How long no call may have begun until everybody is taken to have left, in seconds."""

_WAITING: Final = 20_000
"""How many calls may at least wait inside gRPC until they are looked at.

gRPC cancels those beyond, by itself from a thousand on, and its status says neither why nor that nothing was sent. It
should be for the limits of our own to refuse a call.
"""

_WAITING_S: Final = 120
"""How long each may wait there, in seconds; a deadline that passes earlier ends it earlier."""

_LATEST_AGE: Final = 1.2
"""gRPC lets connections live a tenth longer or shorter than the limit, so that they do not all end at once."""


class Listener:
    """A running gRPC server."""

    def __init__(
        self, server: grpc.aio.Server, health: Health, open_calls: OpenCalls, settings: Server, port: int
    ) -> None:
        self._server = server
        self._health = health
        self._open_calls = open_calls
        self._settings = settings
        self.host = settings.listen.rpartition(":")[0]
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
        most_calls: int,
    ) -> Listener:
        """Bind and serve, with TLS where there are certificates; raises RuntimeError where the address cannot be bound.

        ``most_calls`` is how many calls may be in flight; whoever is beyond that can still be told.
        """
        server = grpc.aio.server(options=_options(settings, most_calls))
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
        return cls(server, health, open_calls, settings, port)

    async def drain(self) -> None:
        """Say NOT_SERVING, let everybody leave, take no new work, let calls in flight finish.

        Everything is served as before for ``lameduck_s``, in which load balancers learn of it, and then, where connections
        have a limit of age, until they have reached it: clients that make calls find another gateway without losing one.
        After that new work is refused, and for ``grace_s`` calls in flight may finish and request ids that are known are
        answered from their rows. Half a second before its end, calls other than READ that are still open are answered
        OUTCOME_UNKNOWN.
        """
        await self._health.enter_graceful_shutdown()
        self._open_calls.leave()
        await asyncio.sleep(self._settings.lameduck_s)
        await self._left()
        ends = time.monotonic() + self._settings.grace_s
        self._open_calls.close()
        await self._open_calls.idle(max(self._settings.grace_s - ANSWER_BEFORE_END_S, 0))
        await self._open_calls.answer()
        # Streams of watchers never end by themselves: they are not worth the rest of the grace.
        await self._server.stop(min(max(ends - time.monotonic(), 0), ANSWER_BEFORE_END_S))

    async def _left(self) -> None:
        """Wait until nobody makes calls any more, or every connection has been asked to leave."""
        age_s = self._settings.connection_age_s
        if not age_s or self._open_calls.is_quiet(_QUIET_S):
            return
        close_intake(self.port)
        await self._open_calls.quiet(_QUIET_S, _LATEST_AGE * age_s)


def _options(settings: Server, most_calls: int) -> list[tuple[str, int]]:
    waiting = max(_WAITING, 2 * most_calls)
    options = [
        ("grpc.so_reuseport", int(settings.workers > 1)),
        ("grpc.server.max_pending_requests", waiting),
        ("grpc.server.max_pending_requests_hard_limit", waiting),
        ("grpc.server_max_unrequested_time_in_server", _WAITING_S),
    ]
    if settings.connection_age_s:
        options.append(("grpc.max_connection_age_ms", int(settings.connection_age_s * 1000)))
    return options
