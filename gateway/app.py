"""What is a running gateway made of? The composition root: everything that is constructed is constructed here."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from google.protobuf.message import Message

from gateway.contract import Contract, Route, load_contract
from gateway.http_listener import listening
from gateway.insight import insight
from gateway.ledger.ledger import Ledger
from gateway.ledger.reconciliation import Pace, Reconciliation
from gateway.live import Live
from gateway.open_files import allow_open_files, open_files_problem
from gateway.reloading import Reloading
from gateway.scheduling import threads_standing_back
from gateway.server.aio import own_handlers, platform_handlers
from gateway.server.drain import OpenCalls
from gateway.server.entrance import Entrance
from gateway.server.events import event_rpcs
from gateway.server.limits import Limits
from gateway.server.listener import Listener
from gateway.server.operations import Operations
from gateway.server.own import own_road
from gateway.server.steps import roads
from gateway.server.tls import Certificates
from gateway.settings import Settings, SettingsProblems, exposure_problems, load_settings
from gateway.telemetry import Telemetry
from gateway.upstream.platform import Platform
from gateway.upstream.transport import OpenTransport, open_transport
from gateway.webhooks.answers import Numbers
from gateway.webhooks.courier import Courier
from gateway.webhooks.dispatch import Dispatch, Target
from gateway.webhooks.notifications import Notifications
from gateway.webhooks.receiver import Receiver
from gateway.wire.attempt import Attempt
from gateway.wire.inbound import inbound
from gateway.wire.translation import translations

__all__ = ["Gateway", "gateway", "require_usable", "serve"]

LOG: Final = logging.getLogger("gateway.app")

_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: ``target`` is what clients connect to, ``webhooks`` where the platform's webhooks arrive.

    ``admin`` is where metrics and health are read.
    """

    target: str
    port: int
    contract: Contract = field(repr=False)
    telemetry: Telemetry = field(repr=False)
    ledger: Ledger = field(repr=False)
    reloading: Reloading = field(repr=False)
    webhooks: str | None = None
    admin: str | None = None


@asynccontextmanager
async def gateway(
    settings: Settings, *, clock: Callable[[], float] = time.time, transport: OpenTransport = open_transport
) -> AsyncIterator[Gateway]:
    """Run a gateway until the block ends, then drain it; ``clock`` is Unix seconds, ``transport`` carries the requests.

    Raises SettingsProblems where the settings do not fit the contract or files are gone that they name, LedgerUnavailable
    where the ledger cannot be used, RuntimeError where the address cannot be bound.
    """
    contract = load_contract()
    require_usable(settings, contract)
    live = Live(settings, clock)
    certificates = Certificates.of(settings.server)
    reloading = Reloading(live, certificates)
    compiled = translations(contract, live.codes)
    open_calls = OpenCalls()
    limits = Limits(live.limits, settings.server.workers)
    serving = asyncio.Event()
    async with AsyncExitStack() as stack:
        told = await stack.enter_async_context(insight(settings))
        telemetry = told.telemetry
        connections = await stack.enter_async_context(transport(settings.upstream))
        platform = Platform(settings, compiled, connections, telemetry, clock, live.signing_key, limits.spend)
        ledger = await Ledger.open(settings.ledger.url, settle_s=_settle_s(settings), clock=clock)
        stack.push_async_callback(ledger.close)
        admin = await stack.enter_async_context(
            told.administered(ledger, lambda: serving.is_set() and not open_calls.is_leaving, clock)
        )
        reconciliation = _reconciliation(settings, ledger, contract, platform, limits, telemetry, clock)
        await stack.enter_async_context(_running(reconciliation.run(), "reconciliation"))
        ways = roads(
            settings,
            compiled,
            platform,
            ledger=ledger,
            repeat=reconciliation.repeat,
            open_calls=open_calls,
            limits=limits,
            telemetry=telemetry,
        )
        own_way = own_road(settings.operators, open_calls, telemetry, live.access)
        entrance = Entrance(live.access, settings.server.client_ca_file is not None, settings.default_operator or "")
        own_rpcs = (
            *Operations(ledger, contract, open_calls).rpcs(),
            *event_rpcs(ledger.database, open_calls, clock),
        )
        handlers = (*platform_handlers(contract, ways, entrance), *own_handlers(own_rpcs, own_way, entrance))
        webhooks = await stack.enter_async_context(_receiving(settings, live, contract, ledger, telemetry, clock))
        await stack.enter_async_context(_running(reloading.run(), "reloading"))
        listener = await Listener.open(
            settings.server, contract.services, handlers, open_calls, certificates, settings.limits.calls
        )
        stack.push_async_callback(listener.drain)
        serving.set()
        yield Gateway(listener.target, listener.port, contract, telemetry, ledger, reloading, webhooks, admin)


