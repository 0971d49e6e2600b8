"""What happens in one run? Bets under faults and kills, then calm, then the question whether everything adds up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import grpc.aio

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from betstack.sandbox.v1.sandbox_service_pb2_grpc import SandboxServiceStub
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import Operation, State
from gateway.sandbox import Sandbox, SandboxOptions, sandbox
from tests.chaos.bettors import Bettor, asked
from tests.chaos.diary import Deed, Diary, Intent, Told, Word
from tests.chaos.facts import OPERATOR, Facts, gathered, rows_in, unsettled
from tests.chaos.seats import Seat, seated
from tests.chaos.trouble import TIMEOUT_S, Killer, Saboteur
from tests.chaos.verdict import Verdict, judged
from tests.chaos.wishes import OPENING, Wishes

__all__ = ["Figures", "Plan", "run"]

_SECRET: Final = "12345ABCDE"
_SETTLE_S: Final = 0.1
_KNOWN_AT_LAST_S: Final = 30.0
_LOOK_S: Final = 0.25
_FREE: Final = "127.0.0.1:0"
_ASKED_AT_ONCE: Final = 8
_END: Final = (State.SUCCEEDED, State.REJECTED, State.REVERSED)

_SETTINGS: Final = """\
default_operator = "{operator}"

[server]
listen = "127.0.0.1:0"
grace_s = 3

[upstream]
timeout_s = {timeout_s}
read_timeout_s = {timeout_s}
connect_timeout_s = {timeout_s}
max_answer_bytes = 8388608
breaker_calls = 10
breaker_window_s = 1
breaker_pause_s = 0.2

[ledger]
url = "{ledger}"

[reconcile]
poll_s = 0.05
settle_s = {settle_s}
repeat_s = [0.1, 0.2, 0.5]
discard_s = 0.3
first_absence_s = 1
between_looks_s = 0.3
clock_tolerance_s = 1
list_limit = 400

[operators.{operator}]
secret = "{secret}"
platform_url = "{url}"
pam_url = "{url}/pam"
correlate = "rtag"
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. The trouble lasts ``seconds``, and as long again at most if fewer than ``creates`` were made by then.

    ``home`` is an empty directory for settings and logs. ``calm_s`` is how long, at least and at most, no gateway is
    killed.
    """

    name: str
    ledger: str
    gateways: int
    seed: int
    seconds: float
    creates: int
    home: Path
    bettors: int = 10
    pause_s: float = 0.25
    calm_s: tuple[float, float] = (0.3, 4.0)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run saw, and what was found wrong.

    ``orphans`` are the request ids that were seen to be unknown because a gateway was killed. ``unharmed`` are
    the calls that a surviving gateway brought to their end while its neighbour was killed or came back.
    """

    gateways: int
    deeds: Mapping[Deed, int]
    answers: Counter[str]
    orphans: int
    kills: int
    unharmed: int
    faults: Counter[str]
    unknown_seen: int
    verdict: Verdict
    problems: tuple[str, ...]
    seconds: float

    @property
    def creates(self) -> int:
        """How many request ids were to create a ticket."""
        return self.deeds[Deed.CREATE]


@dataclass(frozen=True, slots=True)
class _Stage:
    """Everything that a run is made of."""

    plan: Plan
    platform: Sandbox
    steering: Any
    wishes: Wishes
    opening: Mapping[str, int]
    seats: Sequence[Seat]
    ledger: Ledger
    diary: Diary

    def random(self, who: str) -> Random:
        """Return somebody's own numbers."""
        return Random(f"{self.plan.seed}:{who}")


