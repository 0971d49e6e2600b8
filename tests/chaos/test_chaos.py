"""Does a bet get lost or doubled? The short form of ``make chaos``: a few seconds, two gateways, one SQLite ledger."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos.run import Plan, run


async def test_no_bet_is_lost_or_doubled_whatever_fails_and_whoever_is_killed(tmp_path: Path) -> None:
    """Every check holds, and there was trouble enough for that to mean something."""
    plan = Plan(
        name="short",
        ledger=f"sqlite:///{tmp_path}/ledger.db",
        gateways=2,
        seed=1,
        seconds=4,
        creates=20,
        home=tmp_path,
        calm_s=(0.1, 0.5),
    )
    async with asyncio.timeout(60):
        figures = await run(plan)
    assert figures.problems == ()
    assert figures.creates >= 20
    assert figures.kills >= 1
    assert figures.faults.total() >= 10
    assert figures.unknown_seen >= 1
