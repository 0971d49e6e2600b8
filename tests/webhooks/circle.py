"""What does a test of the webhooks need? A gateway between a platform that delivers and an operator's services."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc.aio
import httpx

from betstack.event.v1.event_service_pb2_grpc import EventServiceStub
from gateway.app import Gateway, gateway
from gateway.ledger.database import Query, Transaction
from gateway.settings import Settings
from tests.harness import SECRET, settings_for
from tests.webhooks.deliveries import SAMPLES, TICKET, Delivery, delivery
from tests.webhooks.services import PATIENCE_S, Services, services

__all__ = ["Circle", "Clock", "circle", "circle_settings", "platform_at", "until_rows"]


class Clock:
    """Unix seconds that go on, and jump when they are told to."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Jump ahead."""
        self._ahead += seconds


@dataclass(slots=True)
class Circle:
    """A running gateway, what it calls, and the platform's hands."""

    gateway: Gateway
    services: Services
    http: httpx.AsyncClient
    clock: Clock
    events: Any = field(repr=False)
    base: int = 0
    """When the circle began, in whole Unix seconds."""
    ticket: str = TICKET
    """The ticket that deliveries are about, unless they say otherwise."""

    async def begin(self, ticket: str) -> None:
        """Begin anew, with another ticket and as if no notification had come yet."""
        await self.do("DELETE FROM deliveries WHERE api = 'sms'")
        self.services.calls.clear()
        self.services.most_out.clear()
        self.gateway.telemetry.webhooks.clear()
        self.base = int(self.clock())
        self.ticket = ticket

    async def post(self, made: Delivery) -> httpx.Response:
        """Deliver, as often as a test likes."""
        return await self.http.post(made.path, content=made.body, headers=dict(made.headers))

    def made(self, token: str, at: int = 0, /, **changes: Any) -> Delivery:
        """Make a delivery stamped so many seconds after the circle began."""
        if "ticket_id" in SAMPLES[token]:
            changes = {"ticket_id": self.ticket, **changes}
        return delivery(token, self.base + at, **changes)

    async def send(self, token: str, at: int = 0, /, **changes: Any) -> httpx.Response:
        """Make a delivery and deliver it."""
        return await self.post(self.made(token, at, **changes))

    async def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the ledger itself."""
        return await self.gateway.ledger.database.read(partial(_transaction, sql, parameters))

    async def do(self, sql: str, *parameters: object) -> None:
        """Change the ledger itself."""
        await self.gateway.ledger.database.run(partial(_transaction, sql, parameters))

    @property
    def counts(self) -> dict[str, int]:
        """What became of the deliveries, as the gateway counted them."""
        return dict(self.gateway.telemetry.webhooks)


def _transaction(sql: str, parameters: tuple[object, ...]) -> Transaction[list[tuple[Any, ...]]]:
    return (yield Query(sql, parameters))


async def until_rows(running: Circle, sql: str, wanted: object) -> None:
    """Wait until a query of the ledger for one value gives it."""
    async with asyncio.timeout(PATIENCE_S):
        while await running.rows(sql) != [(wanted,)]:  # noqa: ASYNC110 - the ledger does not tell
            await asyncio.sleep(0.01)


def circle_settings(target: str, *, site: dict[str, Any] | None = None, **overrides: Any) -> Settings:
    """Return settings of a gateway whose operator ``site`` has its services at this address."""
    operator = {
        "secret": SECRET,
        "platform_url": "http://127.0.0.1:1",
        "pam_target": target,
        "sms_target": target,
        **(site or {}),
    }
    webhooks = {"listen": "127.0.0.1:0", **overrides.pop("webhooks", {})}
    operators = {"site": operator, **overrides.pop("operators", {})}
    return settings_for("http://127.0.0.1:1", operators=operators, webhooks=webhooks, **overrides)


def platform_at(url: str) -> httpx.AsyncClient:
    """Return the platform's HTTP client; certificates are not read, which would take longer than a test."""
    limits = httpx.Limits(max_connections=32)  # more of them cost the client more than the gateway
    return httpx.AsyncClient(base_url=url, timeout=20, limits=limits, trust_env=False, verify=False)  # noqa: S501


@asynccontextmanager
async def circle(
    own: Services | None = None, *, clock: Clock | None = None, settings: Settings | None = None, **overrides: Any
) -> AsyncIterator[Circle]:
    """Run services (unless they run already) and a gateway in front of them."""
    clock = clock or Clock()
    async with AsyncExitStack() as stack:
        called: Services = own if own is not None else await stack.enter_async_context(services())
        made = settings or circle_settings(called.target, **overrides)
        running = await stack.enter_async_context(gateway(made, clock=clock))
        http = await stack.enter_async_context(platform_at(f"http://{running.webhooks}"))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(running.target))
        stub: Any = EventServiceStub(channel)  # type: ignore[no-untyped-call]
        yield Circle(running, called, http, clock, stub, int(clock()))