class _Seen:
    """The request ids that were UNKNOWN at some time, and those of them that a killed gateway was sending."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self.orphans: set[str] = set()

    def note(self, rows: Iterable[Operation]) -> None:
        """Remember rows that are UNKNOWN."""
        for row in rows:
            self.unknown.add(row.request_id)
            if row.failure is None:
                self.orphans.add(row.request_id)


async def run(plan: Plan) -> Figures:
    """Make one run; everything that was started for it has ended afterwards."""
    begun = time.monotonic()
    async with _set_up(plan) as stage:
        seen = _Seen()
        killer = await _troubled(stage, seen)
        problems = await _made_known(stage, seen)
        problems += await _answered_again(stage)
        facts = await gathered(stage.ledger, stage.platform, stage.steering, stage.diary, stage.opening)
        verdict = judged(stage.diary, facts)
        problems += [*verdict.problems, *killer.harmed, *await _ended(stage.seats)]
        fired = (await stage.steering.ListFaults(pb.ListFaultsRequest())).fired_counts
        return Figures(
            gateways=stage.plan.gateways,
            deeds=stage.diary.deeds(),
            answers=stage.diary.answers(),
            orphans=len(seen.orphans),
            kills=sum(each.kills for each in stage.seats),
            unharmed=killer.unharmed,
            faults=Counter(dict(fired)),
            unknown_seen=len(seen.unknown | set(stage.diary.unknown()) | _found_out(facts)),
            verdict=verdict,
            problems=tuple(problems),
            seconds=time.monotonic() - begun,
        )


# ----------------------------------------------------------------------------------------------------- setting up


@asynccontextmanager
async def _set_up(plan: Plan) -> AsyncIterator[_Stage]:
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(
            sandbox(SandboxOptions(listen=_FREE, control=_FREE, players=(), seed=plan.seed))
        )
        assert platform.control_target is not None
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(platform.control_target))
        untyped: Any = SandboxServiceStub
        steering = untyped(channel)
        ids = await _funded(steering)
        ledger = await Ledger.open(plan.ledger, settle_s=TIMEOUT_S + _SETTLE_S, clock=time.time)
        stack.push_async_callback(ledger.close)
        configs = [_configured(plan, platform.url, number) for number in range(1, plan.gateways + 1)]
        seats = await stack.enter_async_context(seated(configs))
        wishes = Wishes(platform, ids, Random(f"{plan.seed}:wishes"))
        opening = {ids[token]: OPENING[token] for token in ids}
        yield _Stage(plan, platform, steering, wishes, opening, seats, ledger, Diary())


async def _funded(steering: Any) -> dict[str, str]:
    """Give the players their money; returns their ids by token."""
    requests = {token: pb.FundPlayerRequest(token=token, amount=amount) for token, amount in OPENING.items()}
    return {token: (await steering.FundPlayer(request)).player_id for token, request in requests.items()}


def _configured(plan: Plan, url: str, number: int) -> Path:
    path = plan.home / f"gateway-{number}.toml"
    settings = _SETTINGS.format(
        operator=OPERATOR, secret=_SECRET, url=url, ledger=plan.ledger, timeout_s=TIMEOUT_S, settle_s=_SETTLE_S
    )
    path.write_text(settings)
    return path


# -------------------------------------------------------------------------------------------------------- trouble


async def _troubled(stage: _Stage, seen: _Seen) -> Killer:
    """Let everybody play while things go wrong; when it is over, all gateways run and nothing goes wrong any more."""
    enough = asyncio.Event()
    killer = Killer(
        stage.seats,
        stage.steering,
        stage.wishes,
        stage.diary,
        stage.random("killer"),
        pause_s=stage.plan.calm_s,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(killer.work(enough))
        group.create_task(Saboteur(stage.steering, stage.random("saboteur")).work(enough))
        group.create_task(_watch(stage.ledger, seen, enough))
        for number in range(stage.plan.bettors):
            bettor = Bettor(
                stage.wishes,
                stage.diary,
                stage.seats,
                stage.random(f"bettor {number}"),
                pause_s=stage.plan.pause_s,
                enough=enough,
            )
            group.create_task(bettor.play())
        await _long_enough(stage)
        enough.set()
    return killer


async def _long_enough(stage: _Stage) -> None:
    begun = time.monotonic()
    while (lasted := time.monotonic() - begun) < 2 * stage.plan.seconds:
        if lasted >= stage.plan.seconds and len(stage.diary.of(Deed.CREATE)) >= stage.plan.creates:
            return
        await asyncio.sleep(_LOOK_S)


async def _watch(ledger: Ledger, seen: _Seen, enough: asyncio.Event) -> None:
    """Note which request ids are UNKNOWN while it lasts."""
    while not enough.is_set():
        seen.note(await rows_in(ledger, State.UNKNOWN))
        with suppress(TimeoutError):
            await asyncio.wait_for(enough.wait(), _LOOK_S)


# ----------------------------------------------------------------------------------------------------------- calm


async def _made_known(stage: _Stage, seen: _Seen) -> list[str]:
    """Wait until reconciliation is through; returns that it is not, if it takes too long."""
    end = time.monotonic() + _KNOWN_AT_LAST_S
    while left := await unsettled(stage.ledger):
        if time.monotonic() > end:
            return [f"{left} rows and discards are not settled after {_KNOWN_AT_LAST_S:.0f} s of calm"]
        seen.note(await rows_in(stage.ledger, State.UNKNOWN))
        await asyncio.sleep(_LOOK_S)
    return []


async def _answered_again(stage: _Stage) -> list[str]:
    """Ask once more about everything whose end is known: the answer is the row's, and nothing is sent for it."""
    random = stage.random("once more")
    at_once = asyncio.Semaphore(_ASKED_AT_ONCE)

    async def once_more(intent: Intent, row: Operation) -> str | None:
        async with at_once:
            told = await asked(intent, random.choice(stage.seats))
        return None if _is_same(told, row) else f"{intent}: {row.state}, but asked again it says {told}"

    rows = [row for row in await rows_in(stage.ledger, *_END) if not row.free and row.request_id in stage.diary]
    before = stage.platform.wallet.count(), stage.platform.book.count()
    said = await asyncio.gather(*(once_more(stage.diary[row.request_id], row) for row in rows))
    after = stage.platform.wallet.count(), stage.platform.book.count()
    moved = [] if before == after else [f"asking again moved money: {before} entries and tickets became {after}"]
    return [*filter(None, said), *moved]


def _is_same(told: Told, row: Operation) -> bool:
    match row.state:
        case State.SUCCEEDED:
            return told.word is Word.OK and told.is_replay
        case State.REVERSED:
            return told.reason == "OPERATION_REVERSED"
        case _:
            return told.word is Word.REFUSED and told.execution == "NOT_EXECUTED"


async def _ended(seats: Collection[Seat]) -> list[str]:
    """Ask the gateways to end, as an operator does; returns what does not end well, and what they did not expect."""
    statuses = await asyncio.gather(*(each.end() for each in seats))
    unclean = [f"{each.name} ended with {status}" for each, status in zip(seats, statuses, strict=True) if status]
    surprised = [f"{each.tracebacks()} tracebacks in {each.log}" for each in seats if each.tracebacks()]
    return [*unclean, *surprised]


def _found_out(facts: Facts) -> set[str]:
    """Return the request ids that the reconciliation worked on."""
    return {row.request_id for row in facts.rows.values() if row.tries or row.looks or row.state is State.REVERSED}
