"""What happens in one run of webhooks? Tickets live under faults and kills, then comes calm, then the judgement."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

from gateway.sandbox import WebhookChaos
from tests.chaos.processes import Place
from tests.chaos.verdict import Verdict
from tests.chaos.webhooks.evidence import count_of_events, gathered, log_of, opening_of, states_in
from tests.chaos.webhooks.lives import OPENING, Bettor
from tests.chaos.webhooks.stage import Plan, Stage, set_up
from tests.chaos.webhooks.subscriber import BEGINS, SEES, Note, notes_in
from tests.chaos.webhooks.verdict import Evidence, judged

__all__ = ["Figures", "Plan", "run"]

_TWINS: Final = 0.25
_LOST: Final = 0.05
_CHAOS: Final = WebhookChaos(
    duplicate=0.3, resigned=0.4, answer_lost=0.06, delay=0.15, overtaken=0.12, longest_delay_s=1_800
)
_REPEATED_S: Final = 1_800
_DAY_S: Final = 86_400
_GIVEN_UP_S: Final = 60 * 3_600
"""How far the platform's clock may go before the calm: what is 72 hours old by then is not repeated any more."""

_QUIET_S: Final = 45.0
_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run saw, and what was found wrong.

    ``creates`` are the creates and reserves that the platform was asked for, ``webhooks`` what it had to tell of tickets,
    ``deliveries`` how often it tried; ``unknown_seen`` are the creates and reserves of which nobody knew whether they
    were carried out.
    """

    creates: int
    tickets: int
    webhooks: int
    deliveries: int
    calls: int
    events: int
    kills: int
    operator_kills: int
    subscriber_kills: int
    sessions: int
    faults: Counter[str]
    said: Counter[str]
    unknown_seen: int
    verdict: Verdict
    problems: tuple[str, ...]
    seconds: float


async def run(plan: Plan) -> Figures:
    """Make one run; everything that was started for it has ended afterwards."""
    begun = time.monotonic()
    async with set_up(plan) as stage:
        opening = opening_of(plan.home, OPENING)
        said = await _troubled(stage)
        await _calmed(stage)
        log = await log_of(stage.streams.address, await count_of_events(stage.ledger))
        await _caught_up(stage, log)
        problems = await _ended(stage)
        evidence = await gathered(
            home=plan.home,
            platform=stage.platform,
            history=stage.history,
            opening=opening,
            connections=stage.services.connections,
            ledger=stage.ledger,
            log=log,
            notes=stage.notes,
        )
        return _figures(stage, evidence, said, problems, time.monotonic() - begun)


def _figures(stage: Stage, evidence: Evidence, said: Counter[str], problems: Sequence[str], seconds: float) -> Figures:
    verdict = judged(evidence)
    deeds = sum(len(life.deeds) for life in evidence.lives.values())
    return Figures(
        creates=sum(count for what, count in said.items() if not what.startswith("paid")),
        tickets=stage.platform.book.count(),
        webhooks=deeds + len(list(evidence.given_up)),
        deliveries=stage.platform.webhooks.deliveries.count + stage.receivers.happened["twins"],
        calls=len(evidence.calls),
        events=len(evidence.log),
        kills=sum(each.kills for each in stage.gateways),
        operator_kills=stage.operator.kills,
        subscriber_kills=sum(each.kills for each in stage.subscribers),
        sessions=sum(map(_sessions, evidence.notes.values())),
        faults=_faults(stage, evidence),
        said=said,
        unknown_seen=sum(state == "LOST" for state in evidence.states.values()),
        verdict=verdict,
        problems=(*verdict.problems, *problems),
        seconds=seconds,
    )


def _sessions(notes: Sequence[Note]) -> int:
    """Count how often a subscriber began and saw something."""
    return sum(before[0] == BEGINS and note[0] == SEES for before, note in pairwise(notes))


def _faults(stage: Stage, evidence: Evidence) -> Counter[str]:
    """Count what went wrong, beside kills."""
    deliveries = list(stage.platform.webhooks.deliveries)
    return Counter(
        {
            "came again": sum(each.copy for each in deliveries),
            "came twice at once": stage.receivers.happened["twins"],
            "answer lost": stage.receivers.happened["lost"],
            "no answer": sum(each.status is None for each in deliveries),
            "operator failed": sum(each.code in {"UNAVAILABLE", "INTERNAL", "UNKNOWN"} for each in evidence.calls),
        }
    )


# -------------------------------------------------------------------------------------------------------- trouble


async def _troubled(stage: Stage) -> Counter[str]:
    """Let everybody play while things go wrong; when it is over, everybody is there. Returns what the platform said."""
    plan, enough = stage.plan, asyncio.Event()
    stage.receivers.lost, stage.receivers.twins = _LOST, _TWINS
    stage.platform.webhooks.set_chaos(_CHAOS)
    bettors = [
        Bettor(stage.platform, stage.http, plan.random(f"bettor {number}"), pause_s=plan.pause_s, enough=enough)
        for number in range(plan.bettors)
    ]
    async with asyncio.TaskGroup() as group:
        for place in stage.places:
            group.create_task(_haunted(place, plan, plan.random(place.name), enough))
        group.create_task(_time_flies(stage, plan.random("clock"), enough))
        for bettor in bettors:
            group.create_task(bettor.play())
        await _long_enough(stage)
        enough.set()
    return sum((bettor.said for bettor in bettors), Counter[str]())


async def _long_enough(stage: Stage) -> None:
    begun, plan = time.monotonic(), stage.plan
    while (lasted := time.monotonic() - begun) < 2 * plan.seconds:
        if lasted >= plan.seconds and stage.platform.book.count() >= plan.tickets:
            return
        await asyncio.sleep(_LOOK_S)


async def _haunted(place: Place, plan: Plan, random: Random, enough: asyncio.Event) -> None:
    """Kill whoever is at a place again and again; somebody is there at the end.

    Where a start takes long, because the machine is busy, everybody lives longer: most of the time somebody is there.
    """
    start_s = 0.0
    while not enough.is_set():
        await asyncio.sleep(random.uniform(*plan.calm_s) + start_s)
        await place.kill()
        await asyncio.sleep(random.uniform(0, 0.3))
        begun = time.monotonic()
        await place.start()
        start_s = time.monotonic() - begun


async def _time_flies(stage: Stage, random: Random, enough: asyncio.Event) -> None:
    """Move the platform's clock, so that what failed is repeated and what ended is closed."""
    longest_s = min(1.5 * _REPEATED_S, _GIVEN_UP_S / stage.plan.seconds / 2)
    moved_s = 0.0
    while not enough.is_set() and moved_s < _GIVEN_UP_S:
        await asyncio.sleep(random.uniform(0.2, 0.8))
        seconds = random.uniform(0, longest_s)
        stage.platform.clock.advance(seconds)
        moved_s += seconds