def require_usable(settings: Settings, contract: Contract) -> None:
    """Raise SettingsProblems where settings that are good by themselves are none for this contract and address."""
    disabled = [route.short for route in contract.routes.values() if route.disabled]
    unknown = [name for name in settings.server.enable if name not in disabled]
    problems = [f"server.enable: {name}: has to be one of {', '.join(disabled)}" for name in unknown]
    problems += exposure_problems(settings.server, settings.callers, settings.operators)
    if problems:
        raise SettingsProblems(problems)


def _settle_s(settings: Settings) -> float:
    return settings.upstream.timeout_s + settings.reconcile.settle_s


def _reconciliation(
    settings: Settings,
    ledger: Ledger,
    contract: Contract,
    platform: Platform,
    limits: Limits,
    telemetry: Telemetry,
    clock: Callable[[], float],
) -> Reconciliation:
    async def call(route: Route, request: Message, operator: str) -> Attempt:
        limits.spend(operator)
        upstream = settings.upstream
        timeout_s = upstream.read_timeout_s if route.call_class.is_read else upstream.timeout_s
        return await platform.attempt(route, request, operator, timeout_s)

    return Reconciliation(
        ledger,
        contract,
        call,
        _pace(settings),
        correlated={name: operator.correlate is not None for name, operator in settings.operators.items()},
        keep_s=settings.ledger.keep_days * _DAY_S,
        telemetry=telemetry,
        clock=clock,
    )


def _pace(settings: Settings) -> Pace:
    reconcile, timeout_s = settings.reconcile, settings.upstream.timeout_s
    return Pace(
        poll_s=reconcile.poll_s,
        repeat_s=reconcile.repeat_s,
        discard_s=reconcile.discard_s,
        give_up_s=reconcile.give_up_s,
        first_absence_s=reconcile.first_absence_s or 2 * timeout_s,
        between_looks_s=reconcile.between_looks_s,
        clock_tolerance_s=reconcile.clock_tolerance_s,
        list_limit=reconcile.list_limit,
        lease_s=2 * timeout_s + settings.upstream.read_timeout_s,
    )


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _receiving(
    settings: Settings, live: Live, contract: Contract, ledger: Ledger, telemetry: Telemetry, clock: Callable[[], float]
) -> AsyncIterator[str | None]:
    """Receive webhooks where the settings say so, and pass them on; gives the address."""
    if settings.webhooks.listen is None:
        yield None
        return
    dispatch = Dispatch(_targets(settings), contract.routes, telemetry)
    actions = {api: inbound(contract, api) for api in ("pam", "sms")}
    numbers = {api: Numbers(partial(live.codes, api), settings.webhooks.other_code) for api in actions}
    courier = Courier(ledger.database, dispatch, actions["pam"], settings.webhooks, numbers["pam"], telemetry, clock)
    notifications = Notifications(ledger.database, dispatch, settings.webhooks, numbers, telemetry, clock)
    receiver = Receiver(settings, courier, notifications, actions, telemetry, clock, live.valid_keys)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(dispatch.close)
        await stack.enter_async_context(_running(courier.run(), "webhooks"))
        stack.push_async_callback(courier.close)
        yield await stack.enter_async_context(
            listening(receiver.app(), settings.webhooks.listen, shared=settings.server.workers > 1)
        )


def _targets(settings: Settings) -> dict[tuple[str, str], Target]:
    targets = {}
    for name, operator in settings.operators.items():
        for api, address in (("pam", operator.pam_target), ("sms", operator.sms_target)):
            if address is not None:
                targets[name, api] = Target.of(operator, address)
    return targets


async def serve(
    settings: Settings,
    started: Callable[[Gateway], None],
    *,
    reread: Callable[[], Settings] = load_settings,
    life: int | None = None,
) -> None:
    """Run a gateway until SIGTERM or SIGINT, or until the other end of the pipe ``life`` is gone.

    At SIGHUP what ``reread`` gives comes into force.
    """
    allow_open_files(settings.upstream)
    if problem := open_files_problem(settings.upstream):
        LOG.warning("%s", problem)
    end, hung_up = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    loop.add_signal_handler(signal.SIGHUP, hung_up.set)
    async with AsyncExitStack() as stack:
        with threads_standing_back():
            running = await stack.enter_async_context(gateway(settings))
        await stack.enter_async_context(_running(_rereading(hung_up, running.reloading, reread), "settings"))
        # A full round of garbage collection over all that is there from now on would hold every call up for some 50 ms.
        gc.collect()
        gc.freeze()
        started(running)
        if life is not None:
            loop.add_reader(life, end.set)
        await end.wait()
        if life is not None:
            loop.remove_reader(life)


async def _rereading(hung_up: asyncio.Event, reloading: Reloading, reread: Callable[[], Settings]) -> None:
    while True:
        await hung_up.wait()
        hung_up.clear()
        await reloading.reread(reread)
