"""Is anything lost or doubled, whatever fails and whoever is killed? ``make chaos``: four minutes, both directions.

Bets on three ledgers, then webhooks on two. The last line sums up all runs. The exit status is 0 only if every check held
and there was trouble enough.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import pytest

from tests.chaos import run as bets
from tests.chaos.report import summed_up, told_of_bets, told_of_webhooks, too_few_bets, too_few_webhooks
from tests.chaos.webhooks import run as webhooks
from tests.ledger.postgresql import Server, server

_POSTGRESQL: Final = "PostgreSQL, two gateways"
_CREATES: Final = 500
_SECONDS: Final = 90.0
_TICKETS: Final = 100
_WEBHOOK_SECONDS: Final = 70.0
_LONGEST_CALM_S: Final = 150.0
_SHOWN: Final = 40

P = TypeVar("P", bets.Plan, webhooks.Plan)
F = TypeVar("F", bets.Figures, webhooks.Figures)


@dataclass(slots=True)
class _Runs:
    """What all runs saw, and what was wrong or missing."""

    of_bets: list[bets.Figures] = field(default_factory=list)
    of_webhooks: list[webhooks.Figures] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def main() -> int:
    """Make all runs and print what they saw; returns the exit status."""
    options = _options()
    print(
        f"seed {options.seed}, at least {options.creates} creates, {options.seconds:g} s of trouble; "
        f"then webhooks of {options.tickets} tickets, {options.webhook_seconds:g} s",
        flush=True,
    )
    home = Path(tempfile.mkdtemp(prefix="chaos-"))
    runs = _Runs()
    with ExitStack() as stack:
        running = _postgresql(stack, runs)
        bet_plans = list(_bet_plans(options, home, _database(stack, running)))
        webhook_plans = list(_webhook_plans(options, home, _database(stack, running)))
        asyncio.run(_all_runs(bet_plans, webhook_plans, runs))
    runs.problems += (problem for each in runs.of_bets for problem in each.problems)
    runs.problems += (problem for each in runs.of_webhooks for problem in each.problems)
    runs.problems += too_few_bets(runs.of_bets, options.creates) if bet_plans else ()
    runs.problems += too_few_webhooks(runs.of_webhooks, options.tickets) if webhook_plans else ()
    for problem in runs.problems[:_SHOWN]:
        print(f"FAILED  {problem}")
    if runs.problems:
        print(f"{len(runs.problems)} checks failed; settings and logs are in {home}")
    else:
        print("every check held")
        shutil.rmtree(home)
    print(summed_up(runs.of_bets, runs.of_webhooks))
    return 1 if runs.problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long bets have trouble, all runs together")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="decides what is random")
    parser.add_argument("--creates", type=int, default=_CREATES, help="how many creates there are at least")
    parser.add_argument(
        "--webhook-seconds", type=float, default=_WEBHOOK_SECONDS, help="how long webhooks have trouble, both runs"
    )
    parser.add_argument("--tickets", type=int, default=_TICKETS, help="how many tickets have webhooks at least")
    parser.add_argument("--only", choices=["bets", "webhooks"], help="one direction")
    return parser.parse_args()


def _postgresql(stack: ExitStack, runs: _Runs) -> Server | None:
    """Return a server, where there is one; where there has to be one, that there is none is a problem."""
    try:
        return stack.enter_context(server())
    except pytest.skip.Exception as reason:
        print(f"skipped  {_POSTGRESQL}: {reason}", flush=True)
    except pytest.fail.Exception as reason:
        runs.problems.append(f"{_POSTGRESQL}: {reason}")
    return None


def _database(stack: ExitStack, running: Server | None) -> str | None:
    return None if running is None else stack.enter_context(running.database())


def _bet_plans(options: argparse.Namespace, home: Path, url: str | None) -> Iterator[bets.Plan]:
    if options.only == "webhooks":
        return
    ledgers: list[tuple[str, str | None, int]] = [("SQLite, one gateway", None, 1), ("SQLite, two gateways", None, 2)]
    if url is not None:
        ledgers.append((_POSTGRESQL, url, 2))
    for number, (name, ledger, gateways) in enumerate(ledgers):
        place = _place(home, f"bets-{number + 1}")
        yield bets.Plan(
            name=name,
            ledger=ledger or f"sqlite:///{place}/ledger.db",
            gateways=gateways,
            seed=options.seed + number,
            seconds=options.seconds / len(ledgers),
            creates=-(-options.creates // len(ledgers)),
            home=place,
        )


def _webhook_plans(options: argparse.Namespace, home: Path, url: str | None) -> Iterator[webhooks.Plan]:
    if options.only == "bets":
        return
    ledgers: list[tuple[str, str | None, int]] = [("SQLite, one gateway", None, 1)]
    if url is not None:
        ledgers.append((_POSTGRESQL, url, 2))
    for number, (name, ledger, gateways) in enumerate(ledgers):
        place = _place(home, f"webhooks-{number + 1}")
        yield webhooks.Plan(
            name=f"Webhooks, {name}",
            ledger=ledger or f"sqlite:///{place}/ledger.db",
            gateways=gateways,
            seed=options.seed + number,
            seconds=options.webhook_seconds / len(ledgers),
            tickets=-(-options.tickets // len(ledgers)),
            home=place,
        )


def _place(home: Path, name: str) -> Path:
    place = home / name
    place.mkdir()
    return place


async def _all_runs(of_bets: list[bets.Plan], of_webhooks: list[webhooks.Plan], runs: _Runs) -> None:
    """Run one after the other."""
    task = asyncio.current_task()
    assert task is not None
    # So that what was started is ended too.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    for bet_plan in of_bets:
        runs.of_bets.append(await _run(bet_plan, bets.run, told_of_bets))
    for webhook_plan in of_webhooks:
        runs.of_webhooks.append(await _run(webhook_plan, webhooks.run, told_of_webhooks))


async def _run(plan: P, run: Callable[[P], Awaitable[F]], told: Callable[[P, F], str]) -> F:
    async with asyncio.timeout(2 * plan.seconds + _LONGEST_CALM_S):
        figures = await run(plan)
    print(told(plan, figures), flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main())