# ----------------------------------------------------------------------------------------------------------- calm


async def _calmed(stage: Stage) -> None:
    """Let everything come to its end, a day later too."""
    stage.calm()
    await stage.operator.end()
    await stage.operator.start()
    await _quiet(stage)
    stage.platform.clock.advance(1.1 * _DAY_S)
    await _quiet(stage)


async def _quiet(stage: Stage) -> None:
    """Deliver until there is nothing left to deliver or to pass on, or it takes too long."""
    end = time.monotonic() + _QUIET_S
    while time.monotonic() < end:
        waiting = await stage.platform.webhooks.deliver()
        states = await states_in(stage.ledger)
        if not waiting and not {"TRYING", "PENDING"}.intersection(states.values()):
            return
        await asyncio.sleep(_LOOK_S)


async def _caught_up(stage: Stage, log: Sequence[Note]) -> None:
    """Wait until the subscribers have seen the last event, or it takes too long."""
    end = time.monotonic() + _QUIET_S
    last = log[-1][0] if log else ""
    for path in stage.notes.values():
        while time.monotonic() < end and not _has_seen(path, last):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(_LOOK_S)


def _has_seen(notes: Path, cursor: str) -> bool:
    return any(note[:2] == [SEES, cursor] for note in notes_in(notes))


async def _ended(stage: Stage) -> list[str]:
    """Ask everybody to end; returns who does not end well, and what they did not expect."""
    await asyncio.gather(*(each.leave() for each in stage.subscribers))
    asked = [*stage.gateways, stage.operator]
    statuses = await asyncio.gather(*(each.end() for each in asked))
    unclean = [f"{each.name} ended with {status}" for each, status in zip(asked, statuses, strict=True) if status]
    # Not the operator: gRPC itself logs a traceback where a caller is gone.
    own = [*stage.gateways, *stage.subscribers]
    surprised = [f"{each.tracebacks()} tracebacks in {each.log}" for each in own if each.tracebacks()]
    return [*unclean, *surprised]
