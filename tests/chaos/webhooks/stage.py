"""Who takes part in a run of webhooks? A platform in this process, everybody else in processes that may be killed.

Players ask the platform for tickets. It tells the gateways, they call the operator, which is the example wallet, and the
subscribers listen to the gateways; whoever connects to somebody who may be killed comes through a door.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import httpx

from gateway.ledger.ledger import Ledger
from gateway.sandbox import LifeCycleEvent, Sandbox, SandboxOptions, WebhookTargets, sandbox
from tests.chaos.processes import Place, taken
from tests.chaos.webhooks.door import Door, door
from tests.chaos.webhooks.lives import OPENING
from tests.chaos.webhooks.subscriber import Listener
from tests.chaos.webhooks.wallet_process import Habits
from tests.sandbox.client import plain_http

__all__ = ["PATIENCE_S", "Plan", "Resident", "Stage", "set_up"]

PATIENCE_S: Final = 2.5
"""How long the gateways think that the platform waits; it waits a little longer."""

_FREE: Final = "127.0.0.1:0"
_DAY_S: Final = 86_400
_SETTLE_S: Final = 1.0
_CONSUMERS: Final = ("accounting", "")
"""What the subscribers are called; one has no name and keeps its cursor itself."""

_SETTINGS: Final = """\
default_operator = "site"

[server]
listen = "127.0.0.1:0"
grace_s = 3

[ledger]
url = "{ledger}"

[webhooks]
listen = "127.0.0.1:0"
patience_s = {patience_s}
answer_after_s = 0.4
repeat_s = [0.1, 0.3, 0.6]

[operators.site]
secret = "12345ABCDE"
platform_url = "{platform}"
pam_target = "{operator}"
sms_target = "{operator}"
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run; ``home`` is an empty directory for settings, money, notes and logs.

    The trouble lasts ``seconds``, and as long again at most if there were fewer than ``tickets`` by then. ``trouble`` is
    the share of the operator's calls that are late, and twice the share of those that fail. ``calm_s`` is how long, at
    least and at most, a process lives until it is killed.
    """

    name: str
    ledger: str
    gateways: int
    seed: int
    seconds: float
    tickets: int
    home: Path
    bettors: int = 16
    pause_s: float = 0.25
    trouble: float = 0.2
    calm_s: tuple[float, float] = (1.5, 7.0)

    def random(self, who: str) -> Random:
        """Return somebody's own numbers."""
        return Random(f"{self.seed}:webhooks:{who}")


class Resident(Place):
    """A place behind doors, by the names of the addresses that its processes say."""

    def __init__(self, name: str, command: Sequence[str], log: Path, doors: Mapping[str, Door]) -> None:
        super().__init__(name, command, log, list(doors))
        self._doors = doors

    async def start(self) -> dict[str, str]:
        """Start a process; the doors lead to it as soon as it is there."""
        addresses = await super().start()
        for name, kept in self._doors.items():
            kept.behind[self.name] = addresses[name]
        return addresses

    async def kill(self) -> None:
        """End the process as a power cut does; the doors hear of it a little later."""
        await super().kill()
        self._gone()

    async def end(self) -> int:
        """Ask the process to end, and return its exit status."""
        self._gone()
        return await super().end()

    def _gone(self) -> None:
        for kept in self._doors.values():
            kept.behind.pop(self.name, None)


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that a run is made of; ``notes`` are the subscribers' by their names."""

    plan: Plan
    platform: Sandbox
    history: Sequence[LifeCycleEvent]
    http: httpx.AsyncClient
    ledger: Ledger
    receivers: Door
    streams: Door
    services: Door
    gateways: Sequence[Resident]
    operator: Resident
    subscribers: Sequence[Place]
    notes: Mapping[str, Path]

    @property
    def places(self) -> Sequence[Place]:
        """All that may be killed."""
        return [*self.gateways, self.operator, *self.subscribers]

    def calm(self) -> None:
        """Let nothing go wrong any more; the operator hears of it at its next start."""
        self.receivers.lost = self.receivers.twins = 0
        self.platform.webhooks.set_chaos(None)
        self.operator.command = _operator(self.plan, trouble=0)


@asynccontextmanager
async def set_up(plan: Plan) -> AsyncIterator[Stage]:
    """Start everybody; all that was started has ended after the block."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        receivers, streams, services = [await enter(door(plan.random(f"door {number}"))) for number in range(3)]
        options = SandboxOptions(
            listen=_FREE,
            players=(),
            seed=plan.seed,
            webhooks={"site": _targets(receivers)},
            webhook_patience_s=1.2 * PATIENCE_S,
            journal_size=1_000_000,
            timestamp_tolerance_s=30 * _DAY_S,  # its clock is moved while requests are on their way
        )
        platform = await enter(sandbox(options))
        history: list[LifeCycleEvent] = []
        platform.book.listen(history.append)
        http = await enter(plain_http(platform.url))
        http.timeout = httpx.Timeout(60)
        ledger = await Ledger.open(plan.ledger, settle_s=_SETTLE_S, clock=time.time)
        stack.push_async_callback(ledger.close)
        gateways = [
            _gateway(plan, number, platform.url, receivers, streams, services) for number in range(plan.gateways)
        ]
        log = plan.home / "operator.log"
        operator = Resident("operator", _operator(plan, plan.trouble), log, {"operator": services})
        notes = {name or "nobody": plan.home / f"notes-{name}" for name in _CONSUMERS}
        subscribers = [_subscriber(plan, streams, name, notes[name or "nobody"]) for name in _CONSUMERS]
        await enter(taken([*gateways, operator, *subscribers]))
        await asyncio.gather(*(place.start() for place in (*gateways, operator, *subscribers)))
        yield Stage(
            plan=plan,
            platform=platform,
            history=history,
            http=http,
            ledger=ledger,
            receivers=receivers,
            streams=streams,
            services=services,
            gateways=gateways,
            operator=operator,
            subscribers=subscribers,
            notes=notes,
        )


def _targets(receivers: Door) -> WebhookTargets:
    url = f"http://{receivers.address}"
    return WebhookTargets(f"{url}/pam/site", f"{url}/sms/site")


def _gateway(plan: Plan, number: int, url: str, receivers: Door, streams: Door, services: Door) -> Resident:
    path = plan.home / f"gateway-{number + 1}.toml"
    path.write_text(
        _SETTINGS.format(ledger=plan.ledger, platform=url, operator=services.address, patience_s=PATIENCE_S)
    )
    command = ("gateway", "serve", "--config", str(path))
    return Resident(path.stem, command, path.with_suffix(".log"), {"gateway": streams, "webhooks": receivers})


def _operator(plan: Plan, trouble: float) -> Sequence[str]:
    habits = Habits(str(plan.home), plan.seed, trouble, OPENING)
    return ("tests.chaos.webhooks.wallet_process", habits.spelled())


def _subscriber(plan: Plan, streams: Door, consumer: str, notes: Path) -> Place:
    listener = Listener(streams.address, str(notes), consumer, plan.seed)
    command = ("tests.chaos.webhooks.subscriber", listener.spelled())
    return Place(notes.name, command, notes.with_suffix(".log"), ["subscriber"])
