"""Does a bet get lost or doubled, whatever fails and whoever is killed? ``make chaos``: two minutes, three ledgers.

The last line sums up all runs. The exit status is 0 only if every check held and there was trouble enough.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from tests.chaos.run import Figures, Plan, run
from tests.chaos.trouble import KINDS
from tests.ledger.postgresql import server

_POSTGRESQL: Final = "PostgreSQL, two gateways"
_KILLS: Final = 5
_CREATES: Final = 500
_SECONDS: Final = 90.0
_LONGEST_CALM_S: Final = 90.0
_SHOWN: Final = 40


def main() -> int:
    """Make all runs and print what they saw; returns the exit status."""
    options = _options()
    print(f"seed {options.seed}, at least {options.creates} creates, {options.seconds:g} s of trouble", flush=True)
    home = Path(tempfile.mkdtemp(prefix="chaos-"))
    with ExitStack() as stack:
        url, missing = _postgresql(stack)
        figures = asyncio.run(_all_runs(list(_plans(options, home, url))))
    problems = [*missing, *(problem for each in figures for problem in each.problems)]
    problems += _too_little(figures, options.creates)
    for problem in problems[:_SHOWN]:
        print(f"FAILED  {problem}")
    if problems:
        print(f"{len(problems)} checks failed; settings and logs are in {home}")
    else:
        print("every check held")
        shutil.rmtree(home)
    print(summed_up(figures))
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long there is trouble, all runs together")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="decides what is random")
    parser.add_argument("--creates", type=int, default=_CREATES, help="how many creates there are at least")
    return parser.parse_args()


def _postgresql(stack: ExitStack) -> tuple[str | None, list[str]]:
    """Return the URL of a server's database, where there is a server, and whether it is missing where it has to be."""
    try:
        running = stack.enter_context(server())
    except pytest.skip.Exception as reason:
        print(f"skipped  {_POSTGRESQL}: {reason}", flush=True)
        return None, []
    except pytest.fail.Exception as reason:
        return None, [f"{_POSTGRESQL}: {reason}"]
    return stack.enter_context(running.database()), []


def _plans(options: argparse.Namespace, home: Path, url: str | None) -> Iterator[Plan]:
    ledgers: list[tuple[str, str | None, int]] = [("SQLite, one gateway", None, 1), ("SQLite, two gateways", None, 2)]
    if url is not None:
        ledgers.append((_POSTGRESQL, url, 2))
    for number, (name, ledger, gateways) in enumerate(ledgers):
        place = home / str(number + 1)
        place.mkdir()
        yield Plan(
            name=name,
            ledger=ledger or f"sqlite:///{place}/ledger.db",
            gateways=gateways,
            seed=options.seed + number,
            seconds=options.seconds / len(ledgers),
            creates=-(-options.creates // len(ledgers)),
            home=place,
        )


async def _all_runs(plans: Sequence[Plan]) -> list[Figures]:
    """Run one after the other."""
    task = asyncio.current_task()
    assert task is not None
    # So that what was started is ended too.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    figures = []
    for plan in plans:
        async with asyncio.timeout(2 * plan.seconds + _LONGEST_CALM_S):
            figures.append(await run(plan))
        print(told(plan, figures[-1]), flush=True)
    return figures


def told(plan: Plan, figures: Figures) -> str:
    """Return what one run saw."""
    deeds = ", ".join(f"{deed.rpartition('.')[2]} {count}" for deed, count in figures.deeds.items())
    faults = ", ".join(
        f"{kind.removeprefix('FAULT_KIND_').lower()} {count}" for kind, count in sorted(figures.faults.items())
    )
    answers = ", ".join(f"{said} {count}" for said, count in figures.answers.most_common())
    witnesses = f", {figures.unharmed} calls through a survivor unharmed" if plan.gateways > 1 else ""
    lines = [
        f"{plan.name}: seed {plan.seed}, {figures.seconds:.0f} s, {figures.kills} kills{witnesses}",
        f"  asked for  {deeds}",
        f"  faults     {faults}",
        f"  answers    {answers}",
        f"  unknown    {figures.unknown_seen}, {figures.orphans} of them because a gateway was killed",
        *(f"  person     {each}" for each in figures.verdict.needs_human),
    ]
    return "\n".join(lines)


def _too_little(figures: Sequence[Figures], creates: int) -> list[str]:
    """Return what there was too little of for the runs to say anything."""
    made, kills = sum(each.creates for each in figures), sum(each.kills for each in figures)
    faults = sum((each.faults for each in figures), Counter[str]())
    never = [pb.FaultKind.Name(kind) for kind in KINDS if not faults[pb.FaultKind.Name(kind)]]
    harmless = [
        "no kill was seen through a surviving gateway" for each in figures if each.gateways > 1 and not each.unharmed
    ]
    return [
        *([f"{made} creates are fewer than {creates}"] if made < creates else []),
        *([f"{kills} kills are fewer than {_KILLS}"] if kills < _KILLS else []),
        *(["no kill met a call on its way"] if not sum(each.orphans for each in figures) else []),
        *(f"{name} never hit" for name in never),
        *harmless,
    ]


def summed_up(figures: Sequence[Figures]) -> str:
    """Return the last line."""
    verdicts = [each.verdict for each in figures]
    sums = {
        "creates": sum(each.creates for each in figures),
        "kills": sum(each.kills for each in figures),
        "faults": sum(each.faults.total() for each in figures),
        "unknown_seen": sum(each.unknown_seen for each in figures),
        "doubles": sum(len(each.doubles) for each in verdicts),
        "lost": sum(len(each.lost) for each in verdicts),
        "wrong": sum(len(each.wrong) for each in verdicts),
        "needs_human": sum(len(each.needs_human) for each in verdicts),
    }
    return " ".join(f"{name}={count}" for name, count in sums.items())


if __name__ == "__main__":
    sys.exit(main())
